package journal

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/telltale-net/telltale/collector/block"
	"github.com/telltale-net/telltale/collector/postcard"
)

// ReadStats say what a reading took.
type ReadStats struct {
	Blocks  int    // looked at
	Opened  int    // whose records were looked at
	Bytes   uint64 // of the blocks looked at
	Records uint64 // looked at
	Wanted  uint64 // records handed over
	Damaged int    // blocks that could not be read
	Damage  error  // of the first of them
}

// Entry is a block in the log.
type Entry struct {
	Sequence uint64 // in the stream
	Stored   time.Time
	Bytes    int
	Header   block.Header
}

// Read hands over the records in the log that the query wants, those of one block at
// a time, sorted by Received; blocks in the order in which they were stored. The records are fn's during the call only. It ends with the
// newest block at the time of the call, with an error of fn, or with ctx.
//
// A block that cannot be read is counted and left out.
func (j *Journal) Read(ctx context.Context, q block.Query, fn func([]postcard.Record) error) (ReadStats, error) {
	var stats ReadStats
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	jobs := make(chan *job, 2*runtime.GOMAXPROCS(0)) // in order
	todo := make(chan *job, cap(jobs))
	for range runtime.GOMAXPROCS(0) {
		go func() {
			var dec block.Decoder
			for t := range todo {
				t.decode(&dec, &q)
				close(t.done)
			}
		}()
	}
	var failed error
	go func() {
		defer close(jobs)
		defer close(todo)
		failed = j.messages(ctx, reading{subjects: j.filters(q.From, q.To, "")}, func(m entryMessage) error {
			t := j.jobs.Get().(*job)
			*t = job{b: m.data, records: t.records[:0], done: make(chan struct{})}
			for _, c := range []chan *job{todo, jobs} {
				select {
				case c <- t:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return nil
		})
	}()
	var err error
	for t := range jobs {
		<-t.done
		if err != nil {
			continue
		}
		stats.add(t)
		if len(t.records) > 0 {
			if err = fn(t.records); err != nil {
				cancel()
			}
		}
		j.jobs.Put(t)
	}
	if err == nil {
		err = failed
	}
	if err != nil {
		return stats, fmt.Errorf("cannot read the log at %s: %w", j.where(), err)
	}
	return stats, nil
}

// Follow hands over the records that the query wants from every block that is stored
// from now on, until ctx is done or fn fails. Blocks it cannot keep up with are in the
// log; it falls behind but misses none that the log still has.
func (j *Journal) Follow(ctx context.Context, q block.Query, fn func([]postcard.Record) error) (ReadStats, error) {
	return j.follow(ctx, reading{fresh: true}, q, fn)
}

// Tail is Follow from the first block that may hold records received at q.From or later
// (0 = the oldest), without a gap between those that are there and those to come.
func (j *Journal) Tail(ctx context.Context, q block.Query, fn func([]postcard.Record) error) (ReadStats, error) {
	return j.follow(ctx, reading{since: q.From}, q, fn)
}

func (j *Journal) follow(ctx context.Context, what reading, q block.Query, fn func([]postcard.Record) error) (ReadStats, error) {
	what.subjects, what.follow = j.filters(0, 0, ""), true
	var stats ReadStats
	var dec block.Decoder
	t := &job{}
	err := j.messages(ctx, what, func(m entryMessage) error {
		*t = job{b: m.data, records: t.records[:0]}
		t.decode(&dec, &q)
		stats.add(t)
		if len(t.records) == 0 {
			return nil
		}
		return fn(t.records)
	})
	if err != nil && ctx.Err() == nil {
		return stats, fmt.Errorf("cannot follow the log at %s: %w", j.where(), err)
	}
	return stats, nil
}

// List hands over the blocks in the log that may hold records received from `from` to
// before `to` (ns, 0 = open), in the order in which they were stored.
func (j *Journal) List(ctx context.Context, from, to int64, fn func(Entry) error) (ReadStats, error) {
	var stats ReadStats
	q := block.Query{From: from, To: to}
	err := j.messages(ctx, reading{subjects: j.filters(from, to, "")}, func(m entryMessage) error {
		stats.Blocks++
		stats.Bytes += uint64(len(m.data))
		h, err := block.ReadHeader(m.data)
		if err != nil {
			stats.damaged(err)
			return nil
		}
		if !h.MayHold(&q) {
			return nil
		}
		stats.Opened++
		stats.Records += uint64(h.Records)
		return fn(Entry{Sequence: m.sequence, Stored: m.stored, Bytes: len(m.data), Header: h})
	})
	if err != nil {
		return stats, fmt.Errorf("cannot list the log at %s: %w", j.where(), err)
	}
	return stats, nil
}

// job is a block on its way through the decoders.
type job struct {
	b       []byte
	records []postcard.Record // wanted
	seen    int
	opened  bool
	err     error
	done    chan struct{}
}

func (t *job) decode(dec *block.Decoder, q *block.Query) {
	h, err := block.ReadHeader(t.b)
	if err != nil {
		t.err = err
		return
	}
	if !h.MayHold(q) {
		return
	}
	t.opened = true
	if t.records, t.err = dec.Decode(t.records[:0], t.b, q); t.err == nil {
		t.seen = h.Records
	}
}

func (s *ReadStats) add(t *job) {
	s.Blocks++
	s.Bytes += uint64(len(t.b))
	if t.opened {
		s.Opened++
	}
	if t.err != nil {
		s.damaged(t.err)
		return
	}
	s.Records += uint64(t.seen)
	s.Wanted += uint64(len(t.records))
}

func (s *ReadStats) damaged(err error) {
	s.Damaged++
	if s.Damage == nil {
		s.Damage = err
	}
}

// entryMessage is a block or a page as it lies in the stream.
type entryMessage struct {
	sequence uint64
	stored   time.Time
	data     []byte
}

const (
	prefetch      = 8 << 20 // bytes that the server may send ahead
	idle          = time.Second
	consumerGrace = time.Minute // after which the server forgets a reader that is gone
	startSlack    = time.Minute // by which the server's clock may be behind the collector's
)

// reading says which messages are read.
type reading struct {
	subjects []string
	follow   bool  // on and on; else until the newest one there is
	fresh    bool  // only those that are stored from now on
	since    int64 // to follow: only those that may hold what was received then (ns) or later; 0 = all
}

// messages hands over messages of the stream, in the order in which they were stored.
func (j *Journal) messages(ctx context.Context, what reading, fn func(entryMessage) error) error {
	follow := what.follow
	cfg := jetstream.OrderedConsumerConfig{FilterSubjects: what.subjects, DeliverPolicy: jetstream.DeliverAllPolicy, InactiveThreshold: consumerGrace}
	start := time.Unix(0, what.since).Add(-startSlack)
	switch {
	case what.fresh:
		cfg.DeliverPolicy = jetstream.DeliverNewPolicy
	case follow && what.since != 0 && start.Before(time.Now()): // a block is stored after its records were received, but for clocks that differ
		cfg.DeliverPolicy, cfg.OptStartTime = jetstream.DeliverByStartTimePolicy, &start
	}
	cons, err := j.link.Load().js.OrderedConsumer(ctx, j.cfg.Stream, cfg)
	if err != nil {
		return err
	}
	if !follow && cons.CachedInfo().NumPending == 0 {
		return nil
	}
	messages, err := cons.Messages(jetstream.PullMaxBytes(prefetch))
	if err != nil {
		return err
	}
	defer messages.Stop()
	for {
		call, cancel := context.WithTimeout(ctx, idle)
		msg, err := messages.Next(jetstream.NextContext(call))
		cancel()
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, nats.ErrTimeout), errors.Is(err, context.DeadlineExceeded):
			if follow {
				continue
			}
			// What was pending may have gone from the log meanwhile.
			if info, err := cons.Info(ctx); err == nil && info.NumPending == 0 {
				return nil
			}
			continue
		default:
			return err
		}
		meta, err := msg.Metadata()
		if err != nil {
			return err
		}
		if err := fn(entryMessage{sequence: meta.Sequence.Stream, stored: meta.Timestamp, data: msg.Data()}); err != nil {
			return err
		}
		if !follow && meta.NumPending == 0 {
			return nil
		}
	}
}
