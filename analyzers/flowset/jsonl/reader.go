package jsonl

import (
	"errors"
	"fmt"
	"io"

	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/analyzers/flowset/fit"
	"github.com/telltale-net/telltale/internal/jsonlines"
)

// DefaultMaxCells is how many cells a reader holds if it is not told otherwise: 32 bytes
// each, 56 where keys are long, and 80 more while their table is read.
const DefaultMaxCells = 20_000_000

// Stats counts what was read.
type Stats struct {
	Tables  uint64 `json:"tables"`            // taken
	Digests uint64 `json:"digests,omitempty"` // taken
	Bad     uint64 `json:"bad,omitempty"`     // objects not taken
	Cells   uint64 `json:"cells"`
	Flows   uint64 `json:"flows"` // that the tables count
}

// Reader reads flow sets, one JSON object per node and epoch (docs/datasets.md). It is for
// one goroutine.
type Reader struct {
	Tables   []*flowset.Table
	Digests  []*flowset.Table   // of segments, for decode.Subtract
	Links    [][2]string        // between nodes: {"links":["s1>s2"]}
	Problems jsonlines.Problems // the first objects that were not taken; all are in Stats.Bad
	Notes    []string           // what was read otherwise than the page says, once each
	Stats    Stats

	limit   int
	seen    map[nodeEpoch]bool
	finder  fit.Finder
	blinded map[string]bool // nodes whose functions are not known
}

type nodeEpoch struct {
	node, stage string
	epoch       uint64
}

// NewReader returns a reader that holds at most maxCells cells in all; 0 = DefaultMaxCells.
func NewReader(maxCells int) *Reader {
	if maxCells <= 0 {
		maxCells = DefaultMaxCells
	}
	return &Reader{limit: maxCells, seen: map[nodeEpoch]bool{}}
}

// Read appends the flow sets of a file. Objects that cannot be taken become Problems; the
// error is about the file as a whole.
func (r *Reader) Read(file string, in io.Reader) error {
	s := newStream(in)
	for {
		_, err := s.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		line := s.line
		var o *object
		if err == nil {
			o, err = r.object(s)
		}
		var bad *syntax
		switch {
		case errors.As(err, &bad):
			r.bad(file, s.line, "", bad.text)
			if err := s.nextLine(); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return fmt.Errorf("cannot read data set %s: line %d: %w", file, s.line, err)
			}
			continue
		case err != nil:
			return fmt.Errorf("cannot read data set %s: line %d: %w", file, s.line, err)
		}
		if o.lastLine() {
			continue
		}
		if field, text := r.take(o); text != "" {
			r.bad(file, line, field, text)
		}
	}
}

func (r *Reader) bad(file string, line int, field, text string) {
	r.Stats.Bad++
	r.Problems.Add(jsonlines.Problem{File: file, Line: line, Field: field, Text: text})
}

func (r *Reader) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	for _, n := range r.Notes {
		if n == text {
			return
		}
	}
	r.Notes = append(r.Notes, text)
}
