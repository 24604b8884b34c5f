package pipeline

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/telltale-net/telltale/collector"
	"github.com/telltale-net/telltale/collector/clocks"
	"github.com/telltale-net/telltale/collector/journal"
	"github.com/telltale-net/telltale/collector/ledger"
	"github.com/telltale-net/telltale/collector/postcard"
)

// Pipeline is a live collector with its log. It is safe for concurrent use.
type Pipeline struct {
	cfg       Config
	collector *collector.Collector
	journal   *journal.Journal
	paths     *paths
	book      *ledger.Book
	listening atomic.Pointer[netip.AddrPort] // nil while the sockets are not open
}

// Open opens the log; the sockets are opened by Run, which must be called, and closes
// the log. ready, where not nil, is called once the sockets are open.
func Open(ctx context.Context, cfg Config, ready func(netip.AddrPort)) (*Pipeline, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	p := &Pipeline{cfg: cfg, paths: newPaths(&cfg)}
	var err error
	p.collector, err = collector.New(cfg.Collector, collector.Deps{Sink: p.take, Ready: func(a netip.AddrPort) {
		p.listening.Store(&a)
		if ready != nil {
			ready(a)
		}
	}})
	if err != nil {
		return nil, err
	}
	if p.journal, err = journal.Open(ctx, cfg.Journal); err != nil {
		return nil, err
	}
	return p, nil
}

// take is the collector's sink.
func (p *Pipeline) take(batch []postcard.Record) {
	if err := p.journal.Append(batch); err != nil {
		panic("BUG: the log was closed before the collector had ended: " + err.Error())
	}
	for _, tap := range p.cfg.Taps {
		tap(batch)
	}
	p.paths.observe(batch)
}

// Run collects until ctx is done, stores what it has, and closes the log. It ends at
// most Config.Drain after ctx, or shortly after; what is not in the log then is shed.
// The error is of the sockets, or says that something had to be shed to end in time.
func (p *Pipeline) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	limit, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	done := make(chan struct{})
	var helpers sync.WaitGroup
	helpers.Go(func() { p.align(done) })
	p.book = ledger.NewBook(time.Now().UnixNano())
	ended := make(chan struct{}) // the counts change no more, but for those of the log
	var accounts sync.WaitGroup
	accounts.Go(func() { p.account(limit, ended) })
	helpers.Go(func() {
		select {
		case <-ctx.Done():
		case <-done:
			return
		}
		timer := time.NewTimer(p.cfg.Drain)
		defer timer.Stop()
		select {
		case <-timer.C:
			p.journal.Abandon()
			giveUp()
		case <-done:
		}
	})
	err := p.collector.Run(ctx)
	p.listening.Store(nil)
	cancel()
	p.paths.finish()
	p.paths.align()
	close(ended)
	accounts.Wait()
	err = errors.Join(err, p.journal.Close(limit))
	close(done)
	helpers.Wait()
	return err
}

// account puts pages of the ledger into the log until done, and then the last one,
// behind all records.
func (p *Pipeline) account(ctx context.Context, done <-chan struct{}) {
	tick := time.NewTicker(p.cfg.Ledger)
	defer tick.Stop()
	for ended := false; !ended; {
		select {
		case <-tick.C:
		case <-done:
			ended = true
			if p.journal.Flush(ctx) != nil {
				return // given up: the end of the time to end
			}
		}
		s := p.Snapshot()
		page := p.book.Page(time.Now().UnixNano(), ledger.State{
			Sources: s.Collector.Sources, Sum: s.Collector.Sum, Kernel: s.KernelDrops, Rejected: s.Rejected, ShedLog: s.ShedLog,
		})
		if p.journal.Keep(ctx, &page) == nil {
			p.book.Kept() // else the next page has it all
		}
	}
}

// align aligns the clocks now and then.
func (p *Pipeline) align(done <-chan struct{}) {
	if len(p.paths.links) == 0 {
		return
	}
	tick := time.NewTicker(p.cfg.Align)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			p.paths.align()
		}
	}
}

// Account is where the records of the datagrams that arrived have gone.
//
//	Records = Stored + ShedQueue + ShedLog + InFlight
type Account struct {
	Datagrams   uint64 `json:"datagrams"`    // received
	KernelDrops uint64 `json:"kernel_drops"` // datagrams that the kernel gave up before, as far as it says
	Rejected    uint64 `json:"rejected"`     // of Datagrams: no reports
	Reports     uint64 `json:"reports"`      // decoded
	Malformed   uint64 `json:"malformed"`    // reports that could not be read
	Records     uint64 `json:"records"`      // decoded
	Stored      uint64 `json:"stored"`       // in the log
	ShedQueue   uint64 `json:"shed_queue"`   // because the log was slower than the network
	ShedLog     uint64 `json:"shed_log"`     // because the log could not keep them
	InFlight    uint64 `json:"in_flight"`    // on the way
}

// Snapshot is all counts at a moment.
type Snapshot struct {
	Account
	Collector collector.Snapshot
	Log       journal.Stats
	Paths     PathStats
	Aligned   *clocks.Aligned // nil = not yet
}

// Snapshot returns the counts.
func (p *Pipeline) Snapshot() Snapshot {
	var s Snapshot
	s.Log = p.journal.Stats() // before what it is part of
	s.Collector = p.collector.Snapshot()
	s.Paths, s.Aligned = p.paths.snapshot()
	c := &s.Collector
	s.Account = Account{
		Datagrams: c.Datagrams, Rejected: c.Rejected, Reports: c.Sum.Reports, Malformed: c.Sum.Malformed,
		Records: c.Sum.Records, Stored: s.Log.Stored, ShedQueue: c.Sum.Shed, ShedLog: s.Log.Shed,
	}
	for i := range c.Sockets {
		s.KernelDrops += c.Sockets[i].KernelDrops
	}
	// A record that is given between two reads of the counts may be in one of them only.
	if gone := s.Stored + s.ShedQueue + s.ShedLog; s.Records > gone {
		s.InFlight = s.Records - gone
	}
	return s
}

// Journal returns the log, to read and to follow.
func (p *Pipeline) Journal() *journal.Journal { return p.journal }

// Collector returns the receiver, to ask for the loss of a window.
func (p *Pipeline) Collector() *collector.Collector { return p.collector }

// Ready returns nil while reports are received and kept, or why not.
func (p *Pipeline) Ready() error {
	if p.listening.Load() == nil {
		return errors.New("not listening for reports")
	}
	if alarm := p.journal.Stats().Alarm; alarm != "" {
		return errors.New("the log sheds: " + alarm)
	}
	return nil
}
