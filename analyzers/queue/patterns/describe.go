package patterns

import (
	"cmp"
	"math"
	"slices"
)

// description is a set of boxes and which point is counted in which.
type description struct {
	boxes []box
	mass  []int64
	count []int   // points
	owner []int32 // by point; -1 = none
}

// words is a description being improved. Costs are in bits.
type words struct {
	*space
	p      points
	point  []box
	unit   float64 // mass that is worth writing down once
	domain float64 // volume of the least box that holds all points, ports and protocols free
	boxes  []worded
	owner  []int32
	rest   float64 // mass of the points in no box

	gains   [][]float64                     // bits saved by merging i and j < i
	scratch []struct{ mass, saves float64 } // by distance
}

// worded is a box with the mass counted in it.
type worded struct {
	box
	mass   float64
	volume float64
}

// perPattern is the cost of a pattern besides its places: its score, and that it is one.
const perPattern = 24

func (s *space) describe(p points, clusters []cluster, unit float64, least int64) description {
	w := &words{space: s, p: p, unit: unit, point: make([]box, len(p.side)), owner: make([]int32, len(p.side)), scratch: make([]struct{ mass, saves float64 }, anyPort+1)}
	var all box
	for i, x := range p.side {
		w.point[i] = s.point(x)
		if i == 0 {
			all = w.point[0]
		}
		all = s.hull(all, w.point[i])
		w.owner[i] = -1
		w.rest += float64(p.mass[i])
	}
	for _, d := range [...]int{dimNode, dimSport, dimDport, dimProto} {
		all.bits[d] = 0
	}
	w.domain = s.volume(&all)
	for b, c := range clusters {
		var h box
		for k, i := range c.points {
			if k == 0 {
				h = w.point[i]
			}
			h = s.hull(h, w.point[i])
			w.owner[i] = int32(b)
		}
		w.boxes = append(w.boxes, worded{h, float64(c.mass), s.volume(&h)})
		w.rest -= float64(c.mass)
	}
	w.merge()
	for range 8 {
		w.settle()
		if !w.widenAll() && !w.merge() {
			break
		}
	}
	w.settle()
	return w.result(least)
}

// data is the cost of writing mass down in a box of a volume: where inside, and, but
// for a constant, which box.
func (w *words) data(mass, volume float64) float64 {
	if mass <= 0 {
		return 0
	}
	n := mass / w.unit
	return n * (volume - math.Log2(n))
}

// model is the cost of writing a box down.
func (w *words) model(b *box, volume float64) float64 {
	c := perPattern + max(0, w.domain-volume)
	for d := dimSport; d <= dimDport; d++ {
		if b.bits[d] != 0 {
			c += math.Log2(b.ports(d))
		}
	}
	return c
}

func (w *words) cost(b *worded) float64 {
	return w.data(b.mass, b.volume) + w.model(&b.box, b.volume)
}

// merge joins boxes while that saves bits; it reports whether any were.
func (w *words) merge() (changed bool) {
	w.gains = make([][]float64, len(w.boxes))
	for i := range w.boxes {
		w.gains[i] = make([]float64, i)
		for j := range i {
			w.gains[i][j] = w.gain([]int{j, i})
		}
	}
	for {
		var from []int
		saved := 1e-6
		for i, gains := range w.gains {
			for j, g := range gains {
				if g > saved {
					from, saved = []int{j, i}, g
				}
			}
		}
		if from == nil { // two at a time lead no further: all in a hull at once
			for i := range w.boxes {
				for j := range i {
					set := w.under(i, j)
					if g := w.gain(set); g > saved {
						from, saved = set, g
					}
				}
			}
		}
		if from == nil {
			return changed
		}
		w.join(from)
		changed = true
	}
}

// gain returns the bits saved by making one box of several.
func (w *words) gain(set []int) float64 {
	if len(set) < 2 {
		return 0
	}
	one, before := w.hullOfBoxes(set), 0.0
	for _, i := range set {
		before += w.cost(&w.boxes[i])
	}
	return before - w.cost(&one)
}

func (w *words) hullOfBoxes(set []int) worded {
	one := w.boxes[set[0]]
	for _, i := range set[1:] {
		one.box = w.hull(one.box, w.boxes[i].box)
		one.mass += w.boxes[i].mass
	}
	one.volume = w.volume(&one.box)
	return one
}

// under returns the boxes inside the hull of two that are better told as a part of it.
func (w *words) under(i, j int) (set []int) {
	h := w.hullOfBoxes([]int{i, j})
	mass := 0.0
	for k := range w.boxes {
		if h.holdsAll(&w.boxes[k].box) {
			set = append(set, k)
			mass += w.boxes[k].mass
		}
	}
	return slices.DeleteFunc(set, func(k int) bool {
		return w.cost(&w.boxes[k]) < w.boxes[k].mass/w.unit*(h.volume-math.Log2(mass/w.unit))
	})
}

// join makes one box of several, in ascending order; it takes the place of the first.
func (w *words) join(set []int) {
	one := w.hullOfBoxes(set)
	to := make([]int32, len(w.boxes))
	gone := set[1:]
	boxes, gains := w.boxes[:0], w.gains[:0]
	for i, b := range w.boxes {
		if slices.Contains(gone, i) {
			to[i] = int32(set[0])
			continue
		}
		to[i] = int32(len(boxes))
		boxes = append(boxes, b)
		kept := w.gains[i][:0]
		for j, g := range w.gains[i] {
			if !slices.Contains(gone, j) {
				kept = append(kept, g)
			}
		}
		gains = append(gains, kept)
	}
	w.boxes, w.gains = boxes, gains
	w.boxes[set[0]] = one
	for i := range w.boxes {
		switch first := set[0]; {
		case i < first:
			w.gains[first][i] = w.gain([]int{i, first})
		case i > first:
			w.gains[i][first] = w.gain([]int{first, i})
		}
	}
	for p, o := range w.owner {
		if o >= 0 {
			w.owner[p] = to[o]
		}
	}
}

// settle counts every point in the least box that holds it and shrinks the boxes to
// what is counted there.
func (w *words) settle() {
	order := make([]int32, len(w.boxes))
	for i := range order {
		order[i] = int32(i)
		w.boxes[i].mass = 0
	}
	slices.SortStableFunc(order, func(i, j int32) int { return cmp.Compare(w.boxes[i].volume, w.boxes[j].volume) })
	w.rest = 0
	hulls := make([]box, len(w.boxes))
	for p := range w.point {
		w.owner[p] = -1
		for _, b := range order {
			if w.boxes[b].holdsAll(&w.point[p]) {
				w.owner[p] = b
				break
			}
		}
		m := float64(w.p.mass[p])
		b := w.owner[p]
		if b < 0 {
			w.rest += m
			continue
		}
		if w.boxes[b].mass == 0 {
			hulls[b] = w.point[p]
		}
		hulls[b] = w.hull(hulls[b], w.point[p])
		w.boxes[b].mass += m
	}
	for b := range w.boxes {
		if w.boxes[b].mass > 0 {
			w.boxes[b].box, w.boxes[b].volume = hulls[b], w.volume(&hulls[b])
		}
	}
}

// result drops the boxes that what is in smaller ones has left below the threshold.
func (w *words) result(least int64) (d description) {
	for {
		small := slices.IndexFunc(w.boxes, func(b worded) bool { return b.mass < float64(least) })
		if small < 0 {
			break
		}
		for i := range w.boxes {
			if w.boxes[i].mass < w.boxes[small].mass {
				small = i
			}
		}
		w.boxes = slices.Delete(w.boxes, small, small+1)
		w.settle()
	}
	d.owner = w.owner
	d.mass, d.count = make([]int64, len(w.boxes)), make([]int, len(w.boxes))
	for _, b := range w.boxes {
		d.boxes = append(d.boxes, b.box)
	}
	for p, o := range d.owner {
		if o >= 0 {
			d.mass[o] += w.p.mass[p]
			d.count[o]++
		}
	}
	return d
}
