package blame

import (
	"encoding/json"
	"fmt"
	"io"
	"math"

	"github.com/telltale-net/telltale/internal/jsonlines"
)

// Limits of a data set.
const (
	MaxLine = 1 << 20 // bytes of a line
	MaxHops = 256     // links of a path
)

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
	Problems jsonlines.Problems
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
	lines := jsonlines.New(file, in, MaxLine)
	for lines.Next() {
		f, ok := r.scan(lines.Bytes())
		if !ok {
			var field, text string
			if f, field, text = r.general(lines.Bytes()); text != "" {
				r.Stats.Bad++
				r.Problems.Add(lines.Problem(field, text))
				continue
			}
		}
		if r.limit > 0 && r.Stats.Flows >= uint64(r.limit) {
			return lines.Fail(fmt.Errorf("as many flows as there may be are held already (%d)", r.limit))
		}
		if err := r.add(set, &f); err != nil {
			return lines.Fail(err)
		}
	}
	return lines.Err()
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

// general takes a line however it is written; text says what is wrong with it, "" =
// nothing, and field with which part, "" = the line as a whole.
func (r *Reader) general(line []byte) (f flow, field, text string) {
	var w struct {
		Flow    *string  `json:"flow"`
		Path    []string `json:"path"`
		Packets *float64 `json:"packets"`
		Lost    *float64 `json:"lost"`
	}
	if err := json.Unmarshal(line, &w); err != nil {
		field, text = jsonlines.Explain(err, kindName)
		return f, field, text
	}
	if w.Flow == nil {
		return flow{}, "flow", "got none, want the name of a flow"
	}
	if w.Packets == nil {
		return flow{}, "packets", "got none, want how many packets the flow sent"
	}
	lost := 0.0 // a flow that says nothing of losses had none
	if w.Lost != nil {
		lost = *w.Lost
	}
	f.name = []byte(*w.Flow)
	for _, c := range [...]struct {
		name string
		x    float64
		to   *uint32
	}{{"packets", *w.Packets, &f.packets}, {"lost", lost, &f.lost}} {
		if !(c.x >= 0 && c.x <= math.MaxUint32) || c.x != math.Trunc(c.x) {
			return flow{}, c.name, fmt.Sprintf("got %v, want a whole number from 0 to 2^32-1", c.x)
		}
		*c.to = uint32(c.x)
	}
	if len(w.Path) > MaxHops {
		return flow{}, "path", fmt.Sprintf("got %d links, want at most %d", len(w.Path), MaxHops)
	}
	for i, name := range w.Path {
		if name == "" {
			return flow{}, fmt.Sprintf("path[%d]", i), "got an empty name, want a link"
		}
	}
	for _, name := range w.Path { // named only now: a bad line leaves no trace
		f.path = append(f.path, r.links.ID(name))
	}
	return f, "", ""
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
