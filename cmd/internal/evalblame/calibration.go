package evalblame

import (
	"math"

	"github.com/telltale-net/telltale/analyzers/blame"
	"github.com/telltale-net/telltale/analyzers/blame/blametest"
)

// Bin is links by what was stated of them.
type Bin struct {
	Below  float64 `json:"below"`
	Links  int     `json:"links"`
	Stated float64 `json:"stated"` // mean probability
	Failed float64 `json:"failed"` // share that failed
	// Within says that as many failed as stated, but for chance: for what independent draws
	// with the stated probabilities give in 95 of 100 cases.
	Within bool `json:"within"`
}

// Calibration is what was stated and what was true in some settings.
type Calibration struct {
	What string `json:"what"`
	Bins []Bin  `json:"bins"`
}

// Within counts the bins that are.
func (c *Calibration) Within() int {
	n := 0
	for _, b := range c.Bins {
		if b.Within {
			n++
		}
	}
	return n
}

// bounds are of the bins of the calibration table.
var bounds = [...]float64{0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 1.01}

// bins counts links by the probability stated of them.
type bins [len(bounds)]struct {
	links, failed int
	stated        float64
	variance      float64 // of how many fail
}

func (b *bins) add(n *blametest.Network, faults blametest.Faults, r *blame.Result) {
	for _, l := range r.Links {
		p := *l.Probability
		for i, x := range bounds {
			if p >= x {
				continue
			}
			b[i].links++
			b[i].stated += p
			b[i].variance += p * (1 - p)
			if _, failed := faults[n.Links.ID(l.Link)]; failed {
				b[i].failed++
			}
			break
		}
	}
}

func (b *bins) merge(o *bins) {
	for i := range b {
		b[i].links += o[i].links
		b[i].failed += o[i].failed
		b[i].stated += o[i].stated
		b[i].variance += o[i].variance
	}
}

func (b *bins) table(what string) Calibration {
	c := Calibration{What: what}
	for i, x := range b {
		if x.links > 0 {
			off := math.Abs(float64(x.failed)-x.stated) - 0.5 // counts are whole
			c.Bins = append(c.Bins, Bin{min(bounds[i], 1), x.links, x.stated / float64(x.links), float64(x.failed) / float64(x.links), off <= 1.96*math.Sqrt(x.variance)})
		}
	}
	return c
}

// calibrations are those of the sweep of skew and failures, as a whole and in part, and of
// the other experiments.
func calibrations(cells []*cell, of map[*cell][]*outcome) []Calibration {
	var out []Calibration
	some := func(what string, chosen func(c *cell) bool) {
		var all bins
		for _, c := range cells {
			if chosen(c) {
				for _, o := range of[c] {
					all.merge(&o.bins)
				}
			}
		}
		if t := all.table(what); len(t.Bins) > 0 {
			out = append(out, t)
		}
	}
	skew := func(chosen func(c *cell) bool) func(c *cell) bool {
		return func(c *cell) bool { return c.experiment == "skew" && chosen(c) }
	}
	some("sweep of skew and failures", skew(func(*cell) bool { return true }))
	some("1 failure", skew(func(c *cell) bool { return c.failures == 1 }))
	some("4 failures", skew(func(c *cell) bool { return c.failures == 4 }))
	some("10 failures", skew(func(c *cell) bool { return c.failures == 10 }))
	some("skew up to 40 %", skew(func(c *cell) bool { return c.value < 0.45 }))
	some("skew from 50 %", skew(func(c *cell) bool { return c.value > 0.45 }))
	for _, e := range experiments() {
		if e.name != "skew" {
			some("experiment "+e.name, func(c *cell) bool { return c.experiment == e.name })
		}
	}
	return out
}
