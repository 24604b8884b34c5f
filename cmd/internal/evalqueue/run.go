package evalqueue

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/telltale-net/telltale/bmv2/lab/chain"
)

// perProblem is how many victims of a problem are judged at most.
const perProblem = 64

// outcome is what one run came to.
type outcome struct {
	scenario string
	variant  string
	seed     uint64
	verdicts map[Method][]Verdict
	cost     map[Method]time.Duration
	problems int
	victims  int // in the truth
	unseen   int // drawn, but their records are lost
	spread   float64
	patterns *patternOutcome
}

// runner runs scenarios.
type runner struct {
	cfg  Config
	tick func() // after every step
	now  func() time.Time
}

// run simulates one scenario with one seed and asks all methods.
func (r *runner) run(ctx context.Context, scenario string, seed uint64) ([]outcome, error) {
	duration := r.cfg.Duration
	if !isMain(scenario) {
		duration = max(leastDuration, duration/2)
	}
	s, err := newSetup(scenario, r.cfg.Rate, duration, seed)
	if err != nil {
		return nil, err
	}
	t, err := chain.Simulate(s.chain)
	if err != nil {
		return nil, err
	}
	truth := t.Truth()
	picked := sample(truth.Victims, len(s.chain.Problems), seed)
	spread := 0
	for _, v := range truth.Victims {
		if v.Hops > 0 {
			spread++
		}
	}
	r.tick()
	var outs []outcome
	for _, variant := range variants(scenario) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		data, subjects, err := variant.read(t, picked, seed)
		if err != nil {
			return nil, err
		}
		out := outcome{
			scenario: scenario, variant: variant.Name, seed: seed,
			verdicts: map[Method][]Verdict{}, cost: map[Method]time.Duration{},
			problems: len(s.chain.Problems), victims: len(truth.Victims),
		}
		if len(truth.Victims) > 0 {
			out.spread = float64(spread) / float64(len(truth.Victims))
		}
		out.unseen = len(picked) - len(subjects)
		for _, m := range r.methods(scenario) {
			begin := r.now()
			answers, err := m.diagnose(ctx, data, subjects)
			if err != nil {
				return nil, fmt.Errorf("method %s, scenario %s, seed %d: %w", m, scenario, seed, err)
			}
			out.cost[m] = r.now().Sub(begin)
			if len(answers) != len(subjects) {
				panic(fmt.Sprintf("BUG: %s gave %d answers to %d questions", m, len(answers), len(subjects)))
			}
			j := newJudge(t, data, m.components())
			for i, a := range answers {
				v := &picked[subjects[i].truth]
				verdict := Verdict{Problem: v.Problem, Kind: s.chain.Problems[v.Problem].Kind, Hops: v.Hops, Rank: j.rank(&a, v), Certain: certain(&a)}
				if s.values != nil {
					verdict.Value = s.values[v.Problem]
				}
				out.verdicts[m] = append(out.verdicts[m], verdict)
			}
			if m == Ours {
				if out.patterns, err = judgePatterns(t, data, answers); err != nil {
					return nil, err
				}
			}
		}
		outs = append(outs, out)
		r.tick()
	}
	return outs, nil
}

// methods returns which methods a scenario asks: the baselines were not made for records
// that are bad or say little, and say nothing about how sure they are.
func (r *runner) methods(scenario string) []Method {
	switch scenario {
	default:
		return r.cfg.Methods
	case scenarioDegrade, scenarioSparse, scenarioSizes, scenarioSizesNoise:
	}
	return slices.DeleteFunc(slices.Clone(r.cfg.Methods), func(m Method) bool { return m == NetMed || m == Windows })
}

// sample draws at most perProblem victims of each problem, in the order of the truth.
func sample(victims []chain.Victim, problems int, seed uint64) []chain.Victim {
	of := make([][]int, problems)
	for i, v := range victims {
		of[v.Problem] = append(of[v.Problem], i)
	}
	rng := rand.New(rand.NewPCG(seed, 0x73616d706c65)) // "sample"
	var picked []int
	for _, all := range of {
		rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		picked = append(picked, all[:min(perProblem, len(all))]...)
	}
	slices.Sort(picked)
	out := make([]chain.Victim, len(picked))
	for i, k := range picked {
		out[i] = victims[k]
	}
	return out
}

// leastDuration is what it takes for problems to be apart and windows to have a history.
const leastDuration = 200 * time.Millisecond

// Config is what to evaluate. The zero value of a field stands for its default.
type Config struct {
	Experiment string        // one of Experiments; "" = all
	Methods    []Method      // nil = all
	Seeds      int           // 0 = 10
	FirstSeed  uint64        // seeds are this one and those after it
	Duration   time.Duration // of each run's traffic, half of it for other chains and bad records; 0 = 2 s
	Rate       float64       // packets/s; 0 = 1.2e6
	Workers    int           // runs at a time; 0 = 1
}

func (c Config) withDefaults() (Config, error) {
	c.Experiment = cmp.Or(c.Experiment, "all")
	c.Seeds = cmp.Or(c.Seeds, 10)
	c.Duration = cmp.Or(c.Duration, 2*time.Second)
	c.Rate = cmp.Or(c.Rate, 1.2e6)
	c.Workers = cmp.Or(c.Workers, 1)
	if c.Methods == nil {
		c.Methods = Methods()
	}
	for _, m := range c.Methods {
		if !slices.Contains(Methods(), m) {
			return c, fmt.Errorf("unknown method %q; want some of %v", m, Methods())
		}
	}
	if c.Seeds < 1 || c.Workers < 1 {
		return c, fmt.Errorf("got %d seeds and %d runs at a time, want at least one of each", c.Seeds, c.Workers)
	}
	if c.Duration < leastDuration || c.Duration > 10*time.Second {
		return c, fmt.Errorf("duration: got %v, want 200ms to 10s", c.Duration)
	}
	return c, nil
}

type unit struct {
	scenario string
	seed     uint64
}

// Run runs what the configuration says, several runs at a time, and calls progress, one
// call at a time, with the steps done and to do. now is the clock that methods are timed with.
func Run(ctx context.Context, cfg Config, now func() time.Time, progress func(done, total int)) (*Result, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("cannot evaluate: %w", err)
	}
	scenarios, err := scenariosOf(cfg.Experiment)
	if err != nil {
		return nil, fmt.Errorf("cannot evaluate: %w", err)
	}
	var units []unit
	total := 0
	for _, s := range scenarios {
		for k := range cfg.Seeds {
			units = append(units, unit{s, cfg.FirstSeed + uint64(k)})
			total += 1 + len(variants(s))
		}
	}
	outs, err := runAll(ctx, &cfg, units, now, func(done int) { progress(done, total) })
	if err != nil {
		return nil, fmt.Errorf("cannot evaluate: %w", err)
	}
	return summarize(&cfg, outs), nil
}

// runAll runs the units on cfg.Workers goroutines; outcomes are in the order of units.
func runAll(ctx context.Context, cfg *Config, units []unit, now func() time.Time, progress func(done int)) ([]outcome, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	todo := make(chan int)
	ticks := make(chan struct{})
	type done struct {
		i    int
		outs []outcome
		err  error
	}
	results := make(chan done)
	for range cfg.Workers {
		go func() {
			r := &runner{cfg: *cfg, now: now, tick: func() { ticks <- struct{}{} }}
			for i := range todo {
				outs, err := r.run(ctx, units[i].scenario, units[i].seed)
				results <- done{i, outs, err}
			}
		}()
	}
	defer close(todo)
	all := make([][]outcome, len(units))
	var failed error
	next, running, steps := 0, 0, 0
	for next < len(units) && failed == nil || running > 0 {
		give := todo
		if next == len(units) || failed != nil || running == cfg.Workers {
			give = nil
		}
		select {
		case give <- next:
			next++
			running++
		case <-ticks:
			steps++
			progress(steps)
		case d := <-results:
			running--
			all[d.i] = d.outs
			if d.err != nil && failed == nil {
				failed = d.err
				cancel()
			}
		}
	}
	if failed != nil {
		return nil, failed
	}
	return slices.Concat(all...), nil
}
