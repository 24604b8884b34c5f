package queue

import (
	"context"
	"fmt"
	"math"
	"math/bits"
	"time"

	"github.com/telltale-net/telltale/analyzers/queue/diagnosis"
	"github.com/telltale-net/telltale/analyzers/queue/records"
)

// StreamConfig says what a Stream looks for. The zero value of a field stands for its
// default.
type StreamConfig struct {
	Config
	Quantile float64       // of the time at nodes, above which packets are victims; 0.999
	Window   time.Duration // how much is analysed at once; 1 s
	Late     time.Duration // how much later than others a record may come; 50 ms
	Workers  int           // threads; 1
	// MaxRecords bounds the records held at once; 0 = 32 million, at some 30 bytes each.
	MaxRecords int
}

// Stream analyses records as they come, without an end, in bounded memory: it holds one
// window and the history before it. It is for one goroutine.
//
// A victim is a packet above the quantile of all packets so far, at the nodes where it
// was abnormally long, and every packet that was lost.
type Stream struct {
	net   *records.Network
	flows func() []records.Flow
	cfg   StreamConfig
	emit  func(*records.Trace, []diagnosis.Diagnosis) error

	held  *records.Builder
	begun bool
	from  int64 // the window in hand begins
	last  int64 // latest time seen
	late  uint64
	past  stayHistogram // of the window being analysed

	running chan error // the analysis of the window before; nil = none
}

// NewStream returns a stream over net. flows returns the table that records' flows are
// indexes into; it may grow between calls. emit is called for every window with the
// answers about its victims, in the order of time, from another goroutine while the
// next window fills, one call at a time; what it returns, the next Add or Close does.
func NewStream(net *records.Network, flows func() []records.Flow, cfg StreamConfig, emit func(*records.Trace, []diagnosis.Diagnosis) error) *Stream {
	cfg.Config = cfg.Config.withDefaults(1)
	orDefault(&cfg.Quantile, 0.999)
	orDefault(&cfg.Window, time.Second)
	orDefault(&cfg.Late, 50*time.Millisecond)
	orDefault(&cfg.Workers, 1)
	orDefault(&cfg.MaxRecords, 32<<20)
	return &Stream{net: net, flows: flows, cfg: cfg, emit: emit, held: records.NewBuilderOver(net, nil, cfg.MaxRecords)}
}

// TooLate returns how many records came after their window had gone to analysis: they
// are history to later windows, and no victims.
func (s *Stream) TooLate() uint64 { return s.late }

// Add takes records; time must go forward but for StreamConfig.Late. An error is that of
// emit or of the context, or says that a record is not one, or that a window holds more
// records than there may be.
func (s *Stream) Add(ctx context.Context, batch []records.Record) error {
	s.held.Extend(s.flows())
	for i := range batch {
		r := &batch[i]
		at := r.At()
		if !s.begun {
			s.begun, s.from, s.last = true, at, at
		}
		if at < s.from {
			if s.late++; at < s.from-s.keep() {
				continue
			}
		}
		if s.last = max(s.last, at); s.last >= s.from+int64(s.cfg.Window+s.cfg.Late) {
			if err := s.window(ctx, s.from+int64(s.cfg.Window)); err != nil {
				return err
			}
			s.held.Extend(s.flows())
		}
		if err := s.held.AddAt(r); err != nil {
			return fmt.Errorf("cannot take a record of node %s at %d ns: %w", s.net.Name(r.Node), at, err)
		}
	}
	return nil
}

// Close analyses what is left.
func (s *Stream) Close(ctx context.Context) error {
	if !s.begun {
		return nil
	}
	if err := s.window(ctx, math.MaxInt64); err != nil {
		return err
	}
	return s.wait()
}

// wait ends with the analysis of the window before.
func (s *Stream) wait() error {
	if s.running == nil {
		return nil
	}
	err := <-s.running
	s.running = nil
	return err
}

// keep is how long before a window records are of use.
func (s *Stream) keep() int64 { return int64(s.cfg.Lookback + s.cfg.History) }

// window has what arrived before a time analysed, once the window before is done, and
// keeps what later windows need.
func (s *Stream) window(ctx context.Context, to int64) error {
	if err := s.wait(); err != nil {
		return err
	}
	t := s.held.TraceWith(s.cfg.Workers)
	from := s.from
	done := make(chan error, 1)
	s.running = done
	go func() { done <- s.analyse(ctx, t, from, to) }()

	s.from = to
	s.held = records.NewBuilderOver(s.net, s.flows(), s.cfg.MaxRecords)
	if to == math.MaxInt64 {
		s.begun = false
		return nil
	}
	return s.held.AddFrom(t, to-s.keep())
}

// analyse diagnoses the victims that arrived in [from, to) and hands the answers over.
func (s *Stream) analyse(ctx context.Context, t *records.Trace, from, to int64) error {
	a := New(t, s.cfg.Config)
	stays := a.stays()
	s.past.add(stays, a, from, to)
	victims := a.above(stays, s.past.quantile(s.cfg.Quantile), s.cfg.Quantile, from, to-1)
	for _, v := range a.Lost() {
		if v.Arrive >= from && v.Arrive < to {
			victims = append(victims, v)
		}
	}
	sortVictims(victims)
	answers, err := a.Diagnose(ctx, victims, s.cfg.Workers)
	if err != nil {
		return err
	}
	if err := s.emit(t, answers); err != nil {
		return fmt.Errorf("cannot hand over the answers of the window that begins at %d ns: %w", from, err)
	}
	return nil
}

// stayHistogram counts packets by their time at nodes, 64 buckets to a power of two, so
// that quantiles are at most 1/64 too high.
type stayHistogram struct {
	buckets [64 * 64]uint64
	n       uint64
}

const perOctave = 64

func stayBucket(ns int64) int {
	if ns < perOctave {
		return int(max(ns, 0))
	}
	e := 63 - bits.LeadingZeros64(uint64(ns)) // 2^e ≤ ns
	return (e-5)*perOctave + int(ns>>(e-6)) - perOctave
}

// upper returns the greatest value of a bucket.
func upper(b int) int64 {
	if b < perOctave {
		return int64(b)
	}
	e := b/perOctave + 5
	return (int64(b%perOctave+perOctave)+1)<<(e-6) - 1
}

// add counts the packets that arrived first in [from, to).
func (h *stayHistogram) add(s *stays, a *Analyzer, from, to int64) {
	for i := range a.t.Queues {
		q := &a.t.Queues[i]
		if !a.entersAt(q) {
			continue
		}
		for row := q.FirstArrival(from); row < q.Len() && q.Arrive[row] < to; row++ {
			if p := q.Packet[row]; p != records.NoPacket {
				h.buckets[stayBucket(s.of(p))]++
				h.n++
			}
		}
	}
}

func (h *stayHistogram) quantile(share float64) int64 {
	want := uint64(math.Ceil(share * float64(h.n)))
	seen := uint64(0)
	for b, n := range h.buckets {
		if seen += n; seen >= want && n > 0 {
			return upper(b)
		}
	}
	return 0
}
