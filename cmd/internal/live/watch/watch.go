package watch

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/telltale-net/telltale/cmd/internal/live/window"
	"github.com/telltale-net/telltale/cmd/internal/recordlog"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/sequence"
	"github.com/telltale-net/telltale/topology"
)

// Format is how windows are written.
type Format string

// The formats.
const (
	JSON Format = "json" // a window.Window a line
	Text Format = "text"
)

// Options say what to do.
type Options struct {
	Format Format
	Length time.Duration // of a window
	Rate   int           // records a second, of the records' time, that are analysed at most
	Once   bool          // write the last window only; of Records
}

// Check says what is wrong with the options.
func (o *Options) Check() error {
	switch {
	case o.Format != JSON && o.Format != Text:
		return fmt.Errorf("format: got %q, want text or json", o.Format)
	case o.Length < 100*time.Millisecond || o.Length > time.Hour:
		return fmt.Errorf("window: got %v, want 100ms to 1h", o.Length)
	case o.Rate < 100:
		return fmt.Errorf("rate: got %d, want at least 100", o.Rate)
	}
	return nil
}

// Summary is what came of watching.
type Summary struct {
	Records uint64 // read
	Windows int
	Last    *window.Window // nil = there was none
}

// String is the summary in a sentence.
func (s *Summary) String() string {
	return fmt.Sprintf("%d records in %d windows", s.Records, s.Windows)
}

// Records watches the records of a source until it ends, or ctx does. Time is the
// records' own; the loss of reports is what their numbers say.
func Records(ctx context.Context, out io.Writer, from recordlog.Source, fabric topology.Fabric, opt Options) (Summary, error) {
	var sum Summary
	if err := opt.Check(); err != nil {
		return sum, err
	}
	room, rate := window.Budget(opt.Rate, opt.Length)
	analysis, err := window.New(fabric, window.Config{Length: opt.Length, MaxRecords: room})
	if err != nil {
		return sum, err
	}
	w := watcher{
		analysis: analysis, sum: &sum, once: opt.Once, print: printer{out: out, format: opt.Format},
		sampler: window.NewSampler(rate, int64(analysis.Delay())),
		reports: sequence.NewAccounts(sequence.Limits{Streams: 1 << 14, Bucket: int64(opt.Length) / 10, Buckets: 10 * int(2+analysis.Delay()/opt.Length+1)}),
	}
	if err := from(ctx, w.take); err != nil && ctx.Err() == nil {
		return sum, err
	}
	if err := w.tell(w.analysis.Flush(w.loss)); err != nil || !opt.Once || sum.Last == nil {
		return sum, err
	}
	return sum, w.print.window(sum.Last)
}

type watcher struct {
	analysis *window.Analyzer
	sampler  *window.Sampler
	reports  *sequence.Accounts
	batch    window.Batch
	print    printer
	sum      *Summary
	next     int64
	once     bool
}

// step is how often time moves, at most, ns of the records'.
const step = int64(50 * time.Millisecond)

func (w *watcher) take(records []postcard.Record) error {
	for i := range records {
		r := &records[i]
		if r.Received >= w.next {
			w.next = r.Received + step
			if err := w.hand(); err != nil {
				return err
			}
		}
		version := uint8(2)
		if r.Seq >= 1<<22 {
			version = 1
		}
		w.reports.Observe(r.Received, sequence.Key{Node: uint32(r.Node), HwID: r.HwID, Version: version}, r.Seq)
		w.batch.Offered++
		if w.sampler.Choose(r) {
			w.batch.Records = append(w.batch.Records, *r)
		}
	}
	w.sum.Records += uint64(len(records))
	return w.hand()
}

// hand gives the analysis what there is.
func (w *watcher) hand() error {
	w.batch.Level = w.sampler.Level()
	w.batch.Holes = w.sampler.TakeHoles(w.batch.Holes)
	w.analysis.Observe(&w.batch)
	w.batch = window.Batch{Records: w.batch.Records[:0], Holes: w.batch.Holes[:0]}
	return w.tell(w.analysis.Advance(0, w.loss))
}

func (w *watcher) loss(node postcard.NodeID, from, to int64) sequence.Loss {
	return w.reports.Loss(uint32(node), from, to)
}

func (w *watcher) tell(res window.Results) error {
	for _, x := range res.Windows {
		w.sum.Windows++
		w.sum.Last = x
		if w.once {
			continue
		}
		if err := w.print.window(x); err != nil {
			return err
		}
	}
	return nil
}
