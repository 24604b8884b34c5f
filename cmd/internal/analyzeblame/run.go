package analyzeblame

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/telltale-net/telltale/analyzers/blame"
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

// Method is how links are blamed.
type Method string

// The methods.
const (
	Likelihood Method = "likelihood"
	Votes      Method = "votes"
	Binary     Method = "binary"
	Integer    Method = "integer"
	Cover      Method = "cover"
)

// Methods returns all methods, the default first.
func Methods() []Method { return []Method{Likelihood, Votes, Binary, Integer, Cover} }

// DefaultLimit is how many flows are held at most.
const DefaultLimit = 20_000_000

// Options is what to do.
type Options struct {
	Format Format
	Method Method
	Epochs bool // each input is one epoch
	Limit  int  // flows held at most; 0 = DefaultLimit
}

// Summary is what was read and found.
type Summary struct {
	Stats    blame.Stats
	Problems jsonlines.Problems // the first lines that were not taken
	Links    int                // named by the paths
	Bad      int                // links found bad, in all answers
}

// String is the summary in one sentence.
func (s Summary) String() string {
	text := fmt.Sprintf("%d flows over %d links, %d of which lost packets (%d of %d); %d lines malformed; %d links found bad",
		s.Stats.Flows, s.Links, s.Stats.Losing, s.Stats.Lost, s.Stats.Packets, s.Stats.Bad, s.Bad)
	if s.Stats.Over > 0 {
		text += fmt.Sprintf("; %d flows lost more than they sent, taken as all lost", s.Stats.Over)
	}
	if s.Stats.Pathless > 0 {
		text += fmt.Sprintf("; %d flows have no path", s.Stats.Pathless)
	}
	if s.Stats.Unsure > 0 {
		text += fmt.Sprintf("; the paths of %d flows are uncertain", s.Stats.Unsure)
	}
	if s.Stats.Counters > 0 {
		text += fmt.Sprintf("; %d lines of counters", s.Stats.Counters)
	}
	if s.Stats.Samples > 0 {
		text += fmt.Sprintf("; %d samples of queues", s.Stats.Samples)
	}
	return text
}

// Run reads the inputs and writes the answers. An error means that input or output
// failed as a whole; what was merely malformed is in the summary.
func Run(ctx context.Context, out io.Writer, inputs []dataset.Input, opt Options) (sum Summary, err error) {
	if opt.Format != JSON && opt.Format != Text {
		return sum, fmt.Errorf("unknown format %q; want json or text", opt.Format)
	}
	if !slices.Contains(Methods(), opt.Method) {
		return sum, fmt.Errorf("unknown method %q; want one of %v", opt.Method, Methods())
	}
	if opt.Limit <= 0 {
		opt.Limit = DefaultLimit
	}
	links := blame.NewLinks()
	reader := blame.NewReader(links, opt.Limit)
	tracker := blame.NewTracker(links, blame.Config{})
	w := bufio.NewWriterSize(out, 1<<16)
	set := blame.NewSet(links)
	defer func() { sum.Stats, sum.Problems, sum.Links = reader.Stats, reader.Problems, links.Len() }()
	for i, in := range inputs {
		if err := in.Read(ctx, func(name string, r io.Reader) error { return reader.Read(set, name, r) }); err != nil {
			return sum, err
		}
		if !opt.Epochs && i < len(inputs)-1 {
			continue
		}
		var res blame.Result
		switch opt.Method {
		case Votes:
			res = blame.Votes(set)
		case Binary:
			res = blame.Binary(set)
		case Integer:
			res = blame.Integer(set)
		case Cover:
			res = blame.Cover(set)
		default:
			res = tracker.Next(set)
		}
		sum.Bad += len(res.BadLinks())
		if opt.Format == JSON {
			err = res.WriteJSON(w)
		} else {
			err = story(w, in.Name, opt.Epochs, set, &res)
		}
		if err != nil {
			return sum, fmt.Errorf("cannot write the answer: %w", err)
		}
		set = blame.NewSet(links)
	}
	if err := w.Flush(); err != nil {
		return sum, fmt.Errorf("cannot write the answer: %w", err)
	}
	return sum, nil
}
