package chain

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Kind is what is wrong with a node or with the traffic.
type Kind string

// The kinds of problems of the paper.
const (
	Burst     Kind = "burst"     // a few flows send packets at line rate
	Interrupt Kind = "interrupt" // a node does nothing for a while
	Bug       Kind = "bug"       // a node is slow for the packets of certain flows
)

// Kinds returns all kinds in the order of the paper.
func Kinds() []Kind { return []Kind{Burst, Interrupt, Bug} }

// Problem is one injected problem.
type Problem struct {
	Kind Kind
	// Node is where the cause is, by number as in [Trace.Nodes]: the source of a burst,
	// the node that is interrupted or has the bug.
	Node int
	At   time.Duration // a burst's first packet, an interrupt's beginning, a bug's first packet at its source
	// Length is how long an Interrupt lasts.
	Length time.Duration
	// Packets is how many packets a Burst has, or how many trigger a Bug, all flows together.
	Packets int
	// Flows share the packets evenly at random.
	Flows []Flow
	// Gap is the mean time between packets that trigger a Bug, exponential.
	Gap time.Duration
	// Rate is how many packets of its flows a node with a Bug serves in a second.
	Rate float64
	// Match is what the node with a Bug looks at; Flows are those of them that pass it.
	// For whoever reads: the run goes by Flows.
	Match Match
}

func (p *Problem) check(c *Config) error {
	nodes := c.Sources
	for i := range c.Stages {
		nodes += c.Stages[i].Nodes
	}
	if p.Node < 0 || p.Node >= nodes {
		return fmt.Errorf("%s: got node %d, want less than %d", p.Kind, p.Node, nodes)
	}
	if p.At < 0 || p.At >= c.Duration {
		return fmt.Errorf("%s: got its beginning at %v, want it within the %v of traffic", p.Kind, p.At, c.Duration)
	}
	source := p.Node < c.Sources
	switch p.Kind {
	case Interrupt:
		if source || p.Length <= 0 || p.Packets != 0 || len(p.Flows) != 0 {
			return fmt.Errorf("interrupt: want a node with a queue, a length and no packets, got node %d, %v, %d packets of %d flows", p.Node, p.Length, p.Packets, len(p.Flows))
		}
	case Burst:
		if !source || p.Packets < 1 || p.Packets > 1<<20 || len(p.Flows) == 0 {
			return fmt.Errorf("burst: want a source and 1 to 2^20 packets of at least one flow, got node %d, %d packets of %d flows", p.Node, p.Packets, len(p.Flows))
		}
	case Bug:
		if source || p.Packets < 1 || p.Packets > 1<<20 || len(p.Flows) == 0 || p.Gap < 0 || !(p.Rate > 0) {
			return fmt.Errorf("bug: want a node with a queue, 1 to 2^20 packets of at least one flow, a gap and a rate, got node %d, %d packets of %d flows, %v, %v packets/s", p.Node, p.Packets, len(p.Flows), p.Gap, p.Rate)
		}
	default:
		return fmt.Errorf("got kind %q, want one of %v", p.Kind, Kinds())
	}
	return nil
}

// Mix is how many problems to draw and what they are like. Ranges are inclusive.
type Mix struct {
	Bursts, Interrupts, Bugs int

	Together int           // problems at once; 1 = one after the other
	Within   time.Duration // those at once begin within this time

	BurstFlows      int
	BurstPackets    [2]int
	InterruptLength [2]time.Duration
	BugPackets      [2]int
	BugRate         float64
	BugGap          [2]time.Duration // mean gap of one problem's packets
	BugStage        string           // type of the node that has the bug
}

// PaperMix returns the paper's problems, one after the other, n of each kind.
func PaperMix(n int) Mix {
	return Mix{
		Bursts: n, Interrupts: n, Bugs: n,
		Together: 1, Within: 3 * time.Millisecond,
		BurstFlows: 5, BurstPackets: [2]int{500, 2500},
		InterruptLength: [2]time.Duration{500 * time.Microsecond, time.Millisecond},
		BugPackets:      [2]int{50, 150}, BugRate: 50e3,
		BugGap:   [2]time.Duration{time.Microsecond, 10 * time.Microsecond},
		BugStage: "fw",
	}
}

// Range is a range of ports, both ends included.
type Range struct{ From, To uint16 }

// Match is which flows a buggy node is slow for: one pair of hosts, TCP, ranges of
// ports. In the paper 100.0.0.1 → 32.0.0.1, ports 2000–2008 → 6000–6008; here the
// ranges are drawn.
type Match struct {
	Src, Dst         uint32
	SrcPort, DstPort Range
}

// Draw returns the problems of a mix, ordered by time: their times, places, sizes and
// flows depend on c.Seed. One node of stage BugStage has the bug, for the same flows all
// the time; each Bug problem is a train of its packets. With several problems at once,
// as many kinds as possible come together, and half of the interrupts hit a node on the
// way of the others' flows.
func (c Config) Draw(m Mix) ([]Problem, error) {
	c.Problems = nil
	if err := c.Check(); err != nil {
		return nil, err
	}
	total := m.Bursts + m.Interrupts + m.Bugs
	if total == 0 {
		return nil, nil
	}
	if m.Together < 1 || m.Within < 0 || m.Bursts < 0 || m.Interrupts < 0 || m.Bugs < 0 {
		return nil, fmt.Errorf("got %d problems at once within %v of %d, %d, %d: want at least one at once, nothing below 0", m.Together, m.Within, m.Bursts, m.Interrupts, m.Bugs)
	}
	d := drawer{cfg: &c, mix: &m, g: newGraph(&c), rng: stream(c.Seed, saltProblem, 1<<32)}
	if m.Bugs > 0 {
		if err := d.placeBug(); err != nil {
			return nil, err
		}
	}
	groups := (total + m.Together - 1) / m.Together
	cell := float64(c.Duration) / float64(groups)
	kinds := d.kinds(groups)
	var problems []Problem
	for k, group := range kinds {
		at := (float64(k) + 0.1 + 0.4*d.rng.Float64()) * cell
		first := len(problems)
		for i, kind := range group {
			when := at
			if i > 0 {
				when += d.rng.Float64() * min(float64(m.Within), 0.4*cell)
			}
			problems = append(problems, d.problem(kind, time.Duration(when)))
		}
		d.meet(problems[first:])
	}
	slices.SortStableFunc(problems, func(a, b Problem) int { return int(a.At - b.At) })
	return problems, nil
}

type drawer struct {
	cfg *Config
	mix *Mix
	g   *graph
	rng *rand.Rand

	bugNode  int
	bugMatch Match
	bugFlows []Flow
}

// kinds deals the kinds to the groups, in random order within each.
func (d *drawer) kinds(groups int) [][]Kind {
	left := map[Kind]int{Burst: d.mix.Bursts, Interrupt: d.mix.Interrupts, Bug: d.mix.Bugs}
	var all []Kind
	for len(all) < d.mix.Bursts+d.mix.Interrupts+d.mix.Bugs {
		round := Kinds()
		d.rng.Shuffle(len(round), func(i, j int) { round[i], round[j] = round[j], round[i] })
		for _, k := range round {
			if left[k] > 0 {
				left[k]--
				all = append(all, k)
			}
		}
	}
	return slices.Collect(slices.Chunk(all, d.mix.Together))
}

// placeBug draws the node with the bug and the flows that trigger it: those of the
// ranges that pass the node.
func (d *drawer) placeBug() error {
	stage := slices.IndexFunc(d.cfg.Stages, func(s Stage) bool { return s.Type == d.mix.BugStage }) + 1
	if stage == 0 {
		return fmt.Errorf("bug: no stage is of type %q", d.mix.BugStage)
	}
	d.bugNode = d.g.first[stage] + d.rng.IntN(d.cfg.Stages[stage-1].Nodes)
	const tries = 1000
	for range tries {
		b := d.match()
		d.bugMatch = b
		for sport := int(b.SrcPort.From); sport <= int(b.SrcPort.To); sport++ {
			for dport := int(b.DstPort.From); dport <= int(b.DstPort.To); dport++ {
				f := Flow{Src: b.Src, Dst: b.Dst, SrcPort: uint16(sport), DstPort: uint16(dport), Proto: 6}
				if p := d.g.path(&f); d.g.node(&p, stage) == d.bugNode {
					d.bugFlows = append(d.bugFlows, f)
				}
			}
		}
		if len(d.bugFlows) > 1 {
			return nil
		}
		d.bugFlows = d.bugFlows[:0]
	}
	return fmt.Errorf("bug: no flows that pass node %s in %d tries", d.g.nodes[d.bugNode].Name, tries)
}

func (d *drawer) match() Match {
	ports := func(base int) Range {
		from := base + d.rng.IntN(3000)
		return Range{uint16(from), uint16(from + 5 + d.rng.IntN(8))}
	}
	return Match{Src: 0x64000001, Dst: 0x20000001, SrcPort: ports(2000), DstPort: ports(6000)}
}

func (d *drawer) problem(kind Kind, at time.Duration) Problem {
	m := d.mix
	p := Problem{Kind: kind, At: at}
	between := func(r [2]int) int { return r[0] + d.rng.IntN(max(1, r[1]-r[0]+1)) }
	during := func(r [2]time.Duration) time.Duration {
		return r[0] + time.Duration(d.rng.Float64()*float64(r[1]-r[0]))
	}
	switch kind {
	case Burst:
		p.Node = d.rng.IntN(d.cfg.Sources)
		p.Packets = between(m.BurstPackets)
		for len(p.Flows) < m.BurstFlows {
			f := drawFlow(d.rng)
			if w := d.g.path(&f); d.g.node(&w, 0) == p.Node {
				p.Flows = append(p.Flows, f)
			}
		}
	case Interrupt:
		p.Node = d.cfg.Sources + d.rng.IntN(len(d.g.nodes)-d.cfg.Sources)
		p.Length = during(m.InterruptLength)
	case Bug:
		p.Node, p.Rate, p.Flows, p.Match = d.bugNode, m.BugRate, d.bugFlows, d.bugMatch
		p.Packets = between(m.BugPackets)
		p.Gap = during(m.BugGap)
	}
	return p
}

// meet moves half of the interrupts onto the way of the flows of the other problems.
func (d *drawer) meet(group []Problem) {
	var flows []Flow
	for i := range group {
		flows = append(flows, group[i].Flows...)
	}
	for i := range group {
		if group[i].Kind != Interrupt || len(flows) == 0 || d.rng.IntN(2) == 0 {
			continue
		}
		p := d.g.path(&flows[d.rng.IntN(len(flows))])
		var on []int
		for s := 1; s < d.g.depth(); s++ {
			if n := d.g.node(&p, s); n >= 0 {
				on = append(on, n)
			}
		}
		group[i].Node = on[d.rng.IntN(len(on))]
	}
}
