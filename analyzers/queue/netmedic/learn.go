package netmedic

import (
	"math"
	"slices"

	"github.com/telltale-net/telltale/analyzers/queue/window"
)

// edge is a dependency and what counts of its ends' states.
type edge struct {
	from, to int32
	s, d     view
	weight   float64 // logarithm, in the window
}

// view is one end of an edge: the variables over time, and which of them count.
type view struct {
	value [window.Variables][]float64 // by window
	scale [window.Variables]float64   // 1/range observed; 0 where it never changed
	use   [window.Variables]bool
}

// learn finds the edges and, over all windows, which variables count.
func (r *Ranker) learn() {
	s := r.states
	columns := make([][window.Variables][]float64, len(s.Network.Nodes))
	use := make([][window.Variables]bool, len(columns))
	prev := make([][]int32, len(columns))
	for node := range columns {
		for v := range window.Variables {
			col := make([]float64, s.Windows)
			for w := range col {
				col[w] = s.At(int32(node), w)[v]
			}
			columns[node][v] = col
		}
		for _, next := range s.Network.Nodes[node].Next {
			prev[next] = append(prev[next], int32(node))
		}
	}
	for node := range columns {
		use[node] = counting(columns, int32(node), slices.Concat(prev[node], s.Network.Nodes[node].Next))
	}
	for node := range columns {
		for _, next := range s.Network.Nodes[node].Next {
			e := edge{from: int32(node), to: next}
			e.s = newView(columns[node], use[node])
			e.d = newView(alone(columns, prev[next], int32(node), next), use[next])
			r.out[node] = append(r.out[node], int32(len(r.edges)))
			r.edges = append(r.edges, e)
		}
	}
}

// distinct returns the variables but those correlated with one before.
func distinct(cols *[window.Variables][]float64) (keep [window.Variables]bool) {
	for v := range cols {
		keep[v] = true
		for u := range v {
			if keep[u] && math.Abs(correlation(cols[u], cols[v])) > redundant {
				keep[v] = false
			}
		}
	}
	return keep
}

// counting returns the variables of a component that count: distinct and correlated
// with one of a neighbour; where none is, all distinct ones.
func counting(columns [][window.Variables][]float64, node int32, neighbours []int32) (use [window.Variables]bool) {
	keep := distinct(&columns[node])
	for v, col := range columns[node] {
		for _, n := range neighbours {
			for _, other := range columns[n] {
				use[v] = use[v] || keep[v] && math.Abs(correlation(col, other)) > correlated
			}
		}
	}
	if use == ([window.Variables]bool{}) {
		return keep
	}
	return use
}

// newView returns variables as the end of an edge.
func newView(cols [window.Variables][]float64, use [window.Variables]bool) view {
	v := view{value: cols, use: use}
	for i, col := range cols {
		lo, hi := math.Inf(1), math.Inf(-1)
		for _, x := range col {
			lo, hi = min(lo, x), max(hi, x)
		}
		if hi > lo {
			v.scale[i] = 1 / (hi - lo)
		}
	}
	return v
}

// alone returns the variables of node d, those that are aggregates of what is before
// it without what nodes other than s contribute.
func alone(columns [][window.Variables][]float64, prev []int32, s, d int32) [window.Variables][]float64 {
	out := columns[d]
	if len(prev) < 2 {
		return out
	}
	for u := range window.Variables {
		sum := make([]float64, len(out[u]))
		for _, p := range prev {
			for w, x := range columns[p][u] {
				sum[w] += x
			}
		}
		for v := range out {
			if correlation(columns[d][v], sum) <= aggregated {
				continue
			}
			rest := make([]float64, len(sum))
			for w := range rest {
				rest[w] = columns[d][v][w] - (sum[w] - columns[s][u][w])
			}
			out[v] = rest
		}
	}
	return out
}

// correlation is Pearson's; 0 where either never changes.
func correlation(a, b []float64) float64 {
	n := float64(len(a))
	var ma, mb float64
	for i := range a {
		ma += a[i] / n
		mb += b[i] / n
	}
	var aa, bb, ab float64
	for i := range a {
		x, y := a[i]-ma, b[i]-mb
		aa, bb, ab = aa+x*x, bb+y*y, ab+x*y
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}

// counted is the variables of a view that count now, with their weights.
type counted struct {
	value  [window.Variables][]float64
	weight [window.Variables]float64
	n      int
}

// counted weighs the variables by their abnormality now.
func (v *view) counted(a *window.State) (c counted) {
	sum := 0.0
	for i, use := range v.use {
		if use {
			sum += a[i]
		}
	}
	for i, use := range v.use {
		if use && a[i] > 0 && v.scale[i] > 0 {
			c.value[c.n], c.weight[c.n] = v.value[i], a[i]/sum*v.scale[i]
			c.n++
		}
	}
	return c
}

// distance returns how unlike two windows are, 0…1.
func (c *counted) distance(t, now int) (d float64) {
	for i := range c.n {
		d += c.weight[i] * math.Abs(c.value[i][t]-c.value[i][now])
	}
	return d
}
