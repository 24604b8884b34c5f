package patterns

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/telltale-net/telltale/analyzers/queue/records"
)

// Side is one end of a relation: a flow at a node, by their numbers in the data set;
// records.NoFlow where the flow is not known.
type Side struct {
	Node int32
	Flow records.FlowID
}

// Relation says that packets of the culprit made packets of the victim late, by Score
// (any unit, the same for all, more than 0).
type Relation struct {
	Culprit, Victim Side
	Score           float64
}

// Config is how to aggregate; the zero Config is the paper's.
type Config struct {
	Threshold float64 // least share of all scores that makes a pattern; 0 = 0.01
	Budget    int     // points looked at while clusters are enumerated; 0 = 12 million
	Workers   int     // threads; 0 = 1. The result is the same.
}

// Pattern is one aggregated cause and whom it harmed.
type Pattern struct {
	Culprit Aggregate
	Victim  Aggregate // hull of Victims
	Score   float64   // sum of the relations counted here; each is counted in one pattern
	Share   float64   // of all scores
	Flows   int       // distinct culprits (flow and node) counted here
	// Unexpected is the share of the culprit aggregate over the product of its shares in
	// each dimension alone: 1 = as if the dimensions were independent.
	Unexpected float64
	Victims    []Part // greatest score first
}

// Part is an aggregate of a pattern's victims.
type Part struct {
	Victim     Aggregate
	Score      float64
	Flows      int     // distinct victims counted here
	Unexpected float64 // as in Pattern, within the pattern's relations
}

// Result is what the relations come to.
type Result struct {
	Patterns  []Pattern // greatest score first
	Total     float64   // sum of all scores
	Uncovered float64   // of it, in no pattern
	Relations int
	StepBits  int // resolution of prefixes and ranges while clusters were sought: 1 = exact
}

// Find finds the patterns of relations between flows at nodes of net; flows are by
// FlowID. The result does not depend on the order of the relations. An error says which
// relation names what does not exist or has no valid score.
func Find(net *records.Network, flows []records.Flow, rels []Relation, cfg Config) (Result, error) {
	cfg.Threshold = cmp.Or(cfg.Threshold, 0.01)
	cfg.Budget = cmp.Or(cfg.Budget, 12_000_000)
	if !(cfg.Threshold >= 1e-4 && cfg.Threshold <= 1) {
		return Result{}, fmt.Errorf("threshold of patterns: got %v, want 0.0001 to 1", cfg.Threshold)
	}
	res := Result{Relations: len(rels), StepBits: 1}
	for i, r := range rels {
		for _, s := range [2]Side{r.Culprit, r.Victim} {
			if s.Node < 0 || int(s.Node) >= len(net.Nodes) || s.Flow != records.NoFlow && int(s.Flow) >= len(flows) {
				return Result{}, fmt.Errorf("relation %d: got node %d, flow %d; the data set has %d nodes, %d flows", i, s.Node, s.Flow, len(net.Nodes), len(flows))
			}
		}
		if !(r.Score > 0 && r.Score < math.MaxFloat64/float64(len(rels))) {
			return Result{}, fmt.Errorf("relation %d: got score %v, want a finite one above 0", i, r.Score)
		}
	}
	if len(rels) == 0 {
		return res, nil
	}
	// Fixed point, so that sums are exact whatever their order.
	for _, r := range rels {
		res.Total = max(res.Total, r.Score)
	}
	unit := res.Total * float64(len(rels)) / (1 << 50)
	total := int64(0)
	for i := range rels {
		total += quantise(rels[i].Score, unit)
	}
	res.Total = float64(total) * unit
	a := aggregation{space: newSpace(net, flows), rels: rels, unit: unit, total: total, cfg: cfg,
		least: max(1, int64(math.Ceil(cfg.Threshold*float64(total))))}
	a.run(&res)
	return res, nil
}

func quantise(score, unit float64) int64 { return max(1, int64(math.Round(score/unit))) }

// aggregation is the state of one call.
type aggregation struct {
	*space
	rels  []Relation
	unit  float64
	total int64 // of all scores, in units
	least int64 // threshold, in units
	cfg   Config
}

func (a *aggregation) run(res *Result) {
	all := make([]int32, len(a.rels))
	for i := range all {
		all[i] = int32(i)
	}
	culprits, of := a.points(all, func(r *Relation) Side { return r.Culprit })
	found, step := a.describe(culprits, a.cfg.Workers)
	res.StepBits = max(res.StepBits, step)

	relations := make([][]int32, len(found.boxes))
	left := a.total
	for i := range a.rels {
		if b := found.owner[of[i]]; b >= 0 {
			relations[b] = append(relations[b], int32(i))
		}
	}
	res.Patterns = make([]Pattern, len(found.boxes))
	steps := make([]int, len(found.boxes))
	each(len(found.boxes), a.cfg.Workers, func(b int) {
		victims, _ := a.points(relations[b], func(r *Relation) Side { return r.Victim })
		p := &res.Patterns[b]
		*p = Pattern{
			Culprit:    a.aggregate(found.boxes[b]),
			Score:      float64(found.mass[b]) * a.unit,
			Share:      float64(found.mass[b]) / float64(a.total),
			Flows:      found.count[b],
			Unexpected: a.unexpected(culprits, found.boxes[b]),
		}
		steps[b] = a.victims(p, victims)
	})
	for b, step := range steps {
		left -= found.mass[b]
		res.StepBits = max(res.StepBits, step)
	}
	res.Uncovered = float64(left) * a.unit
	slices.SortStableFunc(res.Patterns, func(x, y Pattern) int { return cmp.Compare(y.Score, x.Score) })
}

// each calls f for all numbers below n, on several threads.
func each(n, workers int, f func(i int)) {
	var next atomic.Int64
	work := func() {
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			f(i)
		}
	}
	var wg sync.WaitGroup
	for range min(workers, n) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
}

// victims fills in the victims of a pattern. Where none is above the threshold, they are
// one aggregate, the hull of all.
func (a *aggregation) victims(p *Pattern, victims points) (step int) {
	found, step := a.describe(victims, 1)
	var hull box
	for b, box := range found.boxes {
		if b == 0 {
			hull = box
		}
		hull = a.hull(hull, box)
		p.Victims = append(p.Victims, Part{Victim: a.aggregate(box), Score: float64(found.mass[b]) * a.unit,
			Flows: found.count[b], Unexpected: a.unexpected(victims, box)})
	}
	if len(found.boxes) == 0 {
		hull = a.hullOf(victims)
	}
	p.Victim = a.aggregate(hull)
	slices.SortStableFunc(p.Victims, func(x, y Part) int { return cmp.Compare(y.Score, x.Score) })
	return step
}

// points are the distinct sides of relations, with the scores of each summed up, in the
// order of their places.
type points struct {
	side []Side
	mass []int64
}

// points returns the sides of some relations, and for each relation its point.
func (a *aggregation) points(rels []int32, side func(*Relation) Side) (p points, of []int32) {
	index := make(map[Side]int32, len(rels)/4)
	of = make([]int32, len(rels))
	for k, i := range rels {
		r := &a.rels[i]
		s := side(r)
		at, ok := index[s]
		if !ok {
			at = int32(len(p.side))
			index[s] = at
			p.side = append(p.side, s)
			p.mass = append(p.mass, 0)
		}
		p.mass[at] += quantise(r.Score, a.unit)
		of[k] = at
	}
	order := make([]int32, len(p.side))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(i, j int32) int { return a.compareSides(p.side[i], p.side[j]) })
	sorted, rank := points{make([]Side, len(order)), make([]int64, len(order))}, make([]int32, len(order))
	for to, from := range order {
		sorted.side[to], sorted.mass[to], rank[from] = p.side[from], p.mass[from], int32(to)
	}
	for k := range of {
		of[k] = rank[of[k]]
	}
	return sorted, of
}

// describe finds clusters and makes patterns of them.
func (a *aggregation) describe(p points, workers int) (d description, step int) {
	clusters, step := cover(a.space, p, a.least, a.cfg.Budget, workers)
	return a.space.describe(p, clusters, float64(a.least)/2, a.least), step
}
