package evalqueue

import (
	"fmt"
	"slices"
	"time"

	"github.com/telltale-net/telltale/bmv2/lab/chain"
)

// The scenarios: what is simulated. Experiments are views of them.
const (
	scenarioPaper      = "paper"           // the paper's setting, problems apart
	scenarioNoise      = "noise"           // natural noise, three problems at once
	scenarioBursts     = "sweep-burst"     // bursts of given sizes
	scenarioInterrupts = "sweep-interrupt" // interrupts of given lengths
	scenarioDegrade    = "degrade"         // the paper's setting read through bad records
	scenarioSparse     = "sparse"          // the paper's setting with records that say less
	scenarioSizes      = "sizes"           // the paper's setting with packets of many lengths
	scenarioSizesNoise = "sizes-noise"     // the same with natural noise and three problems at once
)

// The experiments by name, and the scenarios each needs.
var experiments = []struct {
	name      string
	scenarios []string
}{
	{"fig11", []string{scenarioPaper}},
	{"fig12", []string{scenarioPaper}},
	{"fig13", []string{scenarioBursts, scenarioInterrupts}},
	{"sweep-burst", []string{scenarioBursts}},
	{"sweep-interrupt", []string{scenarioInterrupts}},
	{"hops", []string{scenarioPaper, scenarioNoise}},
	{"patterns", []string{scenarioPaper, scenarioNoise}},
	{"noise", []string{scenarioNoise}},
	{"degrade", []string{scenarioDegrade}},
	{"sparse", []string{scenarioSparse}},
	{"sizes", []string{scenarioSizes, scenarioSizesNoise}},
	{"other", otherScenarios()},
}

// Experiments returns the names of the experiments; "all" stands for all of them.
func Experiments() []string {
	names := []string{"all"}
	for _, e := range experiments {
		names = append(names, e.name)
	}
	return names
}

// scenariosOf returns what the experiment needs, in the order of the table above.
func scenariosOf(name string) ([]string, error) {
	var need []string
	known := name == "all"
	for _, e := range experiments {
		if name == "all" || name == e.name {
			known = true
			for _, s := range e.scenarios {
				if !slices.Contains(need, s) {
					need = append(need, s)
				}
			}
		}
	}
	if !known {
		return nil, fmt.Errorf("unknown experiment %q; want one of %v", name, Experiments())
	}
	return need, nil
}

// The values that the sweeps take.
var (
	burstSizes       = []int{200, 500, 1000, 1500, 2500, 5000}
	interruptLengths = []time.Duration{300 * time.Microsecond, 500 * time.Microsecond, 700 * time.Microsecond, 1000 * time.Microsecond, 1500 * time.Microsecond}
	recordLosses     = []float64{0.01, 0.05, 0.10, 0.20}
	clockErrors      = []time.Duration{time.Microsecond, 5 * time.Microsecond, 20 * time.Microsecond, 50 * time.Microsecond}
)

// others are changes of the paper's setting that an answer should survive: the analyzers
// must not depend on how these nodes happen to work.
var others = []struct {
	name   string
	what   string
	change func(*chain.Config)
}{
	{"other-busy", "1.6 Mpps", func(c *chain.Config) { c.Rate *= 1.6 / 1.2 }},
	{"other-single", "packets read one by one", func(c *chain.Config) { c.Batch = 1 }},
	{"other-sources", "three sources", func(c *chain.Config) { c.Sources = 3 }},
	{"other-sizes", "packets of 64 to 1500 bytes", func(c *chain.Config) {
		c.Traffic.Sizes = []chain.Size{{Bytes: 64, Weight: 7}, {Bytes: 570, Weight: 4}, {Bytes: 1500, Weight: 1}}
		for i := range c.Stages {
			c.Stages[i].PerByte = 0.0005 // 1500 bytes take 1.7 times as long
		}
	}},
	{"other-even", "slower nodes, alike in all stages", func(c *chain.Config) {
		for i, rate := range []float64{800e3, 560e3, 600e3, 640e3} {
			c.Stages[i].Rate = rate
		}
	}},
	{"other-short", "queues of 256, short links", func(c *chain.Config) {
		c.Queue = 256
		c.Link = chain.Link{Delay: 200 * time.Nanosecond, Spread: 300 * time.Nanosecond}
	}},
}

func otherScenarios() []string {
	var names []string
	for _, o := range others {
		names = append(names, o.name)
	}
	return names
}

// isMain reports whether the scenario is one of the paper's own or the noisy one.
func isMain(scenario string) bool {
	return scenario != scenarioDegrade && scenario != scenarioSparse && scenario != scenarioSizes && scenario != scenarioSizesNoise && !slices.Contains(otherScenarios(), scenario)
}

// problemsPerSecond is how close problems are where they come one at a time.
const problemsPerSecond = 15

// setup is a scenario made ready for one seed.
type setup struct {
	chain  chain.Config
	values []float64 // by problem: what a sweep varies; nil = no sweep
}

// newSetup draws the problems of a scenario.
func newSetup(scenario string, rate float64, duration time.Duration, seed uint64) (*setup, error) {
	c := chain.Paper()
	c.Seed, c.Duration, c.Rate = seed, duration, rate
	total := max(3, int(duration.Seconds()*problemsPerSecond))
	m := chain.PaperMix(max(1, total/3))
	if scenario == scenarioSizes || scenario == scenarioSizesNoise {
		c = c.WithSizes(chain.IMIX())
	}
	switch scenario {
	case scenarioNoise, scenarioSizesNoise:
		c.Noise = chain.Noisy()
		// Groups of three are as far apart as single problems are elsewhere.
		m = chain.PaperMix(total)
		m.Together = 3
	case scenarioBursts:
		m.Bursts, m.Interrupts, m.Bugs = total, 0, 0
	case scenarioInterrupts:
		m.Bursts, m.Interrupts, m.Bugs = 0, total, 0
	}
	for _, o := range others {
		if o.name == scenario {
			o.change(&c)
		}
	}
	problems, err := c.Draw(m)
	if err != nil {
		return nil, fmt.Errorf("cannot draw the problems of scenario %s: %w", scenario, err)
	}
	s := &setup{}
	for i := range problems {
		switch scenario {
		case scenarioBursts:
			problems[i].Packets = burstSizes[i%len(burstSizes)]
			s.values = append(s.values, float64(problems[i].Packets))
		case scenarioInterrupts:
			problems[i].Length = interruptLengths[i%len(interruptLengths)]
			s.values = append(s.values, float64(problems[i].Length)/1e3)
		}
	}
	c.Problems = problems
	s.chain = c
	return s, nil
}
