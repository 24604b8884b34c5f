package blame

import (
	"math"
	"slices"
)

// mix is what a fit knows of flows whose path is uncertain. The likelihood is that of
// the mixture of their alternatives: with w_p the probability of alternative p and
// B(s) = Σ w_p·exp(−s·Θ_p), a stretch of s packets gets through with probability
//
//	exp(−s·Θ)·B(s)          Θ: noise, and the faults that are crossed for certain
//
// and with a further fault θ at column c, which alternatives of the weight B_c(s) cross,
//
//	exp(−s·Θ)·(B(s) − B_c(s)·(1 − exp(−s·θ)))
//
// What flows without losses say of links that they cross for certain is linear, as
// elsewhere; what they say of the alternatives is added up by alternatives and magnitude of
// their packets.
type mix struct {
	rows    []mixRow
	of      [][]int32 // rows by column, nil where no path is uncertain
	bundles []mixBundle
	in      [][]int32 // bundles by column
	calm    []*calm   // by column, of those that were asked for
	byPaths map[*bundle]int32
	kept    map[[2]int32]int32 // row of surviving packets by bundle and magnitude
}

// mixRow is a stretch that lost packets, or many that lost none.
type mixRow struct {
	bundle  int32
	survive bool
	weight  float64    // stretches that lost packets, or flows that lost none
	scale   float64    // packets of one
	hops    float64    // links crossed, all told
	rest    float64    // Σ θ of the faults it crosses for certain
	sure    []crossing // columns crossed for certain; none where it survived
}

// mixBundle is alternatives in columns.
type mixBundle struct {
	alternatives *bundle
	cols         []int32 // each once
	share        []float64
	halves       []float64 // of share, what crosses only a half of the column
	paths        [][]crossing
	weight       []float64
	theta        []float64 // Σ θ of the faults on each path
	hit          []int32   // paths with faults
}

// share returns the probability that the bundle's flows cross a column.
func (b *mixBundle) shareOf(c int32) float64 {
	if i, ok := slices.BinarySearch(b.cols, c); ok {
		return b.share[i]
	}
	return 0
}

// partOf returns how much of a column a path crosses: all, a half, or nothing.
func partOf(path []crossing, c int32) float64 {
	for _, x := range path {
		if at, part := x.of(); at == c {
			return part
		}
	}
	return 0
}

// through returns B(s), and for a column of the bundle the parts of it that cross all of
// the column and a half of it.
func (b *mixBundle) through(c int32, s float64) (all, whole, half float64) {
	all = 1
	if i, ok := slices.BinarySearch(b.cols, c); ok {
		half = b.halves[i]
		whole = b.share[i] - half
	}
	for _, p := range b.hit {
		gone := b.weight[p] * -math.Expm1(-s*b.theta[p])
		all -= gone
		switch partOf(b.paths[p], c) {
		case 1:
			whole -= gone
		case 0.5:
			half -= gone
		}
	}
	all = max(all, 1e-12)
	return all, max(min(whole, all), 0), max(min(half, all), 0)
}

// set adds d to the rate of column c.
func (b *mixBundle) set(c int32, d float64) {
	b.hit = b.hit[:0]
	for p, cols := range b.paths {
		if part := partOf(cols, c); part > 0 {
			b.theta[p] = max(0, b.theta[p]+part*d)
			if b.theta[p] < 1e-15 {
				b.theta[p] = 0
			}
		}
		if b.theta[p] > 0 {
			b.hit = append(b.hit, int32(p))
		}
	}
}

// bundleOf returns the number of a bundle in the fit.
func (t *Tracker) bundleOf(m *fit, x *bundle) int32 {
	if at, ok := m.mix.byPaths[x]; ok {
		return at
	}
	b := mixBundle{alternatives: x, weight: x.weight, theta: make([]float64, len(x.paths))}
	share, halves := map[int32]float64{}, map[int32]float64{}
	for i, p := range x.paths {
		cols := t.columns(nil, p)
		for _, x := range cols {
			c, part := x.of()
			share[c] += b.weight[i]
			if part < 1 {
				halves[c] += b.weight[i]
			}
		}
		b.paths = append(b.paths, cols)
	}
	for c := range share {
		b.cols = append(b.cols, c)
	}
	slices.Sort(b.cols)
	for _, c := range b.cols {
		b.share = append(b.share, min(share[c], 1))
		b.halves = append(b.halves, min(halves[c], 1))
	}
	if m.mix.byPaths == nil {
		m.mix.byPaths = map[*bundle]int32{}
	}
	at := int32(len(m.mix.bundles))
	m.mix.bundles = append(m.mix.bundles, b)
	m.mix.byPaths[x] = at
	return at
}

// addMix adds a flow whose path is uncertain, weighted.
func (t *Tracker) addMix(m *fit, x *bundle, sure []crossing, hops, weight, k, scale, arrived float64) {
	at := t.bundleOf(m, x)
	hops += x.hops
	if k > 0 {
		m.mix.rows = append(m.mix.rows, mixRow{bundle: at, weight: weight * k, scale: scale, hops: hops, sure: slices.Clone(sure)})
	}
	if arrived > 0 {
		t.keep(m, at, weight, arrived)
	}
}

// magnitudes is how many classes of packets a flow there are in a factor of two.
const magnitudes = 3

func magnitude(packets float64) int { return int(math.Round(magnitudes * math.Log2(packets))) }

// keep adds packets that got through one of the alternatives.
func (t *Tracker) keep(m *fit, at int32, flows, packets float64) {
	key := [2]int32{at, int32(magnitude(packets))}
	i, ok := m.mix.kept[key]
	if !ok {
		if m.mix.kept == nil {
			m.mix.kept = map[[2]int32]int32{}
		}
		i = int32(len(m.mix.rows))
		m.mix.rows = append(m.mix.rows, mixRow{bundle: at, survive: true})
		m.mix.kept[key] = i
	}
	r := &m.mix.rows[i]
	r.scale = (r.scale*r.weight + packets*flows) / (r.weight + flows)
	r.weight += flows
}

// index fills of and in, once all rows are there.
func (x *mix) index(columns int) {
	if len(x.rows) == 0 {
		return
	}
	x.even()
	x.of, x.in, x.calm = make([][]int32, columns), make([][]int32, columns), make([]*calm, columns)
	for i := range x.rows {
		b := &x.bundles[x.rows[i].bundle]
		for _, at := range x.rows[i].sure {
			if c, _ := at.of(); b.shareOf(c) == 0 {
				x.of[c] = append(x.of[c], int32(i))
			}
		}
		for _, c := range b.cols {
			x.of[c] = append(x.of[c], int32(i))
		}
	}
	for i := range x.bundles {
		for _, c := range x.bundles[i].cols {
			x.in[c] = append(x.in[c], int32(i))
		}
	}
}

// even gives all rows of survivors of a magnitude the same scale, and each as many flows as
// make up its packets, so that terms of different alternatives are the same.
func (x *mix) even() {
	type sum struct{ flows, packets float64 }
	sums := map[int32]*sum{}
	for key, i := range x.kept {
		s := sums[key[1]]
		if s == nil {
			s = &sum{}
			sums[key[1]] = s
		}
		s.flows += x.rows[i].weight
		s.packets += x.rows[i].weight * x.rows[i].scale
	}
	for key, i := range x.kept {
		r, s := &x.rows[i], sums[key[1]]
		scale := s.packets / s.flows
		r.weight *= r.scale / scale
		r.scale = scale
	}
}

// set adds d to the rate of column c.
func (x *mix) set(c int32, d float64) {
	if x.of == nil {
		return
	}
	for _, i := range x.of[c] {
		if r := &x.rows[i]; len(r.sure) > 0 {
			r.rest = max(0, r.rest+partOf(r.sure, c)*d)
		}
	}
	for _, i := range x.in[c] {
		x.bundles[i].set(c, d)
	}
}

// uncertain reports whether a column is crossed by flows whose path is uncertain.
func (m *fit) uncertain(c int32) bool { return m.mix.of != nil && len(m.mix.of[c]) > 0 }

// suspected reports whether flows with losses cross a column, or may.
func (m *fit) suspected(c int32) bool {
	if len(m.of[c]) > 0 {
		return true
	}
	return m.uncertain(c) && slices.ContainsFunc(m.mix.of[c], func(i int32) bool { return !m.mix.rows[i].survive })
}

// mixed is the log-likelihood of the uncertain flows under the hypothesis, but for what
// is linear.
func (m *fit) mixed() float64 {
	j := 0.0
	for i := range m.mix.rows {
		r := &m.mix.rows[i]
		if r.survive && len(m.mix.bundles[r.bundle].hit) == 0 {
			continue // all get through
		}
		all, _, _ := m.mix.bundles[r.bundle].through(-1, r.scale)
		if r.survive {
			j += r.weight * math.Log(all)
		} else {
			j += r.weight * math.Log(max(1-all*math.Exp(-r.scale*(r.hops*m.noise+r.rest)), 1e-300))
		}
	}
	return j
}
