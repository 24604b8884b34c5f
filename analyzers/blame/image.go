package blame

import (
	"fmt"
	"math"
	"slices"
)

// Where paths are uncertain, several faults may have an image: to have two devices change
// places turns them into others that explain the same losses, though to move any one of
// them does not. Who sees only the ends of paths between leaves cannot tell one spine's
// links from the other's.

// What is looked at, at most.
const (
	mostImages  = 16
	imageFaults = 24 // with more faults than these, nothing is
	imagePairs  = 6  // up to so many, each pair of them is moved by itself as well
	imageOdds   = 10 // an image whose log odds, at the rates of the original, are so much worse is none
)

// image is a hypothesis with some faults in other places, of the same rates.
type image struct {
	from, to []int32 // columns, at least two
}

// apply moves faults to where the image has them.
func (m *fit) apply(x image) {
	theta := make([]float64, len(x.from))
	for i, c := range x.from {
		theta[i] = m.theta[c]
		m.remove(c)
	}
	for i, c := range x.to {
		m.add(c, theta[i])
	}
}

// images returns those of the current hypothesis that may be as good as it is.
func (m *fit) images() []image {
	if m.mix.of == nil || len(m.faults) < 2 || len(m.faults) > imageFaults {
		return nil
	}
	between := map[[2]int32][]int32{} // parallel links
	for c := range m.links {
		if m.suspected(int32(c)) {
			between[m.ends[c]] = append(between[m.ends[c]], int32(c))
		}
	}
	var out []image
	seen := map[string]bool{}
	least := m.objective() - imageOdds
	keep := func(x image) {
		key := fmt.Sprint(x)
		if len(x.from) < 2 || len(out) == mostImages || seen[key] {
			return
		}
		seen[key] = true
		back := m.saved()
		m.apply(x)
		if m.objective() > least {
			out = append(out, x)
		}
		back()
	}
	for _, s := range m.swaps() {
		x := m.imageOf(s, between)
		keep(x)
		if len(x.from) < 3 || len(x.from) > imagePairs {
			continue
		}
		for i := range x.from {
			for j := range i {
				keep(image{[]int32{x.from[j], x.from[i]}, []int32{x.to[j], x.to[i]}})
			}
		}
	}
	return out
}

// swaps returns pairs of devices to change places: those in which a fault differs from a
// link that crosses the same losses.
func (m *fit) swaps() [][2]int32 {
	var out [][2]int32
	for _, c := range m.faults {
		if int(c) >= m.links || !m.uncertain(c) {
			continue
		}
		for _, x := range m.rivals(c) {
			if int(x) >= m.links {
				continue
			}
			a, b := m.ends[c], m.ends[x]
			s := [2]int32{a[0], b[0]}
			if a[0] == b[0] {
				s = [2]int32{a[1], b[1]}
			} else if a[1] != b[1] {
				continue
			}
			slices.Sort(s[:])
			if s[0] >= 0 && s[0] != s[1] && !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	return out
}

// imageOf returns the hypothesis with two devices in each other's place. A fault stays
// where it is if there is none in the other's place.
func (m *fit) imageOf(s [2]int32, between map[[2]int32][]int32) image {
	other := func(n int32) int32 {
		switch n {
		case s[0]:
			return s[1]
		case s[1]:
			return s[0]
		}
		return n
	}
	var x image
	for _, c := range m.faults {
		to := c
		if int(c) >= m.links {
			to = int32(m.links) + other(c-int32(m.links))
		} else if e := m.ends[c]; e[0] >= 0 {
			i := slices.Index(between[e], c)
			if there := between[[2]int32{other(e[0]), other(e[1])}]; i >= 0 && i < len(there) {
				to = there[i]
			}
		}
		if to != c && m.suspected(to) && m.theta[to] == 0 {
			x.from, x.to = append(x.from, c), append(x.to, to)
		}
	}
	return x
}

// weighed is an image and how likely it is, the hypothesis that was found being 1.
type weighed struct {
	image
	weight float64
}

// weigh returns the images and their weights.
func (m *fit) weigh() []weighed {
	var out []weighed
	now := m.objective()
	for _, x := range m.images() {
		back := m.saved()
		m.apply(x)
		m.settle()
		out = append(out, weighed{x, math.Exp(min(m.objective()-now, 0))}) // one that is better is as good
		back()
	}
	return out
}

// others is what there may be instead of a fault, the other faults given: weights,
// that of the fault being 1.
type others struct {
	col    int32
	none   float64
	rivals []int32
	weight []float64
}

// share returns the probability of a fault, and adds to its rivals those of theirs: of all
// hypotheses that move it, or others that it has images with.
func (o *others) share(all []others, images []weighed, rival func(x int32, p float64)) float64 {
	stays, goes, to := 1.0, o.none, map[int32]float64{}
	for i, x := range o.rivals {
		goes += o.weight[i]
		to[x] += o.weight[i]
	}
	with := map[[2]int32]bool{} // moves of the others in images with it
	for _, x := range images {
		i := slices.Index(x.from, o.col)
		if i < 0 {
			continue
		}
		goes += x.weight
		to[x.to[i]] += x.weight
		for j := range x.from {
			with[[2]int32{x.from[j], x.to[j]}] = true
		}
	}
	for _, x := range images {
		if !slices.Contains(x.from, o.col) && with[[2]int32{x.from[0], x.to[0]}] {
			stays += x.weight
		}
	}
	for _, b := range all {
		for i, x := range b.rivals {
			if b.col != o.col && with[[2]int32{b.col, x}] {
				stays += b.weight[i]
			}
		}
	}
	for x, w := range to {
		rival(x, w/(stays+goes))
	}
	return stays / (stays + goes)
}
