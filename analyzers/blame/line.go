package blame

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/telltale-net/telltale/internal/jsonlines"
)

// line is a line however it is written.
type line struct {
	Flow    json.RawMessage `json:"flow"`
	Path    []hop           `json:"path"`
	Paths   [][]hop         `json:"paths"`
	Weights []float64       `json:"weights"`
	Packets *float64        `json:"packets"`
	Lost    *float64        `json:"lost"`
	Bursts  *float64        `json:"bursts"`
	Link    *string         `json:"link"`
	Device  *string         `json:"device"`
	In      *float64        `json:"in"`
	Out     *float64        `json:"out"`
	Depth   *float64        `json:"depth"`
}

// hop is a link of a path: its name, or a number, or null where it is not known.
type hop struct {
	name  string
	known bool
}

// UnmarshalJSON is for encoding/json.
func (h *hop) UnmarshalJSON(b []byte) error {
	switch {
	case string(b) == "null":
		return nil
	case b[0] == '"':
		h.known = true
		return json.Unmarshal(b, &h.name)
	case b[0] == '-' || b[0] >= '0' && b[0] <= '9':
		h.known, h.name = true, string(b)
		return nil
	}
	return fmt.Errorf("got %.20s as a link of a path, want its name, or null", b)
}

// wrong is what is wrong with a line: field is which part, "" = the line as a whole.
type wrong struct{ field, text string }

// general takes a line however it is written; text says what is wrong with it, "" =
// nothing, and field with which part, "" = the line as a whole.
func (r *Reader) general(text []byte) (f flow, field, problem string) {
	var w line
	if err := json.Unmarshal(text, &w); err != nil {
		field, problem = jsonlines.Explain(err, kindName)
		return flow{}, field, problem
	}
	var bad *wrong
	switch flowless := len(w.Flow) == 0 || string(w.Flow) == "null"; {
	case flowless && w.Link != nil:
		f, bad = r.linkLine(&w)
	case flowless && w.Device != nil:
		f, bad = r.deviceLine(&w)
	case flowless:
		bad = &wrong{"flow", "got none, want the name of a flow"}
	default:
		f, bad = r.flowLine(&w)
	}
	if bad != nil {
		return flow{}, bad.field, bad.text
	}
	return f, "", ""
}

func (r *Reader) flowLine(w *line) (f flow, bad *wrong) {
	f.name = w.Flow // a number, or an object, as it is written
	if w.Flow[0] == '"' {
		var name string
		if err := json.Unmarshal(w.Flow, &name); err != nil {
			return f, &wrong{"flow", err.Error()}
		}
		f.name = []byte(name)
	}
	if w.Packets == nil {
		return f, &wrong{"packets", "got none, want how many packets the flow sent"}
	}
	if bad = numbers(field{"packets", w.Packets, &f.packets}, field{"lost", w.Lost, &f.lost}, field{"bursts", w.Bursts, &f.runs}); bad != nil {
		return f, bad
	}
	if len(w.Paths) > MaxPaths {
		return f, &wrong{"paths", fmt.Sprintf("got %d, want at most %d", len(w.Paths), MaxPaths)}
	}
	if w.Weights != nil && len(w.Weights) != len(w.Paths) {
		return f, &wrong{"weights", fmt.Sprintf("got %d, want one for each of the %d paths", len(w.Weights), len(w.Paths))}
	}
	sum := 0.0
	for i, x := range w.Weights {
		if sum += x; x < 0 || math.IsInf(sum, 0) {
			return f, &wrong{fmt.Sprintf("weights[%d]", i), fmt.Sprintf("got %v, want a number from 0", x)}
		}
	}
	if bad = pathProblem("path", w.Path, true); bad != nil {
		return f, bad
	}
	for i, p := range w.Paths {
		if bad = pathProblem(fmt.Sprintf("paths[%d]", i), p, false); bad != nil {
			return f, bad
		}
	}
	// Named only now: a bad line leaves no trace.
	if len(w.Path) == 0 && len(w.Paths) > 0 {
		f.weights = w.Weights
		for _, p := range w.Paths {
			f.paths = append(f.paths, r.named(p))
		}
		return f, nil
	}
	f.path = r.named(w.Path)
	return f, nil
}

func (r *Reader) named(path []hop) []int32 {
	out := make([]int32, 0, len(path))
	for _, h := range path {
		if !h.known {
			out = append(out, unknownHop)
			continue
		}
		out = append(out, r.links.ID(h.name))
	}
	return out
}

// linkLine takes a line about a link: a loss map's, a pair of counters' at its ends, or
// a sample of its queue.
func (r *Reader) linkLine(w *line) (f flow, bad *wrong) {
	if *w.Link == "" {
		return f, &wrong{"link", "got an empty name, want a link"}
	}
	f.kind, f.name = counterLine, []byte(*w.Link)
	if w.Depth != nil {
		f.kind, f.depth = sampleLine, *w.Depth
		if f.depth < 0 {
			return f, &wrong{"depth", fmt.Sprintf("got %v, want a number from 0", f.depth)}
		}
	}
	switch {
	case w.Packets != nil:
		bad = numbers(field{"packets", w.Packets, &f.packets}, field{"lost", w.Lost, &f.lost})
	case w.Out != nil && w.In != nil: // sent by one end, received by the other
		bad = f.counters(field{"out", w.Out, nil}, field{"in", w.In, nil})
	default:
		bad = &wrong{"packets", "got none, want how many packets the link carried, or out and in"}
	}
	if bad == nil {
		f.path = []int32{r.links.ID(*w.Link)}
	}
	return f, bad
}

// deviceLine takes a line of a device's counters: what came in and did not go out is
// lost inside, which counts as a link from the device to itself.
func (r *Reader) deviceLine(w *line) (f flow, bad *wrong) {
	if *w.Device == "" {
		return f, &wrong{"device", "got an empty name, want a device"}
	}
	if w.In == nil || w.Out == nil {
		return f, &wrong{"in", "got not both in and out, want how many packets the device took in and sent out"}
	}
	f.kind, f.name = counterLine, []byte(*w.Device)
	if bad = f.counters(field{"in", w.In, nil}, field{"out", w.Out, nil}); bad == nil {
		f.path = []int32{r.links.Between(*w.Device, *w.Device, *w.Device)}
	}
	return f, bad
}

// counters takes two counts, the second after the first on the packets' way.
func (f *flow) counters(before, after field) *wrong {
	var got uint32
	before.to, after.to = &f.packets, &got
	if bad := numbers(before, after); bad != nil {
		return bad
	}
	f.lost = f.packets - min(got, f.packets)
	return nil
}

// field is a number of a line, and where it goes to.
type field struct {
	name string
	x    *float64 // nil = not there
	to   *uint32
}

func numbers(fields ...field) *wrong {
	for _, c := range fields {
		if c.x == nil {
			continue
		}
		if !(*c.x >= 0 && *c.x <= math.MaxUint32) || *c.x != math.Trunc(*c.x) {
			return &wrong{c.name, fmt.Sprintf("got %v, want a whole number from 0 to 2^32-1", *c.x)}
		}
		*c.to = uint32(*c.x)
	}
	return nil
}

func pathProblem(name string, path []hop, gaps bool) *wrong {
	if len(path) > MaxHops {
		return &wrong{name, fmt.Sprintf("got %d links, want at most %d", len(path), MaxHops)}
	}
	for i, h := range path {
		if h.known && h.name == "" {
			return &wrong{fmt.Sprintf("%s[%d]", name, i), "got an empty name, want a link"}
		}
		if !h.known && !gaps {
			return &wrong{fmt.Sprintf("%s[%d]", name, i), "got null, want a link"}
		}
	}
	return nil
}

func kindName(field string) string {
	switch field {
	case "path":
		return "a list of links"
	case "paths":
		return "a list of paths"
	case "weights":
		return "a list of numbers"
	case "packets", "lost", "bursts", "in", "out", "depth":
		return "a number"
	case "link", "device":
		return "a string"
	}
	return "an object"
}
