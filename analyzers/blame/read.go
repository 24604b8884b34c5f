package blame

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
)

// Limits of a data set.
const (
	MaxLine = 1 << 20 // bytes of a line
	MaxHops = 256     // links of a path
)

// maxProblems is how many problems a reader describes; the rest are only counted.
const maxProblems = 20

// Problem is a line that was not taken.
type Problem struct {
	File  string
	Line  int    // from 1
	Field string // "" = the line as a whole
	Text  string
}

func (p Problem) Error() string {
	if p.Field == "" {
		return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Text)
	}
	return fmt.Sprintf("%s:%d: %s: %s", p.File, p.Line, p.Field, p.Text)
}

// Stats counts what was read.
type Stats struct {
	Flows    uint64 `json:"flows"`              // taken
	Bad      uint64 `json:"bad,omitempty"`      // lines not taken: malformed
	Losing   uint64 `json:"losing"`             // flows that lost packets
	Packets  uint64 `json:"packets"`            // of all flows
	Lost     uint64 `json:"lost"`               // of all flows
	Over     uint64 `json:"over,omitempty"`     // flows that lost more packets than they sent: taken as all lost
	Pathless uint64 `json:"pathless,omitempty"` // flows without a path: taken, no link can be blamed
}

// Reader reads JSON Lines, one file after another, into sets. It is for one goroutine.
type Reader struct {
	// Problems are the first lines that were not taken, in order; all are counted in
	// Stats.Bad.
	Problems []Problem
	Stats    Stats

	limit int
	links *Links
	hops  []int32
}

// NewReader returns a reader that takes at most limit flows in all (0 = no limit) and
// names links in a table.
func NewReader(links *Links, limit int) *Reader { return &Reader{links: links, limit: limit} }

// Read appends the flows of one file to a set over the reader's table. Lines that cannot
// be taken become Problems; the error is about the file as a whole.
func (r *Reader) Read(set *Set, file string, in io.Reader) error {
	sc := bufio.NewScanner(in)
	sc.Buffer(make([]byte, 1<<16), MaxLine)
	n := 0
	for sc.Scan() {
		n++
		line := bytes.TrimSpace(sc.Bytes())
		if len(line) == 0 {
			continue
		}
		f, ok := r.scan(line)
		if !ok {
			var p *Problem
			if f, p = r.general(line); p != nil {
				r.Stats.Bad++
				if len(r.Problems) < maxProblems {
					p.File, p.Line = file, n
					r.Problems = append(r.Problems, *p)
				}
				continue
			}
		}
		if r.limit > 0 && r.Stats.Flows >= uint64(r.limit) {
			return fmt.Errorf("cannot read data set %s: line %d: as many flows as there may be are held already (%d)", file, n, r.limit)
		}
		if err := r.add(set, &f); err != nil {
			return fmt.Errorf("cannot read data set %s: line %d: %w", file, n, err)
		}
	}
	if err := sc.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			err = fmt.Errorf("got a line of more than %d bytes", MaxLine)
		}
		return fmt.Errorf("cannot read data set %s: line %d: %w", file, n+1, err)
	}
	return nil
}

// flow is a line; name and path are good until the next one.
type flow struct {
	name          []byte
	path          []int32
	packets, lost uint32
}

func (r *Reader) add(set *Set, f *flow) error {
	if err := set.Add(f.name, f.path, f.packets, f.lost); err != nil {
		return err
	}
	r.Stats.Flows++
	r.Stats.Packets += uint64(f.packets)
	r.Stats.Lost += uint64(f.lost)
	if f.lost > 0 {
		r.Stats.Losing++
	}
	if f.lost > f.packets {
		r.Stats.Over++
	}
	if len(f.path) == 0 {
		r.Stats.Pathless++
	}
	return nil
}

// general takes a line however it is written.
func (r *Reader) general(line []byte) (flow, *Problem) {
	var w struct {
		Flow    *string  `json:"flow"`
		Path    []string `json:"path"`
		Packets *float64 `json:"packets"`
		Lost    *float64 `json:"lost"`
	}
	if err := json.Unmarshal(line, &w); err != nil {
		var t *json.UnmarshalTypeError
		if errors.As(err, &t) {
			return flow{}, &Problem{Field: t.Field, Text: fmt.Sprintf("got %s, want %s", t.Value, kindName(t.Field))}
		}
		var s *json.SyntaxError
		if errors.As(err, &s) {
			return flow{}, &Problem{Text: fmt.Sprintf("malformed JSON at byte %d: %v", s.Offset, s)}
		}
		return flow{}, &Problem{Text: err.Error()}
	}
	if w.Flow == nil {
		return flow{}, &Problem{Field: "flow", Text: "got none, want the name of a flow"}
	}
	if w.Packets == nil {
		return flow{}, &Problem{Field: "packets", Text: "got none, want how many packets the flow sent"}
	}
	lost := 0.0 // a flow that says nothing of losses had none
	if w.Lost != nil {
		lost = *w.Lost
	}
	f := flow{name: []byte(*w.Flow)}
	for _, c := range [...]struct {
		name string
		x    float64
		to   *uint32
	}{{"packets", *w.Packets, &f.packets}, {"lost", lost, &f.lost}} {
		if !(c.x >= 0 && c.x <= math.MaxUint32) || c.x != math.Trunc(c.x) {
			return flow{}, &Problem{Field: c.name, Text: fmt.Sprintf("got %v, want a whole number from 0 to 2^32-1", c.x)}
		}
		*c.to = uint32(c.x)
	}
	if len(w.Path) > MaxHops {
		return flow{}, &Problem{Field: "path", Text: fmt.Sprintf("got %d links, want at most %d", len(w.Path), MaxHops)}
	}
	for i, name := range w.Path {
		if name == "" {
			return flow{}, &Problem{Field: fmt.Sprintf("path[%d]", i), Text: "got an empty name, want a link"}
		}
	}
	for _, name := range w.Path { // named only now: a bad line leaves no trace
		f.path = append(f.path, r.links.ID(name))
	}
	return f, nil
}

func kindName(field string) string {
	switch field {
	case "flow":
		return "a string"
	case "path":
		return "a list of links"
	case "packets", "lost":
		return "a number"
	}
	return "an object"
}
