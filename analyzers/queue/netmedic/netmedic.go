package netmedic

import (
	"cmp"
	"math"

	"github.com/telltale-net/telltale/analyzers/queue/diagnosis"
	"github.com/telltale-net/telltale/analyzers/queue/window"
)

// The constants of the paper.
const (
	normal     = 0.1 // abnormality below which a component is normal
	noImpact   = 0.1 // weight where either end is normal
	noHistory  = 0.8 // weight where nothing like now was seen before
	chunks     = 10
	similar    = 1.0 / 3 // distance up to which history counts
	redundant  = 0.8
	correlated = 0.8
	aggregated = 0.9
	maxPath    = 16
)

// Config is how much history to use; the zero Config is the default.
type Config struct {
	History int // windows around the victim's; 0 = 1000
}

// Ranker diagnoses victims. It is for one goroutine.
type Ranker struct {
	states   *window.States
	history  int
	upstream [][]int32
	edges    []edge
	out      [][]int32 // edges by the node they leave
	cache    window.Cache

	at     int // the window that the rest is about, -1 = none yet
	a      []window.State
	most   []float64   // abnormality by node
	impact [][]float64 // by culprit, by node; nil = not computed
	global []float64   // Σ I(c→x)·A(x) by culprit
}

// NewRanker learns from the states which variables count.
func NewRanker(s *window.States, cfg Config) *Ranker {
	n := len(s.Network.Nodes)
	r := &Ranker{states: s, history: cmp.Or(cfg.History, 1000), upstream: window.Upstream(s.Network),
		out: make([][]int32, n), at: -1, a: make([]window.State, n), most: make([]float64, n),
		impact: make([][]float64, n), global: make([]float64, n)}
	r.learn()
	return r
}

// Diagnose ranks the components for one victim. The causes are shared between victims of
// one window and node and must not be changed.
func (r *Ranker) Diagnose(v diagnosis.Victim) diagnosis.Diagnosis {
	return r.cache.Diagnose(r.states, v, r.rank)
}

func (r *Ranker) rank(w int, victim int32) []window.Ranked {
	r.load(w)
	out := make([]window.Ranked, 0, len(r.upstream[victim]))
	for _, c := range r.upstream[victim] {
		if r.impact[c] == nil {
			r.impact[c] = r.impacts(c)
			r.global[c] = 0
			for x, i := range r.impact[c] {
				r.global[c] += i * r.most[x]
			}
		}
		score := r.impact[c][victim] * r.global[c]
		out = append(out, window.Ranked{Node: c, Order: score, Score: score})
	}
	return out
}

// load makes w the window that the ranker is about.
func (r *Ranker) load(w int) {
	if r.at == w {
		return
	}
	r.at = w
	clear(r.impact)
	for node := range r.a {
		r.a[node] = r.states.Abnormality(int32(node), w)
		r.most[node] = 0
		for _, a := range r.a[node] {
			r.most[node] = max(r.most[node], a)
		}
	}
	for i := range r.edges {
		r.edges[i].weight = math.Log(r.weight(&r.edges[i]))
	}
}

// weight returns the weight of an edge in the window.
func (r *Ranker) weight(e *edge) float64 {
	if r.most[e.from] < normal || r.most[e.to] < normal {
		return noImpact
	}
	first := max(0, min(r.at-r.history/2, r.states.Windows-r.history-1))
	last := min(r.states.Windows, first+r.history+1)
	n := last - first - 1 // without the window itself
	from := e.s.counted(&r.a[e.from])
	to := e.d.counted(&r.a[e.to])
	sum, weights := 0.0, 0.0
	for k := range min(chunks, n) {
		best, nearest := -1, math.Inf(1)
		for t := first + k*n/min(chunks, n); t < first+(k+1)*n/min(chunks, n); t++ {
			at := t
			if at >= r.at { // as if it were not there
				at++
			}
			if d := from.distance(at, r.at); d < nearest {
				best, nearest = at, d
			}
		}
		if nearest <= similar {
			sum += (1 - to.distance(best, r.at)) * (1 - nearest)
			weights += 1 - nearest
		}
	}
	if weights == 0 {
		return noHistory
	}
	return sum / weights
}

// impacts returns the impact of c on every node: 0 where no path leads.
func (r *Ranker) impacts(c int32) []float64 {
	best := make([]float64, len(r.out)) // sum of logarithms over paths of one length
	for i := range best {
		best[i] = math.Inf(-1)
	}
	impact := make([]float64, len(best))
	best[c], impact[c] = 0, 1
	next := make([]float64, len(best))
	for length := 1; length <= maxPath; length++ {
		for i := range next {
			next[i] = math.Inf(-1)
		}
		any := false
		for i, sum := range best {
			if math.IsInf(sum, -1) {
				continue
			}
			for _, k := range r.out[i] {
				e := &r.edges[k]
				next[e.to] = max(next[e.to], sum+e.weight)
				any = true
			}
		}
		if !any {
			break
		}
		for i, sum := range next {
			if int32(i) != c {
				impact[i] = max(impact[i], math.Exp(sum/float64(length)))
			}
		}
		best, next = next, best
	}
	return impact
}
