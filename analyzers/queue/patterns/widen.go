package patterns

import (
	"math"
	"slices"
)

// outlier is a point just outside a box: in one dimension only.
type outlier struct {
	point int32
	far   int32 // how far the box must be widened
}

// widenAll widens every box, one side of one dimension at a time, as far as that saves
// most bits; it reports whether any was.
func (w *words) widenAll() (changed bool) {
	var out [dims][2][]outlier // ports have two sides: below and above
	for b := range w.boxes {
		for d := range dims {
			out[d][0], out[d][1] = out[d][0][:0], out[d][1][:0]
		}
		box := &w.boxes[b].box
		for p := range w.point {
			if w.owner[p] == int32(b) {
				continue
			}
			if d, ok := box.misses(&w.point[p]); ok {
				side, far := box.distance(&w.point[p], d)
				out[d][side] = append(out[d][side], outlier{int32(p), int32(far)})
			}
		}
		for d := range dims {
			// One side only: the other's outliers may belong to another box by now.
			if w.widen(b, d, 0, out[d][0]) || w.widen(b, d, 1, out[d][1]) {
				changed = true
				break
			}
		}
	}
	return changed
}

// misses returns the only dimension in which the box does not hold a point.
func (b *box) misses(x *box) (d int, ok bool) {
	d = -1
	for _, e := range [dims]int{dimSrc, dimDst, dimNode, dimSport, dimDport, dimProto} {
		if !b.holds(x, e) {
			if d >= 0 {
				return 0, false
			}
			d = e
		}
	}
	return d, d >= 0
}

// distance returns on which side, and by how much, dimension d must be widened to hold x.
func (b *box) distance(x *box, d int) (side, far int) {
	if !isPort(d) {
		c := *b
		c.widen(x, d)
		return 0, b.bits[d] - c.bits[d]
	}
	switch {
	case x.bits[d] == 0:
		return 0, anyPort
	case x.hi[d] > b.hi[d]:
		return 1, int(x.hi[d] - b.hi[d])
	default:
		return 0, int(b.at[d].port() - x.hi[d])
	}
}

// anyPort is farther than any port.
const anyPort = math.MaxUint16 + 1

// wider returns the box widened by that distance.
func (b box) wider(d, side, far int) box {
	switch {
	case !isPort(d):
		b.bits[d] -= far
		b.at[d] = b.at[d].first(b.bits[d])
	case far == anyPort:
		b.bits[d], b.at[d], b.hi[d] = 0, key{}, math.MaxUint16
	case side == 1:
		b.hi[d] += uint16(far)
	default:
		b.at[d].hi -= uint64(far) << 48
	}
	return b
}

// paid returns the cost of a point where it is counted now.
func (w *words) paid(p int32) float64 {
	mass, volume := w.rest, w.domain
	if o := w.owner[p]; o >= 0 {
		mass, volume = w.boxes[o].mass, w.boxes[o].volume
	}
	return float64(w.p.mass[p]) / w.unit * (volume - math.Log2(mass/w.unit))
}

// widen takes into box b the nearest of the outliers on one side of dimension d, as many
// as saves most bits.
func (w *words) widen(b, d, side int, out []outlier) bool {
	if len(out) == 0 {
		return false
	}
	var fars []int32
	for _, x := range out {
		if w.scratch[x.far].mass == 0 {
			fars = append(fars, x.far)
		}
		w.scratch[x.far].mass += float64(w.p.mass[x.point])
		w.scratch[x.far].saves += w.paid(x.point)
	}
	slices.Sort(fars)
	now := w.boxes[b]
	cost, best, upto := w.cost(&now), now, int32(-1)
	saved, most := 0.0, 1e-6
	grown := now
	for _, far := range fars {
		grown.mass += w.scratch[far].mass
		saved += w.scratch[far].saves
		w.scratch[far].mass, w.scratch[far].saves = 0, 0
		grown.box = now.wider(d, side, int(far))
		grown.volume = w.volume(&grown.box)
		if g := saved + cost - w.cost(&grown); g > most {
			most, best, upto = g, grown, far
		}
	}
	if upto < 0 {
		return false
	}
	w.boxes[b] = best
	for _, x := range out {
		if x.far > upto {
			continue
		}
		if o := w.owner[x.point]; o >= 0 {
			w.boxes[o].mass -= float64(w.p.mass[x.point])
		} else {
			w.rest -= float64(w.p.mass[x.point])
		}
		w.owner[x.point] = int32(b)
	}
	return true
}
