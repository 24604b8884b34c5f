package blame

import (
	"fmt"
	"io"
	"slices"

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
	Counters uint64 `json:"counters,omitempty"` // lines about a link or device, taken as a flow over it
	Samples  uint64 `json:"samples,omitempty"`  // lines about a link's queue
	Losing   uint64 `json:"losing"`             // flows that lost packets
	Packets  uint64 `json:"packets"`            // of all flows
	Lost     uint64 `json:"lost"`               // of all flows
	Over     uint64 `json:"over,omitempty"`     // flows that lost more packets than they sent: taken as all lost
	Pathless uint64 `json:"pathless,omitempty"` // flows without a path: taken, no link can be blamed
	Unsure   uint64 `json:"unsure,omitempty"`   // flows of which the path is not known for certain
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
		if r.limit > 0 && r.Stats.Flows+r.Stats.Counters+r.Stats.Samples >= uint64(r.limit) {
			return lines.Fail(fmt.Errorf("as many flows as there may be are held already (%d)", r.limit))
		}
		if err := r.add(set, &f); err != nil {
			return lines.Fail(err)
		}
	}
	return lines.Err()
}

// lineKind is what a line is about.
type lineKind uint8

const (
	flowLine lineKind = iota
	counterLine
	sampleLine
)

// flow is a line; name and path are good until the next one.
type flow struct {
	kind          lineKind
	name          []byte
	path          []int32 // unknownHop where a link is not known
	paths         [][]int32
	weights       []float64
	packets, lost uint32
	runs          uint32
	depth         float64
}

// unknownHop stands for a link that is not known.
const unknownHop int32 = -1

func (r *Reader) add(set *Set, f *flow) error {
	if f.kind == sampleLine {
		set.AddSample(Sample{Link: f.path[0], Depth: f.depth, Packets: f.packets, Lost: f.lost})
		r.Stats.Samples++
		return nil
	}
	var err error
	switch {
	case f.kind == counterLine:
		err = set.AddCounter(f.name, f.path[0], f.packets, f.lost)
	case f.paths != nil:
		err = set.AddPaths(f.name, f.paths, f.weights, f.packets, f.lost)
		r.Stats.Unsure++
	case slices.Contains(f.path, unknownHop):
		err = set.addPattern(f.name, f.path, f.packets, f.lost)
		r.Stats.Unsure++
	default:
		err = set.Add(f.name, f.path, f.packets, f.lost)
	}
	if err != nil {
		return err
	}
	set.SetRuns(f.runs)
	if f.kind == counterLine {
		r.Stats.Counters++
	} else {
		r.Stats.Flows++
	}
	r.Stats.Packets += uint64(f.packets)
	r.Stats.Lost += uint64(f.lost)
	if f.lost > 0 {
		r.Stats.Losing++
	}
	if f.lost > f.packets {
		r.Stats.Over++
	}
	if len(f.path) == 0 && len(f.paths) == 0 {
		r.Stats.Pathless++
	}
	return nil
}
