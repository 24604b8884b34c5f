package evalqueue

import (
	"fmt"
	"math"
	"slices"

	"github.com/telltale-net/telltale/bmv2/lab/chain"
)

// Share is a share per seed over all seeds.
type Share struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	Seeds  int     `json:"seeds"`  // that had such victims
	Judged int     `json:"judged"` // victims of all seeds
}

func (s Share) String() string {
	if s.Seeds == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f (%.1f–%.1f)", 100*s.Median, 100*s.Low, 100*s.High)
}

// Row is one line of a table: what was judged, and per method the share.
type Row struct {
	What   string           `json:"what"`
	Value  float64          `json:"value"` // what a sweep varies, or a rank
	Shares map[Method]Share `json:"shares"`
	Paper  map[Method]Share `json:"paper,omitempty"` // published, where it is
}

// Table is one experiment's figures.
type Table struct {
	Experiment string `json:"experiment"`
	Title      string `json:"title"`
	Axis       string `json:"axis"` // what Value is
	Rows       []Row  `json:"rows"`
}

// Runs is what was run for a scenario.
type Runs struct {
	Scenario  string             `json:"scenario"`
	Variant   string             `json:"variant,omitempty"`
	Seeds     int                `json:"seeds"`
	Problems  int                `json:"problems"`
	Victims   int                `json:"victims"`
	Judged    int                `json:"judged"`
	Unseen    int                `json:"unseen"`    // drawn, but their records were lost
	Spread    Share              `json:"spread"`    // of the victims, those not at the culprit's node
	CostNanos map[Method]float64 `json:"victim_ns"` // a victim's share of the method's time, median of the seeds
}

// Result is what an evaluation found.
type Result struct {
	Rate      float64  `json:"rate_pps"`
	Duration  string   `json:"duration"`
	Seeds     int      `json:"seeds"`
	FirstSeed uint64   `json:"first_seed"`
	Methods   []Method `json:"methods"`
	Tables    []Table  `json:"tables"`
	Runs      []Runs   `json:"runs"`
}

// summary helps to make tables from outcomes.
type summary struct {
	cfg  *Config
	outs []outcome
}

func summarize(cfg *Config, outs []outcome) *Result {
	s := &summary{cfg: cfg, outs: outs}
	res := &Result{Rate: cfg.Rate, Duration: cfg.Duration.String(), Seeds: cfg.Seeds, FirstSeed: cfg.FirstSeed, Methods: cfg.Methods}
	add := func(experiment string, make func() []Table) {
		if cfg.Experiment == "all" || cfg.Experiment == experiment {
			res.Tables = append(res.Tables, make()...)
		}
	}
	add("fig11", s.figure11)
	add("fig12", s.figure12)
	if cfg.Experiment == "fig13" {
		res.Tables = append(res.Tables, append(s.sweepBurst(), s.sweepInterrupt()...)...)
	}
	add("sweep-burst", s.sweepBurst)
	add("sweep-interrupt", s.sweepInterrupt)
	add("noise", s.noise)
	add("hops", s.hops)
	add("patterns", s.patterns)
	add("sizes", s.sizes)
	add("other", s.other)
	add("degrade", s.degrade)
	add("sparse", s.sparse)
	res.Runs = s.runs()
	return res
}

// share summarizes, over the outcomes of a scenario, the share of verdicts that are good
// among those that match.
func (s *summary) share(scenario, variant string, m Method, match, good func(*Verdict) bool) Share {
	var shares []float64
	judged := 0
	for i := range s.outs {
		o := &s.outs[i]
		if o.scenario != scenario || o.variant != variant {
			continue
		}
		n, hit := 0, 0
		for k := range o.verdicts[m] {
			if v := &o.verdicts[m][k]; match(v) {
				n++
				if good(v) {
					hit++
				}
			}
		}
		if n > 0 {
			shares = append(shares, float64(hit)/float64(n))
			judged += n
		}
	}
	return spread(shares, judged)
}

func spread(shares []float64, judged int) Share {
	if len(shares) == 0 {
		return Share{}
	}
	slices.Sort(shares)
	n := len(shares)
	return Share{Median: (shares[(n-1)/2] + shares[n/2]) / 2, Low: shares[0], High: shares[n-1], Seeds: n, Judged: judged}
}

func published(percent float64) Share {
	return Share{Median: percent / 100, Low: percent / 100, High: percent / 100, Seeds: 1}
}

func every(*Verdict) bool { return true }

func within(rank int) func(*Verdict) bool {
	return func(v *Verdict) bool { return v.Rank > 0 && v.Rank <= rank }
}

func ofKind(k chain.Kind) func(*Verdict) bool {
	return func(v *Verdict) bool { return v.Kind == k }
}

// row makes a row over the methods.
func (s *summary) row(what string, value float64, methods []Method, share func(Method) Share) Row {
	r := Row{What: what, Value: value, Shares: map[Method]Share{}}
	for _, m := range methods {
		if sh := share(m); sh.Seeds > 0 {
			r.Shares[m] = sh
		}
	}
	return r
}

func (s *summary) figure11() []Table {
	t := Table{Experiment: "fig11", Title: "Figure 11: the true culprit's rank, all problems, paper's setting", Axis: "rank at most"}
	for rank := 1; rank <= 10; rank++ {
		r := s.row(fmt.Sprintf("rank ≤ %d", rank), float64(rank), s.cfg.Methods, func(m Method) Share {
			return s.share(scenarioPaper, "", m, every, within(rank))
		})
		switch rank {
		case 1:
			r.Paper = map[Method]Share{Plain: published(89.7), NetMed: published(36)}
		case 5:
			r.Paper = map[Method]Share{NetMed: published(66)}
		}
		t.Rows = append(t.Rows, r)
	}
	return []Table{t}
}

var publishedByKind = map[chain.Kind]map[Method]Share{
	chain.Burst:     {Plain: published(99.8), NetMed: published(3.7)},
	chain.Interrupt: {Plain: published(85.0), NetMed: published(52.8)},
	chain.Bug:       {Plain: published(73.0), NetMed: published(63.3)},
}

func (s *summary) figure12() []Table {
	t := Table{Experiment: "fig12", Title: "Figure 12: rank 1 by kind of problem, paper's setting", Axis: "kind"}
	for _, k := range chain.Kinds() {
		r := s.row(string(k), 0, s.cfg.Methods, func(m Method) Share { return s.share(scenarioPaper, "", m, ofKind(k), within(1)) })
		r.Paper = publishedByKind[k]
		t.Rows = append(t.Rows, r)
	}
	two := s.row("bug, rank ≤ 2", 0, s.cfg.Methods, func(m Method) Share { return s.share(scenarioPaper, "", m, ofKind(chain.Bug), within(2)) })
	two.Paper = map[Method]Share{Plain: published(95.5)}
	t.Rows = append(t.Rows, two)
	return []Table{t}
}

func (s *summary) sweepBurst() []Table {
	t := Table{Experiment: "sweep-burst", Title: "Figure 13: rank 1 by size of the burst", Axis: "packets of the burst"}
	for _, n := range burstSizes {
		r := s.row(fmt.Sprintf("%d packets", n), float64(n), s.cfg.Methods, func(m Method) Share {
			return s.share(scenarioBursts, "", m, func(v *Verdict) bool { return v.Value == float64(n) }, within(1))
		})
		if n == 5000 {
			r.Paper = map[Method]Share{Plain: published(100)}
		}
		t.Rows = append(t.Rows, r)
	}
	return []Table{t}
}

func (s *summary) sweepInterrupt() []Table {
	t := Table{Experiment: "sweep-interrupt", Title: "Figure 13: rank 1 by length of the interrupt", Axis: "length of the interrupt, µs"}
	for _, l := range interruptLengths {
		us := float64(l) / 1e3
		t.Rows = append(t.Rows, s.row(fmt.Sprintf("%g µs", us), us, s.cfg.Methods, func(m Method) Share {
			return s.share(scenarioInterrupts, "", m, func(v *Verdict) bool { return v.Value == us }, within(1))
		}))
	}
	return []Table{t}
}

func (s *summary) noise() []Table {
	t := Table{Experiment: "noise", Title: "Natural noise and three problems at once: rank 1", Axis: "kind"}
	t.Rows = append(t.Rows, s.row("overall", 0, s.cfg.Methods, func(m Method) Share { return s.share(scenarioNoise, "", m, every, within(1)) }))
	for _, k := range chain.Kinds() {
		t.Rows = append(t.Rows, s.row(string(k), 0, s.cfg.Methods, func(m Method) Share {
			return s.share(scenarioNoise, "", m, ofKind(k), within(1))
		}))
	}
	return []Table{t}
}

func (s *summary) sizes() []Table {
	var tables []Table
	for _, sc := range []struct{ scenario, words string }{{scenarioSizes, "paper's setting"}, {scenarioSizesNoise, "noise, three at once"}} {
		t := Table{Experiment: "sizes", Title: "Packets of 64 to 1518 bytes: rank 1, " + sc.words, Axis: "records"}
		for _, v := range variants(sc.scenario) {
			t.Rows = append(t.Rows, s.row(v.Name, 0, s.cfg.Methods, func(m Method) Share {
				return s.share(sc.scenario, v.Name, m, every, within(1))
			}))
		}
		for _, k := range chain.Kinds() {
			t.Rows = append(t.Rows, s.row("lengths known, "+string(k), 0, s.cfg.Methods, func(m Method) Share {
				return s.share(sc.scenario, variants(sc.scenario)[0].Name, m, ofKind(k), within(1))
			}))
		}
		tables = append(tables, t)
	}
	return tables
}

func (s *summary) other() []Table {
	t := Table{Experiment: "other", Title: "The paper's problems on other chains: rank 1", Axis: "chain"}
	for _, o := range others {
		t.Rows = append(t.Rows, s.row(o.what, 0, s.cfg.Methods, func(m Method) Share {
			return s.share(o.name, "", m, every, within(1))
		}))
	}
	return []Table{t}
}

func (s *summary) hops() []Table {
	var tables []Table
	for _, sc := range []struct{ scenario, words string }{{scenarioPaper, "paper's setting"}, {scenarioNoise, "noise, three at once"}} {
		t := Table{Experiment: "hops", Title: "Rank 1 by stages from culprit to victim: " + sc.words, Axis: "stages"}
		for h := range 5 {
			t.Rows = append(t.Rows, s.row(fmt.Sprintf("%d", h), float64(h), s.cfg.Methods, func(m Method) Share {
				return s.share(sc.scenario, "", m, func(v *Verdict) bool { return v.Hops == h }, within(1))
			}))
		}
		tables = append(tables, t)
	}
	return tables
}

func (s *summary) patterns() []Table {
	t := Table{Experiment: "patterns", Title: "Patterns: runs in which the bug's flows came out as one pattern", Axis: "scenario"}
	for _, sc := range []string{scenarioPaper, scenarioNoise} {
		one, right, n := 0, 0, 0
		for i := range s.outs {
			o := &s.outs[i]
			if o.scenario != sc || o.patterns == nil {
				continue
			}
			n++
			if o.patterns.one() {
				one++
			}
			if o.patterns.right() {
				right++
			}
		}
		of := func(hits int) func(Method) Share {
			return func(Method) Share {
				if n == 0 {
					return Share{}
				}
				return Share{Median: float64(hits) / float64(n), Low: float64(hits) / float64(n), High: float64(hits) / float64(n), Seeds: n, Judged: n}
			}
		}
		t.Rows = append(t.Rows,
			s.row(sc+": one pattern", 0, []Method{Ours}, of(one)),
			s.row(sc+": one, with the right ports", 0, []Method{Ours}, of(right)))
	}
	return []Table{t}
}

func (s *summary) degrade() []Table {
	methods := slices.DeleteFunc(slices.Clone(s.cfg.Methods), func(m Method) bool { return m == NetMed || m == Windows })
	right := Table{Experiment: "degrade", Title: "Bad records: rank 1", Axis: "records"}
	wrong := Table{Experiment: "degrade", Title: "Bad records: wrong and certain", Axis: "records"}
	unsure := Table{Experiment: "degrade", Title: "Bad records: says that it is not sure", Axis: "records"}
	for _, v := range variants(scenarioDegrade) {
		add := func(t *Table, methods []Method, good func(*Verdict) bool) {
			t.Rows = append(t.Rows, s.row(v.Name, 0, methods, func(m Method) Share {
				return s.share(scenarioDegrade, v.Name, m, every, good)
			}))
		}
		add(&right, methods, within(1))
		if slices.Contains(methods, Ours) {
			add(&wrong, []Method{Ours}, func(v *Verdict) bool { return v.Rank != 1 && v.Certain })
			add(&unsure, []Method{Ours}, func(v *Verdict) bool { return !v.Certain })
		}
	}
	return []Table{right, wrong, unsure}
}

func (s *summary) sparse() []Table {
	t := Table{Experiment: "sparse", Title: "Records that say less: rank 1", Axis: "records"}
	for _, v := range variants(scenarioSparse) {
		t.Rows = append(t.Rows, s.row(v.Name, 0, s.cfg.Methods, func(m Method) Share {
			return s.share(scenarioSparse, v.Name, m, every, within(1))
		}))
	}
	return []Table{t}
}

func (s *summary) runs() []Runs {
	var all []Runs
	for i := range s.outs {
		o := &s.outs[i]
		if slices.ContainsFunc(all, func(r Runs) bool { return r.Scenario == o.scenario && r.Variant == o.variant }) {
			continue
		}
		r := Runs{Scenario: o.scenario, Variant: o.variant, CostNanos: map[Method]float64{}}
		costs := map[Method][]float64{}
		var spreads []float64
		for k := range s.outs {
			p := &s.outs[k]
			if p.scenario != o.scenario || p.variant != o.variant {
				continue
			}
			r.Seeds++
			r.Problems += p.problems
			r.Victims += p.victims
			r.Unseen += p.unseen
			spreads = append(spreads, p.spread)
			most := 0
			for m, vs := range p.verdicts {
				most = max(most, len(vs))
				if len(vs) > 0 {
					costs[m] = append(costs[m], float64(p.cost[m])/float64(len(vs)))
				}
			}
			r.Judged += most
		}
		for m, c := range costs {
			r.CostNanos[m] = math.Round(spread(c, 0).Median)
		}
		r.Spread = spread(spreads, r.Victims)
		all = append(all, r)
	}
	return all
}
