package differ

import (
	"fmt"

	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/spec"
)

// Coverage says how much of the program the packets reached: without it, no
// differences would say little.
type Coverage struct {
	States  Share `json:"states"`  // of parsers
	Hits    Share `json:"hits"`    // tables that an entry was hit in; keyless ones are not counted
	Actions Share `json:"actions"` // run
	Ways    Share `json:"ways"`    // outcomes of conditionals, two each
}

// Share is how many of how many.
type Share struct {
	Seen int `json:"seen"`
	Of   int `json:"of"`
}

func (s Share) String() string { return fmt.Sprintf("%d of %d", s.Seen, s.Of) }

func (c Coverage) String() string {
	return fmt.Sprintf("parser states %v, tables hit %v, actions %v, ways of conditionals %v", c.States, c.Hits, c.Actions, c.Ways)
}

type coverage struct {
	total                 Coverage
	states, hits, actions map[string]bool
	ways                  map[way]bool
}

type way struct {
	name string
	yes  bool
}

func newCoverage(p *spec.Program) *coverage {
	c := &coverage{states: map[string]bool{}, hits: map[string]bool{}, actions: map[string]bool{}, ways: map[way]bool{}}
	for i := range p.Parsers {
		c.total.States.Of += len(p.Parsers[i].States)
	}
	for i := range p.Tables {
		if len(p.Tables[i].Key) > 0 {
			c.total.Hits.Of++
		}
	}
	names := map[string]bool{} // several actions may share one
	for i := range p.Actions {
		names[p.Actions[i].Name] = true
	}
	c.total.Actions.Of = len(names)
	c.total.Ways.Of = 2 * len(p.Conditionals)
	return c
}

func (c *coverage) event(e engine.Event) {
	switch e.Kind {
	case engine.EventState:
		c.states[e.Name] = true
	case engine.EventTable:
		if e.Hit && len(e.Key) > 0 {
			c.hits[e.Name] = true
		}
	case engine.EventAction:
		c.actions[e.Name] = true
	case engine.EventBranch:
		c.ways[way{e.Name, e.Hit}] = true
	}
}

func (c *coverage) summary() Coverage {
	out := c.total
	out.States.Seen, out.Hits.Seen, out.Actions.Seen, out.Ways.Seen = len(c.states), len(c.hits), len(c.actions), len(c.ways)
	return out
}
