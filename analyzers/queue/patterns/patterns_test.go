package patterns

import (
	"flag"
	"math"
	"math/rand/v2"
	"reflect"
	"syscall"
	"testing"
	"time"

	"github.com/telltale-net/telltale/analyzers/queue/records"
)

var seeds = flag.Int("seeds", 1, "scenarios are made with the seeds 1 to N")

// scene makes relations.
type scene struct {
	*rand.Rand
	net   *records.Network
	flows []records.Flow
	ids   map[records.Flow]records.FlowID
	rels  []Relation
	known []records.Flow // what random draws from; none = anything
}

func newScene(t testing.TB, seed uint64) *scene {
	return &scene{Rand: rand.New(rand.NewPCG(seed, 7)), net: testNetwork(t), ids: map[records.Flow]records.FlowID{}}
}

func (s *scene) side(node string, f records.Flow) Side {
	id, ok := s.ids[f]
	if !ok {
		id = records.FlowID(len(s.flows))
		s.ids[f] = id
		s.flows = append(s.flows, f)
	}
	n, ok := s.net.Index(node)
	if !ok {
		panic("BUG: no node " + node)
	}
	return Side{n, id}
}

func (s *scene) relate(culprit, victim Side, score float64) {
	s.rels = append(s.rels, Relation{culprit, victim, score})
}

// random is a flow like those of a backbone: heavy-tailed prefixes, mostly random ports.
func (s *scene) random() records.Flow {
	if len(s.known) > 0 {
		return s.known[s.IntN(len(s.known))]
	}
	b := func() byte { return byte(256 * math.Pow(s.Float64(), 3)) }
	port := func() uint16 {
		if s.IntN(3) == 0 {
			return []uint16{53, 80, 443}[s.IntN(3)]
		}
		return uint16(1024 + s.IntN(64512))
	}
	return records.NewFlow(v4(b(), b(), byte(s.IntN(256)), byte(s.IntN(256))), v4(b(), b(), byte(s.IntN(256)), byte(s.IntN(256))), []uint8{6, 6, 17}[s.IntN(3)], port(), port())
}

// pool makes random draw from n flows.
func (s *scene) pool(n int) {
	var known []records.Flow
	for range n {
		known = append(known, s.random())
	}
	s.known = known
}

func (s *scene) anywhere() string { return s.net.Nodes[s.IntN(len(s.net.Nodes))].Name }

// noise relates n random flows at random nodes to others.
func (s *scene) noise(n int, score float64) {
	for range n {
		s.relate(s.side(s.anywhere(), s.random()), s.side(s.anywhere(), s.random()), score*s.ExpFloat64())
	}
}

func (s *scene) find(t *testing.T) Result {
	t.Helper()
	res, err := Find(s.net, s.flows, s.rels, Config{})
	if err != nil {
		t.Fatal(err)
	}
	sum := res.Uncovered
	for _, p := range res.Patterns {
		sum += p.Score
		if p.Share < 0.01 {
			t.Errorf("pattern below the threshold: %+v", p)
		}
	}
	if math.Abs(sum-res.Total) > 1e-6*res.Total {
		t.Errorf("patterns and rest make %v of %v", sum, res.Total)
	}
	return res
}

// touching returns the patterns about the bug: not the catch-alls.
func touching(s *scene, res Result, node string, f records.Flow) (out []Pattern) {
	n, _ := s.net.Index(node)
	for _, p := range res.Patterns {
		if p.Culprit.Src.IsValid() && p.Culprit.Src.Bits() > 8 && p.Culprit.Contains(s.net, n, f) {
			out = append(out, p)
		}
	}
	return out
}

// TestOneBugIsOnePattern: the flows of a bug at a firewall, however many and however
// light each, are one pattern with the ports as they are, among other causes and noise.
func TestOneBugIsOnePattern(t *testing.T) {
	from, to := v4(100, 0, 0, 1), v4(32, 0, 0, 1)
	f := func(name string, sport, dport Ports, flows, rels int, share float64) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			for seed := range *seeds {
				s := newScene(t, uint64(seed))
				ports := func(p Ports) uint16 { return p.Lo + uint16(s.IntN(int(p.Hi-p.Lo)+1)) }
				var bug []records.Flow
				if all := (int(sport.Hi-sport.Lo) + 1) * (int(dport.Hi-dport.Lo) + 1); flows == 0 {
					for i := range all {
						w := int(dport.Hi-dport.Lo) + 1
						bug = append(bug, records.NewFlow(from, to, 6, sport.Lo+uint16(i/w), dport.Lo+uint16(i%w)))
					}
				} else {
					for range flows {
						bug = append(bug, records.NewFlow(from, to, 6, ports(sport), ports(dport)))
					}
					bug[0].SrcPort, bug[0].DstPort = sport.Lo, dport.Lo
					bug[1].SrcPort, bug[1].DstPort = sport.Hi, dport.Hi
				}
				for i := range rels {
					s.relate(s.side("fw2", bug[i%len(bug)]), s.side([]string{"fw2", "nat1", "x"}[s.IntN(3)], s.random()), share/(1-share)*s.ExpFloat64())
				}
				for i := range rels / 20 { // some of them are burdens elsewhere, too
					s.relate(s.side("x", bug[i%(1+len(bug)/8)]), s.side("x", s.random()), 0.2*share/(1-share)*s.ExpFloat64())
				}
				for range 5 { // a burst: five flows at a source
					culprit := s.random()
					for range rels / 20 {
						s.relate(s.side("nat2", culprit), s.side("fw1", s.random()), s.ExpFloat64())
					}
				}
				s.noise(rels*3/4, 1)
				res := s.find(t)
				got := touching(s, res, "fw2", bug[0])
				if len(got) != 1 {
					t.Fatalf("seed %d: got %d patterns, want one: %+v", seed, len(got), got)
				}
				c := got[0].Culprit
				if c.SrcPort != sport || c.DstPort != dport || c.Node != 2 || c.Src.Addr() != from || c.Src.Bits() != 32 || c.Dst.Bits() != 32 || c.Proto != 6 {
					t.Errorf("seed %d: got %+v", seed, got[0])
				}
				if math.Abs(got[0].Share-share) > 0.05 || got[0].Unexpected < 1.5 {
					t.Errorf("seed %d: got share %.3f, want %.3f; unexpectedness %.2f", seed, got[0].Share, share, got[0].Unexpected)
				}
			}
		})
	}
	f("81 flows, each above the threshold", Ports{2000, 2008}, Ports{6000, 6008}, 0, 8000, 0.9)
	f("81 flows, each below", Ports{2000, 2008}, Ports{6000, 6008}, 0, 5000, 0.3)
	f("ports of the paper", Ports{2000, 2007}, Ports{6000, 6500}, 150, 5000, 0.4)
	f("every port once", Ports{2000, 2007}, Ports{6000, 6500}, 0, 8000, 0.4)
	f("few, heavy", Ports{2000, 2007}, Ports{6000, 6500}, 30, 5000, 0.5)
	f("one source port", Ports{2001, 2001}, Ports{5999, 6513}, 120, 5000, 0.2)
}

// TestTwoFlowsAreTwoPatterns: what lies far apart is not made one.
func TestTwoFlowsAreTwoPatterns(t *testing.T) {
	for seed := range *seeds {
		s := newScene(t, uint64(seed))
		a, b := v4(100, 0, 0, 1), v4(32, 0, 0, 1)
		for range 1000 {
			s.relate(s.side("fw1", records.NewFlow(a, b, 6, 2000, 80)), s.side("fw1", s.random()), s.ExpFloat64())
			s.relate(s.side("fw1", records.NewFlow(a, b, 6, 60000, 80)), s.side("nat1", s.random()), s.ExpFloat64())
		}
		s.noise(1000, 1)
		res := s.find(t)
		var ports []Ports
		for _, p := range res.Patterns {
			if p.Culprit.Src.IsValid() && p.Culprit.Src.Bits() == 32 {
				ports = append(ports, p.Culprit.SrcPort)
				if p.Victim.Node != 0 && p.Victim.Node != 1 {
					t.Errorf("got victims %+v, want them at one node", p.Victim)
				}
			}
		}
		if len(ports) != 2 || ports[0].Lo != ports[0].Hi || ports[1].Lo != ports[1].Hi {
			t.Errorf("seed %d: got %v: %+v", seed, ports, res.Patterns)
		}
	}
}

// TestNoiseIsFewPatterns: relations without a pattern do not come out as a hundred.
func TestNoiseIsFewPatterns(t *testing.T) {
	s := newScene(t, 1)
	s.noise(8000, 1)
	if res := s.find(t); len(res.Patterns) > 20 {
		t.Errorf("got %d patterns of noise", len(res.Patterns))
	}
}

func TestOrderDoesNotMatter(t *testing.T) {
	s := newScene(t, 1)
	s.noise(3000, 1)
	for i := range 500 {
		s.relate(s.side("fw1", records.NewFlow(v4(1, 2, 3, 4), v4(5, 6, 7, 8), 17, uint16(4000+i%13), 53)), s.side("fw2", s.random()), 1)
	}
	want := s.find(t)
	s.Shuffle(len(s.rels), func(i, j int) { s.rels[i], s.rels[j] = s.rels[j], s.rels[i] })
	if got := s.find(t); !reflect.DeepEqual(want, got) {
		t.Errorf("another order, another result:\n%+v\n%+v", want, got)
	}
	if got, err := Find(s.net, s.flows, s.rels, Config{Workers: 3}); err != nil || !reflect.DeepEqual(want, got) {
		t.Errorf("three threads, another result:\n%+v\n%+v, %v", want, got, err)
	}
}

// TestBudget: where exact clusters cost too much, coarser ones are looked for, and said to be.
func TestBudget(t *testing.T) {
	s := newScene(t, 1)
	s.noise(3000, 1)
	for i := range 1000 {
		s.relate(s.side("fw1", records.NewFlow(v4(1, 2, 3, 4), v4(5, 6, 7, 8), 17, uint16(4000+i%13), 53)), s.side("fw2", s.random()), 1)
	}
	for budget, step := range map[int]int{1: 8, 1 << 30: 1} {
		res, err := Find(s.net, s.flows, s.rels, Config{Budget: budget})
		if err != nil {
			t.Fatal(err)
		}
		if c := res.Patterns[0].Culprit; res.StepBits != step || c.SrcPort != (Ports{4000, 4012}) || c.DstPort != (Ports{53, 53}) || c.Src.Bits() != 32 {
			t.Errorf("budget %d: got steps of %d bits, want %d; %+v", budget, res.StepBits, step, c)
		}
	}
}

func TestBadRelations(t *testing.T) {
	s := newScene(t, 1)
	s.noise(3, 1)
	f := func(change func(*Relation)) {
		t.Helper()
		rels := append([]Relation(nil), s.rels...)
		change(&rels[1])
		if _, err := Find(s.net, s.flows, rels, Config{}); err == nil {
			t.Errorf("got no error for %+v", rels[1])
		}
	}
	f(func(r *Relation) { r.Score = 0 })
	f(func(r *Relation) { r.Score = math.NaN() })
	f(func(r *Relation) { r.Score = math.Inf(1) })
	f(func(r *Relation) { r.Culprit.Node = 6 })
	f(func(r *Relation) { r.Victim.Node = -1 })
	f(func(r *Relation) { r.Victim.Flow = 1000 })
	if res, err := Find(s.net, s.flows, nil, Config{}); err != nil || len(res.Patterns) != 0 {
		t.Errorf("got %+v, %v for no relations", res, err)
	}
	if _, err := Find(s.net, s.flows, s.rels, Config{Threshold: 2}); err == nil {
		t.Error("got no error for a threshold of 2")
	}
}

// cpuTime is what the process has used.
func cpuTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkFind is Microscope's case: 84,000 relations. Where the flows of the noise all differ,
// the clusters are beyond the budget, and are looked for in steps of several bits.
func BenchmarkFind(b *testing.B) {
	f := func(name string, bug, noise, flows int) {
		b.Run(name, func(b *testing.B) {
			s := newScene(b, 1)
			s.pool(flows)
			for i := range bug {
				s.relate(s.side("fw2", records.NewFlow(v4(100, 0, 0, 1), v4(32, 0, 0, 1), 6, 2000+uint16(i%9), 6000+uint16(i/9%9))), s.side(s.anywhere(), s.random()), s.ExpFloat64())
			}
			for c := range 5 {
				culprit := s.random()
				for range bug / 10 {
					s.relate(s.side([]string{"nat1", "nat2"}[c%2], culprit), s.side(s.anywhere(), s.random()), s.ExpFloat64())
				}
			}
			s.noise(noise-bug/2, 1)
			b.ReportAllocs()
			cpu := cpuTime()
			n := 0
			for b.Loop() {
				n++
				res, err := Find(s.net, s.flows, s.rels, Config{Workers: 2})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(len(res.Patterns)), "patterns")
				b.ReportMetric(float64(res.StepBits), "step")
			}
			b.ReportMetric(float64(len(s.rels)), "relations")
			b.ReportMetric((cpuTime()-cpu).Seconds()/float64(n), "cpu-s/op")
		})
	}
	f("bug and noise of 5000 flows", 40000, 44000, 5000) // as the simulated chain's
	f("bug and noise of any flows", 40000, 44000, 0)
	f("noise of any flows", 0, 84000, 0)
}
