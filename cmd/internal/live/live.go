package live

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/incident"
	"github.com/telltale-net/telltale/cmd/internal/live/window"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/topology"
)

// Config says how to analyse. The zero value of a field stands for its default.
type Config struct {
	Window window.Config
	Rate   int // records a second that are analysed, at most, on average; 50,000; fewer where long windows would hold too many
	Queue  int // batches of 1024 records that may wait; 64
	Recent int // closed findings that are kept; 64
}

func (c Config) withDefaults() Config {
	c.Rate = cmp.Or(c.Rate, 50_000)
	c.Queue = cmp.Or(c.Queue, 64)
	c.Recent = cmp.Or(c.Recent, 64)
	return c
}

// Check returns what is wrong with the configuration, or nil.
func (c Config) Check() error {
	c = c.withDefaults()
	for _, f := range []struct {
		name     string
		got      int
		min, max int
	}{
		{"rate", c.Rate, 100, 1e9},
		{"queue", c.Queue, 1, 1 << 16},
		{"recent", c.Recent, 1, 1 << 16},
	} {
		if f.got < f.min || f.got > f.max {
			return fmt.Errorf("live analysis: %s: got %d, want %d to %d", f.name, f.got, f.min, f.max)
		}
	}
	return nil
}

// Deps are what a live analysis needs of the world. All may be nil.
type Deps struct {
	Now        func() int64      // ns; nil = the system's clock
	ReportLoss window.ReportLoss // nil = no loss is known but what the records show

	// OnEvent and OnWindow take what comes of the analysis, Changed is called after
	// Results has changed, all by Run's goroutine: while they wait, the analysis does. A
	// window is not changed any more.
	OnEvent  func(incident.Event)
	OnWindow func(*window.Window)
	Changed  func()

	// Beside is another analysis of the same records.
	Beside Beside
}

// Beside is an analysis beside the main one, of the same records: what one is too slow for
// is shed for both. It is called by Run's goroutine.
type Beside interface {
	Observe(b *window.Batch) // not kept
	Advance(now int64)       // the time as the main one has it
	Flush()                  // nothing comes any more
}

// Live analyses one stream of records.
type Live struct {
	cfg  Config
	deps Deps
	core *window.Analyzer // Run's, as are the next two

	last  int64 // Received of the latest record
	heard int64 // when records were taken last

	mu      sync.Mutex // of what Observe works on
	sampler *window.Sampler
	fill    *window.Batch

	full chan *window.Batch
	free chan *window.Batch

	counts  counters
	results atomic.Pointer[Results]
}

// counters are what Observe counts.
type counters struct {
	offered, taken, shed atomic.Uint64
	level                atomic.Uint64
	events               [3]atomic.Uint64 // by incident.EventType
	windows, unblamed    atomic.Uint64
	late                 atomic.Uint64
}

// batchRecords is when a batch is handed over.
const batchRecords = 1024

// step is how often time moves, and the longest that a record waits for its batch.
const step = 50 * time.Millisecond

// New returns a live analysis of the fabric, which must not change afterwards. It does
// nothing before Run.
func New(f topology.Fabric, cfg Config, deps Deps) (*Live, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	if cfg.Window.MaxRecords == 0 {
		cfg.Window.MaxRecords, cfg.Rate = window.Budget(cfg.Rate, cmp.Or(cfg.Window.Length, time.Second))
	}
	core, err := window.New(f, cfg.Window)
	if err != nil {
		return nil, err
	}
	if deps.Now == nil {
		deps.Now = func() int64 { return time.Now().UnixNano() }
	}
	l := &Live{cfg: cfg, deps: deps, core: core, sampler: window.NewSampler(cfg.Rate, int64(core.Delay())),
		full: make(chan *window.Batch, cfg.Queue), free: make(chan *window.Batch, cfg.Queue+2)}
	l.results.Store(&Results{OneIn: 1, Findings: []Finding{}, Losses: []window.Loss{}, Recent: []Finding{}})
	return l, nil
}

// Observe adds records. It never waits and keeps nothing of the batch. It may be called
// from any goroutine; records come about in the order in which they were received.
func (l *Live) Observe(records []postcard.Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.filling()
	for i := range records {
		b.Offered++
		if !l.sampler.Choose(&records[i]) {
			continue
		}
		if b.Records = append(b.Records, records[i]); len(b.Records) == batchRecords {
			l.hand(records[i].Received)
			b = l.filling()
		}
	}
	l.counts.offered.Add(uint64(len(records)))
}

// filling returns the batch that is being filled; l.mu is held.
func (l *Live) filling() *window.Batch {
	if l.fill == nil {
		select {
		case l.fill = <-l.free:
			*l.fill = window.Batch{Records: l.fill.Records[:0], Holes: l.fill.Holes[:0]}
		default:
			l.fill = &window.Batch{}
		}
	}
	return l.fill
}

// hand hands the batch over, or sheds its records; l.mu is held.
func (l *Live) hand(now int64) {
	b := l.fill
	if b == nil || b.Offered == 0 {
		return
	}
	b.Level = l.sampler.Level()
	l.counts.level.Store(uint64(b.Level))
	b.Holes = l.sampler.TakeHoles(b.Holes)
	select {
	case l.full <- b:
		l.counts.taken.Add(uint64(len(b.Records)))
		l.fill = nil
	default: // its counts go with the next one that is taken
		n := uint64(len(b.Records))
		b.Shed += n
		b.Records, b.Holes = b.Records[:0], b.Holes[:0] // nobody is blamed in that time
		l.counts.shed.Add(n)
		l.sampler.Raise(now)
	}
}

// flush hands over what there is.
func (l *Live) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fill != nil && (len(l.fill.Records) > 0 || l.fill.Shed > 0) {
		l.hand(l.deps.Now())
	}
}

// Run analyses until ctx is done and what was observed before is judged. It returns nil.
//
// Time is that of the records, however late they come here: what was received before must
// not be judged while a part of it still waits on the way. Only when nothing has come for
// a while does time go on by itself.
func (l *Live) Run(ctx context.Context) error {
	tick := time.NewTicker(step)
	defer tick.Stop()
	l.heard = l.deps.Now()
	for {
		select {
		case b := <-l.full:
			l.take(b)
		case <-tick.C:
			l.drain()
			if silent := l.deps.Now() - l.heard - int64(patience); silent > 0 {
				l.tell(l.core.Advance(l.last+silent, l.deps.ReportLoss))
				if l.deps.Beside != nil {
					l.deps.Beside.Advance(l.last + silent)
				}
			}
		case <-ctx.Done():
			l.drain()
			l.tell(l.core.Flush(l.deps.ReportLoss))
			if l.deps.Beside != nil {
				l.deps.Beside.Flush()
			}
			return nil
		}
	}
}

// patience is how long nothing comes before time goes on without records.
const patience = 2 * time.Second

// drain takes the batches that wait, and then what has come of the next one.
func (l *Live) drain() {
	l.waiting()
	l.flush()
	l.waiting()
}

// waiting takes the batches that wait.
func (l *Live) waiting() {
	for {
		select {
		case b := <-l.full:
			l.take(b)
		default:
			return
		}
	}
}

func (l *Live) take(b *window.Batch) {
	if n := len(b.Records); n > 0 {
		l.last, l.heard = max(l.last, b.Records[n-1].Received), l.deps.Now()
	}
	l.core.Observe(b)
	l.counts.late.Store(l.core.Late())
	l.tell(l.core.Advance(l.last, l.deps.ReportLoss))
	if l.deps.Beside != nil {
		l.deps.Beside.Observe(b)
		l.deps.Beside.Advance(l.last)
	}
	select {
	case l.free <- b:
	default:
	}
}

// Network returns the fabric as the analysis sees it.
func (l *Live) Network() *analyzers.Network { return l.core.Incident().Network() }
