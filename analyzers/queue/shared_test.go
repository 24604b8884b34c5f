package queue

import (
	"math/rand/v2"
	"testing"

	"github.com/telltale-net/telltale/analyzers/queue/diagnosis"
	"github.com/telltale-net/telltale/analyzers/queue/records"
)

// twoQueues is a source and a node whose two queues have one server, the first before
// the second, or one each. A burst comes to the first at 5 ms.
func twoQueues(t *testing.T, seed uint64, common bool) *records.Trace {
	t.Helper()
	net, err := records.NewNetwork([]records.NodeSpec{{Name: "s", Type: records.Source, Next: []string{"a"}}, {Name: "a"}})
	if err != nil {
		t.Fatal(err)
	}
	b := records.NewBuilder(net, 0)
	rng := rand.New(rand.NewPCG(seed, 7))
	type packet struct {
		id, queue int
		at        int64
		flow      records.FlowID
	}
	var all []packet
	for at := int64(0); at < 10e6; at += 1 + rng.Int64N(4000) {
		f := rng.IntN(12)
		all = append(all, packet{len(all), f % 2, at, b.Flow(records.Flow{SrcPort: uint16(1 + f), Proto: 6})})
		if at > 5e6 && at < 5.004e6 {
			burst := b.Flow(records.Flow{SrcPort: 999, Proto: 17})
			for i := range int64(400) {
				all = append(all, packet{len(all), 0, at + i, burst})
			}
			at += 4000
		}
	}
	serve := func(p *packet, start int64) (end int64) {
		end = start + 1000 + rng.Int64N(400)
		for _, r := range []records.Record{
			{Packet: uint64(p.id), Flow: p.flow, Arrive: records.Absent, Start: records.Absent, Depart: p.at},
			{Packet: uint64(p.id), Flow: p.flow, Node: 1, Queue: uint16(p.queue), Arrive: p.at, Start: start, Depart: end},
		} {
			if err := b.Add(r); err != nil {
				t.Fatal(err)
			}
		}
		return end
	}
	if !common {
		var free [2]int64
		for i := range all {
			q := all[i].queue
			free[q] = serve(&all[i], max(free[q], all[i].at))
		}
		return b.Trace()
	}
	var waiting [2][]packet
	free := int64(0)
	for i := 0; i < len(all) || len(waiting[0])+len(waiting[1]) > 0; {
		if len(waiting[0])+len(waiting[1]) == 0 {
			free = max(free, all[i].at)
		}
		for ; i < len(all) && all[i].at <= free; i++ {
			waiting[all[i].queue] = append(waiting[all[i].queue], all[i])
		}
		q := 0
		if len(waiting[0]) == 0 {
			q = 1
		}
		free = serve(&waiting[q][0], free)
		waiting[q] = waiting[q][1:]
	}
	return b.Trace()
}

// TestSharedServer: a common server shows, and the burst that kept it from the other
// queue is found; servers of their own are left apart.
func TestSharedServer(t *testing.T) {
	for seed := range uint64(5) {
		if a := New(twoQueues(t, seed, false), Config{}); a.shared != nil {
			t.Errorf("seed %d: took two servers for one", seed)
		}
		tr := twoQueues(t, seed, true)
		a := New(tr, Config{})
		if a.shared == nil || a.joined == nil {
			t.Fatalf("seed %d: did not see that one server serves both queues", seed)
		}
		q := &tr.Of(1)[1]
		v := a.Victim(int(tr.FirstOf(1))+1, q.FirstArrival(5_100_000))
		got, err := a.Diagnose(t.Context(), []diagnosis.Victim{v}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got[0].Victim != v || v.Wait < 100_000 {
			t.Errorf("seed %d: got an answer about %+v, want one about %+v, which waited long", seed, got[0].Victim, v)
		}
		c := foremost(t, got[0])
		if c.Kind != diagnosis.Traffic || c.Node != 0 || len(c.Flows) == 0 || tr.Flows[c.Flows[0].Flow].SrcPort != 999 {
			t.Errorf("seed %d: got %+v, want the burst of port 999", seed, got[0].Causes)
		}
	}
}
