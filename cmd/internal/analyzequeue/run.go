package analyzequeue

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"

	"github.com/telltale-net/telltale/analyzers/queue"
	"github.com/telltale-net/telltale/analyzers/queue/diagnosis"
	"github.com/telltale-net/telltale/analyzers/queue/netmedic"
	"github.com/telltale-net/telltale/analyzers/queue/patterns"
	"github.com/telltale-net/telltale/analyzers/queue/records"
	"github.com/telltale-net/telltale/analyzers/queue/window"
	"github.com/telltale-net/telltale/cmd/internal/dataset"
	"github.com/telltale-net/telltale/internal/jsonlines"
)

// Format is how answers are written.
type Format string

// The formats.
const (
	JSON Format = "json"
	Text Format = "text"
)

// Method is how causes are found.
type Method string

// The methods. Microscope is the paper's idea as analyzers/queue goes past it, Plain the
// paper to the letter.
const (
	Microscope Method = "microscope"
	Plain      Method = "microscope-plain"
	NetMedic   Method = "netmedic"
	Window     Method = "window"
)

// Methods returns all methods.
func Methods() []Method { return []Method{Microscope, Plain, NetMedic, Window} }

// Options is what to do.
type Options struct {
	Format   Format
	Method   Method
	Victims  string // p99, p99.9, lost, throughput, or a file
	Patterns bool
	Workers  int // 0 = one per processor
	Limit    int // records held at most; 0 = DefaultLimit
	// Progress is called with how many victims of how many are done, from one goroutine.
	Progress func(done, of int)
}

// DefaultLimit is how many records are held at most: at some 30 bytes each.
const DefaultLimit = 100_000_000

// Summary is what was read and answered.
type Summary struct {
	Records   records.Stats
	Problems  jsonlines.Problems // the first lines that were not taken
	Victims   int
	Missing   int // victims asked for that the data set does not have
	Ambiguous int
	Notes     []string
}

// String is the summary in one sentence.
func (s Summary) String() string {
	text := fmt.Sprintf("%d records, %d malformed, %d duplicate, %d out of order; %d victims, %d of them ambiguous",
		s.Records.Records, s.Records.Bad, s.Records.Duplicate, s.Records.Reordered, s.Victims, s.Ambiguous)
	if s.Missing > 0 {
		text += fmt.Sprintf("; %d victims asked for are not in the data set", s.Missing)
	}
	return text
}

// Run reads the inputs and writes the answers. An error means that input or output
// failed as a whole; what was merely malformed is in the summary.
func Run(ctx context.Context, out io.Writer, inputs []dataset.Input, opt Options) (Summary, error) {
	if err := opt.check(); err != nil {
		return Summary{}, err
	}
	t, sum, err := read(ctx, inputs, opt.Limit)
	if err != nil {
		return sum, err
	}
	t, err = sum.identify(t)
	if err != nil {
		return sum, err
	}
	err = sum.diagnose(ctx, out, t, opt)
	return sum, err
}

// Diagnose writes the answers about a data set that is at hand.
func Diagnose(ctx context.Context, out io.Writer, t *records.Trace, opt Options) (Summary, error) {
	var sum Summary
	if err := opt.check(); err != nil {
		return sum, err
	}
	sum.Records.Records = uint64(t.Records())
	err := sum.diagnose(ctx, out, t, opt)
	return sum, err
}

// diagnose writes the answers and counts them.
func (sum *Summary) diagnose(ctx context.Context, out io.Writer, t *records.Trace, opt Options) error {
	method := queue.Replay
	if opt.Method == Plain {
		method = queue.Plain
	}
	a := queue.New(t, queue.Config{Method: method})
	victims, missing, err := selectVictims(a, t, opt.Victims)
	if err != nil {
		return err
	}
	sum.Victims, sum.Missing = len(victims), missing
	answers, err := ask(ctx, a, t, victims, opt)
	if err != nil {
		return err
	}
	for i := range answers {
		if answers[i].Uncertainty.Ambiguous {
			sum.Ambiguous++
		}
	}
	w := bufio.NewWriterSize(out, 1<<16)
	if err := write(w, t, a, answers, opt); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("cannot write the answers: %w", err)
	}
	return nil
}

func (o *Options) check() error {
	if o.Format != JSON && o.Format != Text {
		return fmt.Errorf("unknown format %q; want json or text", o.Format)
	}
	if !slices.Contains(Methods(), o.Method) {
		return fmt.Errorf("unknown method %q; want one of %v", o.Method, Methods())
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Limit <= 0 {
		o.Limit = DefaultLimit
	}
	if o.Progress == nil {
		o.Progress = func(int, int) {}
	}
	return nil
}

// portion is how many victims are asked about at once, so that progress can be told.
const portion = 8192

// ask asks the method about the victims.
func ask(ctx context.Context, a *queue.Analyzer, t *records.Trace, victims []diagnosis.Victim, opt Options) ([]diagnosis.Diagnosis, error) {
	answers := make([]diagnosis.Diagnosis, 0, len(victims))
	one, err := asker(t, opt.Method)
	if err != nil {
		return nil, err
	}
	for part := range slices.Chunk(victims, portion) {
		opt.Progress(len(answers), len(victims))
		if one == nil {
			d, err := a.Diagnose(ctx, part, opt.Workers)
			if err != nil {
				return nil, err
			}
			answers = append(answers, d...)
			continue
		}
		for _, v := range part {
			if err := ctx.Err(); err != nil {
				return nil, fmt.Errorf("cannot diagnose %d victims: %w", len(victims), err)
			}
			answers = append(answers, one(v))
		}
	}
	opt.Progress(len(victims), len(victims))
	return answers, nil
}

// asker returns the method that answers about one victim after the other, nil where
// the analyzer does.
func asker(t *records.Trace, m Method) (func(diagnosis.Victim) diagnosis.Diagnosis, error) {
	if m != NetMedic && m != Window {
		return nil, nil
	}
	states, err := window.New(t, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot divide the records into windows: %w", err)
	}
	if m == NetMedic {
		return netmedic.NewRanker(states, netmedic.Config{}).Diagnose, nil
	}
	return window.NewRanker(states).Diagnose, nil
}

func write(w io.Writer, t *records.Trace, a *queue.Analyzer, answers []diagnosis.Diagnosis, opt Options) error {
	if opt.Patterns {
		res, err := patterns.Find(t.Network, t.Flows, patterns.Relations(answers), patterns.Config{Workers: opt.Workers})
		if err != nil {
			return fmt.Errorf("cannot aggregate the answers: %w", err)
		}
		if opt.Format == Text {
			return writePatterns(w, t, &res)
		}
		return patternLines(w, t, &res)
	}
	if opt.Format == Text {
		return writeStory(w, t, answers)
	}
	return lines(w, t, answers)
}

func lines(w io.Writer, t *records.Trace, answers []diagnosis.Diagnosis) error {
	var buf []byte
	for i := range answers {
		var err error
		if buf, err = diagnosis.AppendJSON(buf[:0], t.Network, t.Flows, &answers[i]); err != nil {
			return err
		}
		if _, err := w.Write(append(buf, '\n')); err != nil {
			return fmt.Errorf("cannot write the answers: %w", err)
		}
	}
	return nil
}

func patternLines(w io.Writer, t *records.Trace, res *patterns.Result) error {
	var buf []byte
	for i := range res.Patterns {
		var err error
		if buf, err = patterns.AppendJSON(buf[:0], t.Network, &res.Patterns[i]); err != nil {
			return err
		}
		if _, err := w.Write(append(buf, '\n')); err != nil {
			return fmt.Errorf("cannot write the patterns: %w", err)
		}
	}
	return nil
}
