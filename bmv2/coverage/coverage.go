// Package coverage says what of a P4 program packets have exercised: parser states,
// tables hit and missed, entries that the program declares, actions by table, both ways
// of every condition. It listens to the engine's trace, so that a test suite of a P4
// program can demand, in CI, that nothing of it goes untested.
//
//	cfg := engine.Config{Trace: c.Observe}   …packets, or stf.Run(p, cfg, script)…   c.Report().Text()
//
// Values only: no files, no flags.
package coverage

import (
	"fmt"
	"slices"
	"strings"

	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/spec"
)

// Kind is what can be covered.
type Kind string

// The kinds, in the order of a report.
const (
	ParserState Kind = "parser state"
	TableHit    Kind = "table hit"
	TableMiss   Kind = "table miss"
	ConstEntry  Kind = "const entry"  // Name is "table #n", n from 1
	TableAction Kind = "table action" // Name is "table action"
	BareAction  Kind = "action"       // called without a table
	BranchTrue  Kind = "branch true"
	BranchFalse Kind = "branch false"
)

// Point is one thing that packets may or may not have exercised.
type Point struct {
	Kind   Kind   `json:"kind"`
	Name   string `json:"name"`
	Source string `json:"source,omitempty"` // file:line, where the program says
	Count  uint64 `json:"count"`
}

type key struct {
	kind Kind
	name string
}

// Coverage counts. It is not safe for concurrent use; the engine tells events of one
// switch one at a time, and several switches may share one Coverage if they run in turn.
type Coverage struct {
	points []Point
	index  map[key]int
	// Stray counts events that name nothing in the program: another program's trace.
	Stray uint64
}

// New returns a coverage of a program, nothing exercised yet. A table without a key can
// neither hit nor miss; it counts by its actions, and one that p4c made of statements
// outside tables (no key, a const default) is nothing but an action. A miss that const
// entries make impossible stays uncovered.
func New(p *spec.Program) *Coverage {
	c := &Coverage{index: map[key]int{}}
	for _, parser := range p.Parsers {
		for _, s := range parser.States {
			c.add(ParserState, s.Name, spec.SourceInfo{})
		}
	}
	for i := range p.Tables {
		t := &p.Tables[i]
		if len(t.Key) == 0 && t.Default != nil && t.Default.ConstEntry {
			c.add(BareAction, p.Actions[t.Default.Action].Name, p.Actions[t.Default.Action].Source)
			continue
		}
		if len(t.Key) > 0 {
			c.add(TableHit, t.Name, t.Source)
			c.add(TableMiss, t.Name, t.Source)
		}
		for j := range t.Entries {
			c.add(ConstEntry, constEntry(t.Name, uint64(j+1)), t.Entries[j].Source)
		}
		for _, a := range t.Actions {
			c.add(TableAction, t.Name+" "+p.Actions[a].Name, p.Actions[a].Source)
		}
	}
	for _, call := range p.ActionCalls {
		c.add(BareAction, p.Actions[call.Action].Name, call.Source)
	}
	for _, cond := range p.Conditionals {
		c.add(BranchTrue, cond.Name, cond.Source)
		c.add(BranchFalse, cond.Name, cond.Source)
	}
	return c
}

func constEntry(table string, n uint64) string { return fmt.Sprintf("%s #%d", table, n) }

func (c *Coverage) add(kind Kind, name string, at spec.SourceInfo) {
	k := key{kind, name}
	if _, ok := c.index[k]; ok {
		return // one name twice: a state of two parsers, an action called twice
	}
	c.index[k] = len(c.points)
	c.points = append(c.points, Point{Kind: kind, Name: name, Source: position(at)})
}

func position(s spec.SourceInfo) string {
	if s.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", s.File, s.Line)
}

func (c *Coverage) count(kind Kind, name string) {
	if i, ok := c.index[key{kind, name}]; ok {
		c.points[i].Count++
	} else {
		c.Stray++
	}
}

// Observe takes one event of the engine's trace.
func (c *Coverage) Observe(e engine.Event) {
	switch e.Kind {
	case engine.EventState:
		c.count(ParserState, e.Name)
	case engine.EventTable:
		if e.Hit {
			c.count(TableHit, e.Name)
			if e.Entry.Const {
				c.count(ConstEntry, constEntry(e.Name, e.Handle))
			}
		} else if _, keyed := c.index[key{TableMiss, e.Name}]; keyed {
			c.count(TableMiss, e.Name)
		}
	case engine.EventAction:
		if e.Table == "" {
			c.count(BareAction, e.Name)
		} else {
			c.count(TableAction, e.Table+" "+e.Name)
		}
	case engine.EventBranch:
		if e.Hit {
			c.count(BranchTrue, e.Name)
		} else {
			c.count(BranchFalse, e.Name)
		}
	}
}

// Report is what was covered.
type Report struct {
	Covered int     `json:"covered"`
	Total   int     `json:"total"`
	Points  []Point `json:"points"` // by kind, in the order of the program
}

// Report returns the counts so far.
func (c *Coverage) Report() Report {
	r := Report{Total: len(c.points), Points: slices.Clone(c.points)}
	order := []Kind{ParserState, TableHit, TableMiss, ConstEntry, TableAction, BareAction, BranchTrue, BranchFalse}
	slices.SortStableFunc(r.Points, func(a, b Point) int {
		return slices.Index(order, a.Kind) - slices.Index(order, b.Kind)
	})
	for _, p := range r.Points {
		if p.Count > 0 {
			r.Covered++
		}
	}
	return r
}

// Share is the covered share of all points, 1 for a program without any.
func (r *Report) Share() float64 {
	if r.Total == 0 {
		return 1
	}
	return float64(r.Covered) / float64(r.Total)
}

// Text lists the totals by kind and every point that was never exercised.
func (r *Report) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d covered (%.1f %%)\n", r.Covered, r.Total, 100*r.Share())
	for i := 0; i < len(r.Points); {
		kind, covered, from := r.Points[i].Kind, 0, i
		for ; i < len(r.Points) && r.Points[i].Kind == kind; i++ {
			if r.Points[i].Count > 0 {
				covered++
			}
		}
		fmt.Fprintf(&b, "  %-13s %d of %d\n", kind, covered, i-from)
		for _, p := range r.Points[from:i] {
			if p.Count == 0 {
				fmt.Fprintf(&b, "    never: %s", p.Name)
				if p.Source != "" {
					fmt.Fprintf(&b, "  (%s)", p.Source)
				}
				b.WriteByte('\n')
			}
		}
	}
	return b.String()
}
