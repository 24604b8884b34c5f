package evalblame

import (
	"fmt"
	"math/rand/v2"

	"github.com/telltale-net/telltale/analyzers/blame"
	"github.com/telltale-net/telltale/analyzers/blame/blametest"
)

// cell is one setting of an experiment.
type cell struct {
	experiment string
	what       string
	value      float64 // along the axis
	failures   int     // in the sweep of skew and failures
	setup      func() blametest.Clos
	faults     func(n *blametest.Network, rng *rand.Rand) blametest.Faults
	change     func(n *blametest.Network, rng *rand.Rand, e *blametest.Epoch) // of what is known
	kinds      bool                                                           // half of the failures corrupt, half congest
	published  string
}

// experiment is a table.
type experiment struct {
	name, title, axis string
	numbers           bool // the axis is numbers
	cells             func(quick bool) []cell
}

func paper(set func(*blametest.Clos)) func() blametest.Clos {
	return func() blametest.Clos {
		c := blametest.Paper()
		if set != nil {
			set(&c)
		}
		return c
	}
}

// small is a network in which 64 paths lead from pod to pod.
func small(set func(*blametest.Clos)) func() blametest.Clos {
	return paper(func(c *blametest.Clos) {
		c.Pods, c.ToRs, c.T1s, c.T2s, c.Hosts = 2, 8, 4, 4, 10
		if set != nil {
			set(c)
		}
	})
}

func links(k int) func(*blametest.Network, *rand.Rand) blametest.Faults {
	return func(n *blametest.Network, rng *rand.Rand) blametest.Faults { return n.Fail(rng, k) }
}

// elsewhere is 007's figures of the rerun with three seeds: accuracy, precision and
// recall over all failed links.
var elsewhere = map[string]string{
	"0/1": "1.000 1/1", "0/4": "1.000 1/1", "0/10": ".993 1/.73",
	"0.5/1": "1.000 1/1", "0.5/4": ".993 1/1", "0.5/10": ".853 .95/.70",
	"0.8/1": "1.000 .73/1", "0.8/4": ".791 1/.67", "0.8/10": ".648 .81/.43",
}

func sweep(quirks bool) func(quick bool) []cell {
	return func(quick bool) []cell {
		var out []cell
		skews, failures := []float64{0, 0.2, 0.4, 0.5, 0.6, 0.8}, []int{1, 4, 10}
		if quick || quirks {
			skews = []float64{0, 0.5, 0.8}
		}
		for _, k := range failures {
			for _, skew := range skews {
				c := cell{what: fmt.Sprintf("%.0f %% skew, %d failures", 100*skew, k), value: skew, failures: k, faults: links(k),
					setup: paper(func(c *blametest.Clos) { c.Skew, c.Quirks = skew, quirks })}
				if !quirks {
					c.published = elsewhere[fmt.Sprintf("%v/%d", skew, k)]
				}
				out = append(out, c)
			}
		}
		return out
	}
}

func experiments() []experiment {
	return []experiment{
		{"droprate", "One failed link T1→ToR, by its loss rate", "loss rate", true, dropRates},
		{"failures", "Failed links, traffic even", "failures", true, failures},
		{"skew", "Traffic skewed to one ToR", "skew", false, sweep(false)},
		{"quirks", "Traffic skewed to one ToR, with the released simulator's quirks", "skew", false, sweep(true)},
		{"noise", "4 failed links, by the noise of healthy ones", "noise at most", true, noises},
		{"connections", "4 failed links, by connections of a host", "connections", true, connections},
		{"size", "By size of the network", "pods", false, sizes},
		{"hard", "Devices, overlapping failures, little or odd knowledge", "setting", false, hard},
		{"paths", "3 failed links, by what is known of flows' paths", "knowledge", false, knowledge},
		{"kinds", "8 failed links, half corrupting, half congested", "skew", false, kinds},
	}
}

func dropRates(quick bool) []cell {
	var out []cell
	rates := []float64{1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 1e-1}
	if quick {
		rates = []float64{5e-4, 1e-2}
	}
	for _, p := range rates {
		c := cell{what: fmt.Sprintf("%.2g %%", 100*p), value: p, setup: paper(nil),
			faults: func(n *blametest.Network, rng *rand.Rand) blametest.Faults { return n.FailDown(rng, p) }}
		if p >= 5e-4 && p <= 1e-2 {
			c.published = "accuracy > .96, precision and recall about 1"
		}
		out = append(out, c)
	}
	return out
}

func failures(quick bool) []cell {
	var out []cell
	counts := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 14, 20, 30}
	if quick {
		counts = []int{1, 10}
	}
	for _, k := range counts {
		c := cell{what: fmt.Sprint(k), value: float64(k), setup: paper(nil), faults: links(k)}
		switch {
		case k <= 7:
			c.published = "accuracy > .90"
		case k == 30:
			c.published = "accuracy > .9801"
		}
		out = append(out, c)
	}
	return out
}

func noises(quick bool) []cell {
	var out []cell
	all := []float64{1e-7, 1e-6, 1e-5, 3e-5, 1e-4}
	if quick {
		all = all[1:3]
	}
	for _, x := range all {
		out = append(out, cell{what: fmt.Sprintf("%.0e", x), value: x, setup: paper(func(c *blametest.Clos) { c.Noise = x }), faults: links(4)})
	}
	return out
}

func connections(quick bool) []cell {
	var out []cell
	all := []int{10, 20, 30, 60, 120}
	if quick {
		all = []int{10, 60}
	}
	for _, x := range all {
		out = append(out, cell{what: fmt.Sprint(x), value: float64(x), setup: paper(func(c *blametest.Clos) { c.Flows = x }), faults: links(4)})
	}
	return out
}

func sizes(quick bool) []cell {
	var out []cell
	pods := []int{1, 2, 3, 4, 6}
	if quick {
		pods = []int{3}
	}
	for _, k := range []int{1, 10} {
		for _, x := range pods {
			c := cell{what: fmt.Sprintf("%d pods, %d failures", x, k), value: float64(x), setup: paper(func(c *blametest.Clos) { c.Pods = x }), faults: links(k)}
			if k == 1 {
				c.published = "accuracy > .98"
			}
			out = append(out, c)
		}
	}
	return out
}

func hard(quick bool) []cell {
	device := func(name string, more int) func(*blametest.Network, *rand.Rand) blametest.Faults {
		return func(n *blametest.Network, rng *rand.Rand) blametest.Faults {
			f := n.Device(name, 2e-3)
			for l, p := range n.Fail(rng, more) {
				f[l] = p
			}
			return f
		}
	}
	overlap := func(k int) func(*blametest.Network, *rand.Rand) blametest.Faults {
		return func(n *blametest.Network, rng *rand.Rand) blametest.Faults { return n.Overlap(rng, k) }
	}
	out := []cell{
		{what: "a T2 switch loses 0.2 % at each link", setup: paper(nil), faults: device("spine3", 0)},
		{what: "a T1 switch does", setup: paper(nil), faults: device("agg3", 0)},
		{what: "a ToR does", setup: paper(nil), faults: device("tor5", 0)},
		{what: "a T1 switch, and 4 links elsewhere", setup: paper(nil), faults: device("agg3", 4)},
		{what: "4 failures on the same paths", setup: paper(nil), faults: overlap(4)},
		{what: "10 failures on the same paths", setup: paper(nil), faults: overlap(10)},
		{what: "10 on the same paths, 80 % skew", setup: paper(func(c *blametest.Clos) { c.Skew = 0.8 }), faults: overlap(10)},
		{what: "4 failures that lose all", setup: paper(func(c *blametest.Clos) { c.LossMin, c.LossMax = 1, 1 }), faults: links(4)},
		{what: "4 of 0.2–2 %, each link's noise steady, to 1e-4", setup: paper(func(c *blametest.Clos) { c.Steady, c.Noise, c.LossMin, c.LossMax = true, 1e-4, 2e-3, 2e-2 }), faults: links(4)},
		{what: "4 failures, only flows with losses known", setup: paper(nil), faults: links(4), change: keep(func(s *blame.Set, i int) bool { return s.Lost(i) > 0 })},
		{what: "4 failures, a tenth of the good flows known", setup: paper(nil), faults: links(4), change: keep(func(s *blame.Set, i int) bool { return s.Lost(i) > 0 || i%10 == 0 })},
	}
	if quick {
		return []cell{out[1], out[5]}
	}
	return out
}

func knowledge(quick bool) []cell {
	var out []cell
	none, all := []float64{0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99}, []float64{0.25, 0.5, 0.75, 0.9}
	if quick {
		none, all = []float64{0.5}, []float64{0.5}
	}
	for _, x := range none {
		out = append(out, cell{what: fmt.Sprintf("%.0f %% of flows without a path", 100*x), setup: small(nil), faults: links(3), change: forget(x, nothing)})
	}
	for _, x := range all {
		out = append(out, cell{what: fmt.Sprintf("%.0f %% known but for ECMP", 100*x), setup: small(nil), faults: links(3), change: forget(x, alternatives)})
	}
	return append(out,
		cell{what: "half known but for ECMP, half of the packets lost", setup: small(func(c *blametest.Clos) { c.LossMin, c.LossMax = 0.5, 0.5 }), faults: links(3), change: forget(0.5, alternatives)})
}

func kinds(quick bool) []cell {
	var out []cell
	for _, skew := range []float64{0, 0.8} {
		out = append(out, cell{what: fmt.Sprintf("%.0f %% skew", 100*skew), value: skew, setup: paper(func(c *blametest.Clos) { c.Skew = skew }), faults: links(8), kinds: true})
	}
	if quick {
		return out[:1]
	}
	return out
}
