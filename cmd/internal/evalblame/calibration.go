package evalblame

import (
	"github.com/telltale-net/telltale/analyzers/blame"
	"github.com/telltale-net/telltale/analyzers/blame/blametest"
)

// bounds are of the bins of the calibration table.
var bounds = [...]float64{0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 1.01}

// bins counts links by the probability stated of them.
type bins [len(bounds)]struct {
	links, failed int
	stated        float64
}

func (b *bins) add(n *blametest.Network, faults blametest.Faults, r *blame.Result) {
	for _, l := range r.Links {
		for i, x := range bounds {
			if *l.Probability >= x {
				continue
			}
			b[i].links++
			b[i].stated += *l.Probability
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
	}
}

func (b *bins) table() []Bin {
	var out []Bin
	for i, x := range b {
		if x.links > 0 {
			out = append(out, Bin{min(bounds[i], 1), x.links, x.stated / float64(x.links), float64(x.failed) / float64(x.links)})
		}
	}
	return out
}
