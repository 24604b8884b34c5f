package window

import (
	"cmp"
	"math"
	"slices"

	"github.com/telltale-net/telltale/analyzers/queue/diagnosis"
	"github.com/telltale-net/telltale/analyzers/queue/records"
)

// Ranker diagnoses victims: the nodes that packets can have come from, and the victim's
// own, by their abnormality in its window. It is for one goroutine.
type Ranker struct {
	states   *States
	upstream [][]int32
	cache    Cache
}

// NewRanker returns a ranker over the states.
func NewRanker(s *States) *Ranker { return &Ranker{states: s, upstream: Upstream(s.Network)} }

// Diagnose ranks the causes of one victim. The causes are shared between victims of one
// window and node and must not be changed.
func (r *Ranker) Diagnose(v diagnosis.Victim) diagnosis.Diagnosis {
	return r.cache.Diagnose(r.states, v, r.rank)
}

func (r *Ranker) rank(w int, victim int32) []Ranked {
	out := make([]Ranked, 0, len(r.upstream[victim]))
	for _, node := range r.upstream[victim] {
		z := 0.0
		for v := range Variables {
			z = max(z, r.states.Z(node, w, v))
		}
		out = append(out, Ranked{Node: node, Order: z, Score: math.Erf(z / math.Sqrt2)})
	}
	return out
}

// Upstream returns for every node those from which it can be reached, itself included.
func Upstream(net *records.Network) [][]int32 {
	prev := make([][]int32, len(net.Nodes))
	for i := range net.Nodes {
		for _, next := range net.Nodes[i].Next {
			prev[next] = append(prev[next], int32(i))
		}
	}
	up := make([][]int32, len(net.Nodes))
	for i := range up {
		seen := make([]bool, len(prev))
		up[i], seen[i] = []int32{int32(i)}, true
		for k := 0; k < len(up[i]); k++ {
			for _, p := range prev[up[i][k]] {
				if !seen[p] {
					seen[p] = true
					up[i] = append(up[i], p)
				}
			}
		}
		slices.Sort(up[i])
	}
	return up
}

// Ranked is a node as a method that only knows nodes and windows sees it.
type Ranked struct {
	Node  int32
	Order float64 // greatest first; ties by number of the node
	Score float64 // ≥ 0, any unit
}

// Cache turns rankings into diagnoses and keeps them: victims of one window and node
// share theirs. The zero Cache is empty.
type Cache struct {
	causes map[place][]diagnosis.Cause
}

type place struct {
	window int
	node   int32
}

// maxCached bounds a cache; beyond that it starts anew.
const maxCached = 1 << 14

// Diagnose returns the diagnosis of a victim by rank, which names the nodes for a window
// and a victim's node. Scores become shares of their sum. A source's cause is its traffic,
// any other node's its processing; flows are not named.
func (c *Cache) Diagnose(s *States, v diagnosis.Victim, rank func(w int, victim int32) []Ranked) diagnosis.Diagnosis {
	at := place{s.Window(v.Arrive), v.Node}
	causes, ok := c.causes[at]
	if !ok {
		ranked := rank(at.window, at.node)
		slices.SortFunc(ranked, func(a, b Ranked) int {
			return cmp.Or(cmp.Compare(b.Order, a.Order), cmp.Compare(a.Node, b.Node))
		})
		sum := 0.0
		for _, r := range ranked {
			sum += r.Score
		}
		from := s.from + int64(at.window)*s.Length
		causes = make([]diagnosis.Cause, len(ranked))
		for i, r := range ranked {
			kind := diagnosis.Processing
			if s.Network.Nodes[r.Node].IsSource() {
				kind = diagnosis.Traffic
			}
			score := 0.0
			if sum > 0 {
				score = r.Score / sum
			}
			causes[i] = diagnosis.Cause{Node: r.Node, Kind: kind, Score: score, Low: 0, High: 1, From: from, To: from + s.Length}
		}
		if c.causes == nil || len(c.causes) == maxCached {
			c.causes = map[place][]diagnosis.Cause{}
		}
		c.causes[at] = causes
	}
	return diagnosis.Diagnosis{Victim: v, Causes: causes}
}
