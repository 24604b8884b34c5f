package evalblame

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/telltale-net/telltale/analyzers/blame"
	"github.com/telltale-net/telltale/analyzers/blame/blametest"
)

// Method is a way to blame links.
type Method string

// The methods. Ours is the likelihood; 007's is Votes.
const (
	Ours    Method = "likelihood"
	Votes   Method = "votes"
	Binary  Method = "binary"
	Integer Method = "integer"
	Cover   Method = "cover"
)

// Methods returns all methods, in the order of columns.
func Methods() []Method { return []Method{Ours, Votes, Binary, Integer, Cover} }

func (m Method) blame(s *blame.Set) blame.Result {
	switch m {
	case Votes:
		return blame.Votes(s)
	case Binary:
		return blame.Binary(s)
	case Integer:
		return blame.Integer(s)
	case Cover:
		return blame.Cover(s)
	}
	return blame.Likelihood(s, blame.Config{})
}

// Config is what to evaluate. The zero value of a field stands for its default.
type Config struct {
	Experiment string // one of Experiments; "" = all
	Seeds      int    // 0 = 30
	FirstSeed  uint64
	Healthy    int  // epochs without a failure; 0 = 1000
	Quick      bool // few settings
	Workers    int  // 0 = 1
}

// Names of the experiments that are no table of cells.
const (
	epochsName  = "epochs"
	healthyName = "healthy"
)

// epochCount is how many epochs evidence is carried over.
const epochCount = 10

// Experiments returns the names to choose from.
func Experiments() []string {
	out := []string{"all"}
	for _, e := range experiments() {
		out = append(out, e.name)
	}
	return append(out, epochsName, healthyName)
}

func (c Config) withDefaults() (Config, error) {
	c.Experiment = cmp.Or(c.Experiment, "all")
	c.Seeds = cmp.Or(c.Seeds, 30)
	c.Healthy = cmp.Or(c.Healthy, 1000)
	c.Workers = cmp.Or(c.Workers, 1)
	if !slices.Contains(Experiments(), c.Experiment) {
		return c, fmt.Errorf("unknown experiment %q; want one of %v", c.Experiment, Experiments())
	}
	if c.Seeds < 1 || c.Healthy < 1 || c.Workers < 1 {
		return c, fmt.Errorf("got %d seeds, %d healthy epochs and %d runs at a time, want at least one of each", c.Seeds, c.Healthy, c.Workers)
	}
	return c, nil
}

func (c *Config) wants(name string) bool { return c.Experiment == "all" || c.Experiment == name }

// outcome is what one seed of a cell came to.
type outcome struct {
	scores map[Method]*blametest.Score
	bins   bins
	kinds  kindScore
	proven int // smallest covers that are proven, of 1
	found  [epochCount]int
	wrong  [epochCount]int
	failed int
	most   float64 // largest probability, healthy
}

// unit is one seed of a cell.
type unit struct {
	name string
	cell *cell
	seed uint64
}

// Run runs what the configuration says, several epochs at a time, and calls progress, one
// call at a time, with the epochs done and to do.
func Run(ctx context.Context, cfg Config, progress func(done, total int)) (*Result, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("cannot evaluate: %w", err)
	}
	var units []unit
	var cells []*cell
	for _, e := range experiments() {
		if !cfg.wants(e.name) {
			continue
		}
		for _, c := range e.cells(cfg.Quick) {
			c.experiment = e.name
			cells = append(cells, &c)
			for s := range cfg.Seeds {
				units = append(units, unit{e.name, &c, cfg.FirstSeed + uint64(s)})
			}
		}
	}
	if cfg.wants(epochsName) {
		for s := range cfg.Seeds {
			units = append(units, unit{epochsName, nil, cfg.FirstSeed + uint64(s)})
		}
	}
	if cfg.wants(healthyName) {
		for s := range cfg.Healthy {
			units = append(units, unit{healthyName, nil, cfg.FirstSeed + uint64(s)})
		}
	}
	outs, err := runAll(ctx, cfg.Workers, units, progress)
	if err != nil {
		return nil, fmt.Errorf("cannot evaluate: %w", err)
	}
	return summarize(&cfg, cells, units, outs), nil
}

// runAll runs the units on so many goroutines; outcomes are in the order of units.
func runAll(ctx context.Context, workers int, units []unit, progress func(done, total int)) ([]outcome, error) {
	type done struct {
		i   int
		out outcome
	}
	todo, results := make(chan int), make(chan done)
	for range workers {
		go func() {
			for i := range todo {
				results <- done{i, units[i].run()}
			}
		}()
	}
	defer close(todo)
	outs := make([]outcome, len(units))
	next, running, steps := 0, 0, 0
	for next < len(units) && ctx.Err() == nil || running > 0 {
		give, i := todo, next
		if next == len(units) || ctx.Err() != nil {
			give, i = nil, 0
		}
		select {
		case give <- i:
			next++
			running++
		case d := <-results:
			running--
			outs[d.i] = d.out
			steps++
			progress(steps, len(units))
		}
	}
	return outs, ctx.Err()
}

func (u *unit) run() outcome {
	switch u.name {
	case epochsName:
		return epochs(u.seed)
	case healthyName:
		return healthy(u.seed)
	}
	c := u.cell
	n := blametest.New(c.setup())
	rng := rand.New(rand.NewPCG(u.seed, 0x626c616d65)) // "blame"
	faults := c.faults(n, rng)
	if c.kinds {
		assignKinds(n, faults)
	}
	e := n.Epoch(rng, faults)
	if c.change != nil {
		c.change(n, rng, &e)
	}
	o := outcome{scores: map[Method]*blametest.Score{}}
	for _, m := range Methods() {
		r := m.blame(e.Set)
		s := &blametest.Score{}
		s.Add(n, &e, faults, &r)
		o.scores[m] = s
		switch m {
		case Ours:
			o.bins.add(n, faults, &r)
			if c.kinds {
				o.kinds.add(n, &r)
			}
		case Binary:
			if r.Bound == len(r.BadLinks()) {
				o.proven++
			}
		}
	}
	return o
}

// assignKinds lets every other failed link corrupt, the others congest.
func assignKinds(n *blametest.Network, faults blametest.Faults) {
	n.Kinds = map[int32]blame.Kind{}
	var all []int32
	for l := range faults {
		all = append(all, l)
	}
	slices.Sort(all)
	for i, l := range all {
		n.Kinds[l] = blame.Corruption
		if i%2 == 1 {
			n.Kinds[l] = blame.Congestion
		}
	}
}

// epochs carries evidence over ten epochs with 10 failures at 80 % skew.
func epochs(seed uint64) outcome {
	c := blametest.Paper()
	c.Skew = 0.8
	n := blametest.New(c)
	rng := rand.New(rand.NewPCG(seed, 10))
	faults := n.Fail(rng, 10)
	t := blame.NewTracker(n.Links, blame.Config{})
	o := outcome{failed: len(faults)}
	for i := range epochCount {
		e := n.Epoch(rng, faults)
		r := t.Next(e.Set)
		var s blametest.Score
		s.Add(n, &e, faults, &r)
		o.found[i], o.wrong[i] = s.Found, s.False
	}
	return o
}

// healthy is an epoch in which nothing failed.
func healthy(seed uint64) outcome {
	n := blametest.New(blametest.Paper())
	e := n.Epoch(rand.New(rand.NewPCG(seed, 77)), nil)
	o := outcome{scores: map[Method]*blametest.Score{}}
	for _, m := range []Method{Ours, Votes} {
		r := m.blame(e.Set)
		s := &blametest.Score{}
		s.Add(n, &e, nil, &r)
		for _, d := range r.Devices {
			if d.Verdict == blame.Bad {
				s.False++
			}
		}
		o.scores[m] = s
		if m == Ours {
			for _, l := range r.Links {
				o.most = max(o.most, *l.Probability)
			}
		}
	}
	return o
}
