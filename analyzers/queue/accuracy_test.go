package queue

import (
	"context"
	"flag"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/telltale-net/telltale/analyzers/queue/diagnosis"
	"github.com/telltale-net/telltale/analyzers/queue/records"
	"github.com/telltale-net/telltale/bmv2/lab/chain"
)

var (
	seeds   = flag.Int("queue.seeds", 1, "seeds of the accuracy test")
	seconds = flag.Float64("queue.seconds", 0.4, "simulated seconds of the accuracy test")
	noisy   = flag.Bool("queue.noise", false, "accuracy with noise and three problems at once only")
	verbose = flag.Bool("queue.wrong", false, "say what was wrong")
	first   = flag.Uint64("queue.first", 1, "first seed")
	lose    = flag.Float64("queue.loss", 0, "share of records lost")
	clock   = flag.Duration("queue.clock", 0, "clock error")
	plain   = flag.Bool("queue.plain", false, "the paper's method")
	bare    = flag.String("queue.bare", "", "what records lack: any of s(tart), r(ate), o(rigin), p(acket id), n(ext), f(low but at the last stage)")
)

// dataSet returns a simulated run as the analyzers read it.
func dataSet(tb testing.TB, t *chain.Trace, logs []chain.Log, lacks string) *records.Trace {
	tb.Helper()
	has := func(c byte) bool {
		for i := range lacks {
			if lacks[i] == c {
				return false
			}
		}
		return true
	}
	specs := make([]records.NodeSpec, len(t.Nodes))
	for i, n := range t.Nodes {
		specs[i] = records.NodeSpec{Name: n.Name, Type: n.Type, RatePPS: n.Rate}
		if !has('r') {
			specs[i].RatePPS = 0
		}
		for _, m := range n.Next {
			if !has('n') {
				break
			}
			specs[i].Next = append(specs[i].Next, t.Nodes[m].Name)
		}
	}
	net, err := records.NewNetwork(specs)
	if err != nil {
		tb.Fatal(err)
	}
	b := records.NewBuilder(net, 0)
	ids := make([]records.FlowID, len(t.Flows))
	for i := range t.Flows {
		ids[i] = b.Flow(tuple(&t.Flows[i]))
	}
	for n := range logs {
		l := &logs[n]
		source := t.Nodes[n].IsSource()
		if source && !has('o') {
			continue
		}
		for i := range l.Packet {
			r := records.Record{Packet: uint64(l.Packet[i]), Arrive: l.Arrive[i], Start: l.Start[i], Depart: l.Depart[i], Node: int32(n), Flow: ids[t.Flow[l.Packet[i]]]}
			if source {
				r.Arrive, r.Start = records.Absent, records.Absent
			} else if l.Depart[i] == chain.Lost {
				r.Start, r.Depart = records.Absent, records.Absent
			}
			if !has('s') {
				r.Start = records.Absent
			}
			if !has('p') && n%3 == 0 {
				r.Packet = records.NoPacket
			}
			if !has('f') && len(t.Nodes[n].Next) > 0 {
				r.Flow = records.NoFlow
			}
			if err := b.Add(r); err != nil {
				tb.Fatal(err)
			}
		}
	}
	return b.Trace()
}

func tuple(f *chain.Flow) records.Flow {
	return records.NewFlow(f.SrcAddr(), f.DstAddr(), f.Proto, f.SrcPort, f.DstPort)
}

// judge returns the rank of the right cause, 0 = none.
func judge(t *chain.Trace, data *records.Trace, v *chain.Victim, d *diagnosis.Diagnosis) int {
	right := func(c *diagnosis.Cause, p int) bool {
		x := &t.Config.Problems[p]
		if x.Kind != chain.Burst {
			return int(c.Node) == x.Node && c.Kind == diagnosis.Processing
		}
		if c.Kind != diagnosis.Traffic || data.Of(int32(x.Node)) != nil && len(data.Of(int32(x.Node))) > 0 && int(c.Node) != x.Node {
			return false
		}
		for _, f := range c.Flows[:min(5, len(c.Flows))] {
			for k := range x.Flows {
				if f.Flow != records.NoFlow && data.Flows[f.Flow] == tuple(&x.Flows[k]) {
					return true
				}
			}
		}
		return false
	}
	for i := range d.Causes {
		if right(&d.Causes[i], v.Problem) || slices.ContainsFunc(v.Others, func(p int) bool { return right(&d.Causes[i], p) }) {
			return i + 1
		}
	}
	return 0
}

// sampled draws at most 64 victims of each problem.
func sampled(truth *chain.Truth, problems int, seed uint64) []chain.Victim {
	of := make([][]chain.Victim, problems)
	for _, v := range truth.Victims {
		of[v.Problem] = append(of[v.Problem], v)
	}
	rng := rand.New(rand.NewPCG(seed, 5))
	var out []chain.Victim
	for _, all := range of {
		rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		out = append(out, all[:min(64, len(all))]...)
	}
	return out
}

// TestAccuracy injects problems into the simulated chain and holds the first cause
// against the counterfactual truth: the paper's setting, and natural noise with three
// problems at once. Flags make it longer, or the records worse; `telltale eval queue`
// is the full experiment.
func TestAccuracy(t *testing.T) {
	for _, noise := range []bool{false, true} {
		if *noisy && !noise {
			continue
		}
		hits, all := map[chain.Kind]int{}, map[chain.Kind]int{}
		certain, unsure, took := 0, 0, time.Duration(0)
		for seed := *first; seed < *first+uint64(*seeds); seed++ {
			c := chain.Paper()
			c.Seed = seed
			c.Duration = time.Duration(*seconds * float64(time.Second))
			n := max(3, int(15**seconds))
			m := chain.PaperMix(max(1, n/3))
			if noise {
				c.Noise = chain.Noisy()
				m = chain.PaperMix(n)
				m.Together = 3
			}
			var err error
			if c.Problems, err = c.Draw(m); err != nil {
				t.Fatal(err)
			}
			run, err := chain.Simulate(c)
			if err != nil {
				t.Fatal(err)
			}
			logs := run.Logs
			if *lose > 0 || *clock > 0 {
				if logs, err = run.Degrade(chain.Degradation{Loss: *lose, Clock: *clock}, seed); err != nil {
					t.Fatal(err)
				}
			}
			data := dataSet(t, run, logs, *bare)
			truth := sampled(run.Truth(), len(c.Problems), seed)
			begin := time.Now()
			cfg := Config{}
			if *plain {
				cfg.Method = Plain
			}
			a := New(data, cfg)
			learned := time.Since(begin)
			var victims []diagnosis.Victim
			var asked []chain.Victim
			for _, v := range truth {
				at := run.Logs[v.Node].Arrive[v.Row]
				q := &data.Of(int32(v.Node))[0]
				for i := q.FirstArrival(at - int64(*clock)); i < q.Len() && q.Arrive[i] <= at+int64(*clock); i++ {
					if q.Packet[i] == uint64(v.Packet) || q.Packet[i] == records.NoPacket && q.Arrive[i] == at && data.Flows[q.Flow[i]] == tuple(&run.Flows[run.Flow[v.Packet]]) {
						victims = append(victims, a.Victim(int(data.FirstOf(int32(v.Node))), i))
						asked = append(asked, v)
						break
					}
				}
			}
			got, err := a.Diagnose(context.Background(), victims, 1)
			if err != nil {
				t.Fatal(err)
			}
			took += time.Since(begin)
			_ = learned
			for i := range got {
				v := &asked[i]
				kind := c.Problems[v.Problem].Kind
				rank := judge(run, data, v, &got[i])
				all[kind]++
				if got[i].Uncertainty.Ambiguous {
					unsure++
				}
				if rank == 1 {
					hits[kind]++
				} else {
					if !got[i].Uncertainty.Ambiguous {
						certain++
					}
					if *verbose {
						p := &c.Problems[v.Problem]
						t.Logf("seed %d %s %d at %s %v len %v packets %d: victim %d at %s arr %d delay %d of %d lost %v hops %d others %v; rank %d, unexplained %.2f", seed, kind, v.Problem, run.Nodes[p.Node].Name, p.At, p.Length, p.Packets,
							v.Packet, run.Nodes[v.Node].Name, run.Logs[v.Node].Arrive[v.Row], v.Delay, v.Wait, v.Lost, v.Hops, v.Others, rank, got[i].Uncertainty.Unexplained)
						for _, x := range got[i].Causes[:min(4, len(got[i].Causes))] {
							t.Logf("      %s %s %.2f [%d %d] %d packets %d flows", data.Network.Name(x.Node), x.Kind, x.Score, x.From, x.To, x.Packets, len(x.Flows)+int(x.More))
						}
					}
				}
			}
		}
		sum, n := 0, 0
		least := 0.99
		if noise {
			least = 0.95
		}
		whole := *lose == 0 && *clock == 0 && *bare == "" && !*plain
		for _, k := range chain.Kinds() {
			if share := float64(hits[k]) / float64(max(1, all[k])); whole && share < least {
				t.Errorf("noise %v: %s: %.1f %% right, want at least %.0f %%", noise, k, 100*share, 100*least)
			}
			t.Logf("noise %v: %-9s %5.1f %% of %d", noise, k, 100*float64(hits[k])/float64(max(1, all[k])), all[k])
			sum += hits[k]
			n += all[k]
		}
		t.Logf("noise %v: overall   %5.1f %% of %d, wrong and certain %.2f %%, unsure %.2f %%, %v", noise, 100*float64(sum)/float64(n), n, 100*float64(certain)/float64(n), 100*float64(unsure)/float64(n), took)
	}
}
