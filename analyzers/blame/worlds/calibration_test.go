package worlds

import (
	"fmt"
	"math"
	"slices"
)

// calibration compares stated probabilities with how often they were right.
type calibration [8]struct{ n, right, stated float64 }

var calibrationTo = [len(calibration{})]float64{0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, math.Inf(1)}

func (c *calibration) add(p float64, right bool) {
	for i, to := range calibrationTo {
		if p < to {
			c[i].n++
			c[i].stated += p
			if right {
				c[i].right++
			}
			return
		}
	}
}

// links adds what an answer says of links, where no device is at fault: of such a device's
// links, some have lost nothing.
func (c *calibration) links(w *world, t *truth, a answer) {
	if slices.ContainsFunc(w.faults, func(f fault) bool { return f.kind == "device" }) {
		return
	}
	id := map[string]int{}
	for i, l := range w.net.links {
		id[l.name] = i
	}
	for _, l := range a.Links {
		c.add(*l.Probability, t.faulty[id[l.Link]])
	}
}

func (c *calibration) String() (s string) {
	for _, b := range c {
		if b.n > 0 {
			s += fmt.Sprintf("  stated %.4f true %.4f of %.0f\n", b.stated/b.n, b.right/b.n, b.n)
		}
	}
	return s
}
