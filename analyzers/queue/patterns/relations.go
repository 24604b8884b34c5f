package patterns

import (
	"github.com/telltale-net/telltale/analyzers/queue/diagnosis"
	"github.com/telltale-net/telltale/analyzers/queue/records"
)

// Relations returns what diagnoses say about who delayed whom, as the paper counts it:
// every cause's flows, or the node where it names none, by their scores.
func Relations(answers []diagnosis.Diagnosis) []Relation {
	var rels []Relation
	for i := range answers {
		d := &answers[i]
		victim := Side{Node: d.Victim.Node, Flow: d.Victim.Flow}
		for k := range d.Causes {
			c := &d.Causes[k]
			if len(c.Flows) == 0 && c.Score > 0 {
				rels = append(rels, Relation{Culprit: Side{Node: c.Node, Flow: records.NoFlow}, Victim: victim, Score: c.Score})
			}
			for _, f := range c.Flows {
				if f.Score > 0 {
					rels = append(rels, Relation{Culprit: Side{Node: c.Node, Flow: f.Flow}, Victim: victim, Score: f.Score})
				}
			}
		}
	}
	return rels
}
