package collect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"

	"github.com/spf13/pflag"

	"github.com/telltale-net/telltale/cmd/internal/live"
	"github.com/telltale-net/telltale/collector/pipeline"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/sequence"
	"github.com/telltale-net/telltale/topology"
)

// output is a place that what the collector knows goes to, beside the log. It never
// keeps the collector from collecting: what it cannot take it sheds and counts, and when
// it fails the collector goes on without it.
type output interface {
	// Name names it in /readyz, metrics and errors.
	Name() string

	// Observe is a pipeline.Tap: it may neither keep the batch nor wait. See relay.
	Observe(batch []postcard.Record)

	// Run works until ctx is done, which it is once Observe has been called for the last
	// time, then gives out what it has, and returns in bounded time.
	Run(ctx context.Context) error

	// WriteMetrics adds to /metrics, in the Prometheus text format.
	WriteMetrics(w io.Writer) error

	// Ready returns nil, or what keeps it from giving out. /readyz tells, and stays 200:
	// the collector collects all the same.
	Ready() error
}

// mounter is an output with pages of its own under the HTTP listener.
type mounter interface {
	output
	Mount(mux *http.ServeMux)
}

// listening is an output that others connect to.
type listening interface {
	output
	Address() string
}

// outputSettings are the settings of one output. Their flags are settings like all.
type outputSettings interface {
	Flags(fs *pflag.FlagSet)

	// Check says what is wrong with them, without opening a socket or making a file.
	Check(c *pipeline.Config) error

	// Open opens what can fail (listeners, files) and returns the output, nil where none
	// is asked for. What it opened goes when Run returns, or with Close, where the output
	// is an io.Closer, if Run is never called.
	Open(ctx context.Context, s *source) (output, error)
}

// newOutputs returns the settings of all outputs there are. They are opened, and
// stopped, in this order: what others give out comes first.
func newOutputs() []outputSettings {
	return []outputSettings{&liveSettings{}, &gnmiSettings{}, &metricsSettings{}, &ipfixSettings{}}
}

// source is what outputs may ask of the collector that they belong to. The functions
// are for Run, and what runs within it; the rest is there from the start.
type source struct {
	Snapshot func() pipeline.Snapshot                                 // all counts, and the clocks as aligned
	Loss     func(node postcard.NodeID, from, to int64) sequence.Loss // of a node's reports in a window
	Metrics  func(w io.Writer) error                                  // what /metrics shows
	Sums     *sums                                                    // of records, for all outputs
	News     chan struct{}                                            // has a token when live's results have changed
	Live     *live.Live                                               // the analysis of records as they come in; nil = none
	FlowSets *flowSets                                                // what was lost, epoch by epoch; nil = none
	Topology *topology.Index                                          // nil = not known
	Log      *slog.Logger                                             // never nil
}

// tell leaves word that live's results have changed. It does not wait.
func (s *source) tell() {
	select {
	case s.News <- struct{}{}:
	default:
	}
}

// outputs are the outputs that run.
type outputs []*running

// running is an output and what has become of it.
type running struct {
	output
	stop   context.CancelFunc
	done   chan struct{}
	err    error // once done is closed
	failed atomic.Bool
}

// openOutputs opens all outputs that the settings ask for, or none.
func (s *Settings) openOutputs(ctx context.Context, from *source) (outputs, error) {
	var all outputs
	for _, o := range s.outputs {
		out, err := o.Open(ctx, from)
		if err != nil {
			all.close()
			return nil, err
		}
		if out != nil {
			all = append(all, &running{output: out, done: make(chan struct{})})
		}
	}
	return all, nil
}

// close ends outputs that never ran.
func (all outputs) close() {
	for _, o := range all {
		if c, ok := o.output.(io.Closer); ok {
			c.Close()
		}
	}
}

// taps returns what is to see the records: nothing where there are no outputs.
func (all outputs) taps(s *sums) []pipeline.Tap {
	if len(all) == 0 {
		return nil
	}
	taps := []pipeline.Tap{s.observe}
	for _, o := range all {
		taps = append(taps, o.Observe)
	}
	return taps
}

// start runs the outputs; ctx ends them at once.
func (all outputs) start(ctx context.Context, log *slog.Logger) {
	for _, o := range all {
		var running context.Context
		running, o.stop = context.WithCancel(ctx)
		go func() {
			defer close(o.done)
			if err := o.Run(running); err != nil {
				o.err = fmt.Errorf("%s: %w", o.Name(), err)
				o.failed.Store(true)
				log.Error("an output has failed", "output", o.Name(), "error", err)
			}
		}()
	}
}

// end stops one output after the other and returns what has failed.
func (all outputs) end() error {
	var errs []error
	for _, o := range all {
		o.stop()
		<-o.done
		errs = append(errs, o.err)
	}
	return errors.Join(errs...)
}

// ready returns why the output gives nothing out, or nil.
func (o *running) ready() error {
	if o.failed.Load() {
		return errors.New("it has failed, as the log of the process says")
	}
	return o.Ready()
}

// writeMetrics writes which outputs there are, and their own metrics.
func (all outputs) writeMetrics(w io.Writer) error {
	if len(all) == 0 {
		return nil
	}
	if _, err := fmt.Fprintf(w, "# TYPE telltale_output_ready gauge\n"); err != nil {
		return err
	}
	for _, o := range all {
		ready := 1
		if o.ready() != nil {
			ready = 0
		}
		if _, err := fmt.Fprintf(w, "telltale_output_ready{output=%q} %d\n", o.Name(), ready); err != nil {
			return err
		}
	}
	for _, o := range all {
		if err := o.WriteMetrics(w); err != nil {
			return err
		}
	}
	return nil
}
