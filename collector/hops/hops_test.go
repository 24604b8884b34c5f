package hops

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/telltale-net/telltale/collector/postcard"
)

// ring is a fabric where port 1 of node n leads to port 2 of node n+1.
func ring(node postcard.NodeID, out uint32) (postcard.NodeID, uint32, bool) {
	if out != 1 {
		return 0, 0, false
	}
	return node + 1, 2, true
}

func record(node postcard.NodeID, packet uint16, received int64) postcard.Record {
	return postcard.Record{
		Received: received, Ingress: uint64(received), Node: node, InPort: 2, OutPort: 1, PacketID: packet, Stage: postcard.Egress,
		Has:   postcard.HasPorts | postcard.HasPacketID | postcard.HasInner,
		Inner: postcard.Flow{SrcPort: 7},
	}
}

func nodes(p *Path) (out []postcard.NodeID) {
	for i := range p.Hops {
		out = append(out, p.Hops[i].Node)
	}
	return out
}

// TestAnyOrderOfReports shuffles reports within the window: paths come out whole and
// in order, whatever the clocks say.
func TestAnyOrderOfReports(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 0))
		var all []postcard.Record
		length := map[uint16]int{}
		packets := 1 + rng.IntN(200)
		for p := range packets {
			length[uint16(p)] = 1 + rng.IntN(6)
			for h := range length[uint16(p)] {
				r := record(postcard.NodeID(10+h), uint16(p), int64(p)*1e6+int64(rng.IntN(40e6)))
				r.Ingress = rng.Uint64()
				all = append(all, r)
			}
		}
		slices.SortFunc(all, func(a, b postcard.Record) int { return int(a.Received - b.Received) })
		seen := 0
		m := New(Config{Links: ring}, func(p *Path) {
			seen++
			id := p.Hops[0].PacketID
			if len(p.Hops) != length[id] || p.Gaps != 0 {
				t.Fatalf("seed %d, packet %d: got %d hops and %d gaps, want %d and 0", seed, id, len(p.Hops), p.Gaps, length[id])
			}
			for i, n := range nodes(p) {
				if n != postcard.NodeID(10+i) || p.Hops[i].Linked != (i > 0) {
					t.Fatalf("seed %d, packet %d: hops %v", seed, id, nodes(p))
				}
			}
		})
		for i := range all {
			m.Observe(&all[i])
		}
		m.Flush()
		if s := m.Stats(); seen != packets || s.Paths != uint64(packets) || s.Records != uint64(len(all)) || s.Early != 0 || len(m.open) != 0 {
			t.Fatalf("seed %d: got %d paths, stats %+v, %d open, want %d paths", seed, seen, s, len(m.open), packets)
		}
	}
}

func TestPaths(t *testing.T) {
	f := func(name string, links Links, in []postcard.Record, want []postcard.NodeID, gaps int) {
		t.Helper()
		var got []postcard.NodeID
		gotGaps, paths := 0, 0
		m := New(Config{Links: links}, func(p *Path) {
			got, gotGaps = nodes(p), p.Gaps
			paths++
		})
		for i := range in {
			m.Observe(&in[i])
		}
		m.Flush()
		if !slices.Equal(got, want) || gotGaps != gaps || paths != 1 {
			t.Errorf("%s: got %d paths, the last over %v with %d gaps, want one over %v with %d", name, paths, got, gotGaps, want, gaps)
		}
	}
	f("a hop is missing", ring, []postcard.Record{record(5, 1, 30), record(3, 1, 20), record(2, 1, 10)}, []postcard.NodeID{2, 3, 5}, 1)
	f("no links", nil, []postcard.Record{record(5, 1, 10), record(3, 1, 20)}, []postcard.NodeID{5, 3}, 1)
	f("a loop", func(n postcard.NodeID, out uint32) (postcard.NodeID, uint32, bool) { return 3 - n, 2, true },
		[]postcard.Record{record(1, 1, 10), record(2, 1, 20), record(1, 1, 30), record(2, 1, 40)}, []postcard.NodeID{1, 2, 1, 2}, 0)
	twice := record(2, 1, 10)
	early := twice
	early.Stage = postcard.Ingress
	f("two reports of a hop", ring, []postcard.Record{early, twice, record(3, 1, 5)}, []postcard.NodeID{2, 2, 3}, 0)
}

func TestWindowsAndRoom(t *testing.T) {
	var paths [][]postcard.NodeID
	m := New(Config{Links: ring, Window: 100, Records: 4}, func(p *Path) { paths = append(paths, nodes(p)) })
	observe := func(node postcard.NodeID, packet uint16, at int64) {
		r := record(node, packet, at)
		m.Observe(&r)
	}
	observe(1, 1, 0)
	observe(2, 1, 50)
	observe(1, 2, 101) // packet 1 is complete
	if len(paths) != 1 || len(paths[0]) != 2 {
		t.Fatalf("got %v, want packet 1 over two nodes", paths)
	}
	observe(3, 1, 102) // too late: a path of its own
	observe(2, 2, 103)
	observe(4, 1, 104)
	observe(3, 2, 105) // no room: packet 2 ends early
	m.Flush()
	if s := m.Stats(); s.Early != 1 || s.Paths != 4 || s.Records != 7 {
		t.Errorf("got %+v, want one path ended early, of four", s)
	}
	var nameless postcard.Record
	m.Observe(&nameless)
	if s := m.Stats(); s.Anonymous != 1 || s.Paths != 5 {
		t.Errorf("got %+v, want one anonymous path", s)
	}
	for range MaxHops + 5 {
		observe(1, 9, 200)
	}
	m.Flush()
	if s := m.Stats(); s.TooLong != 5+0 && s.Early == 1 {
		t.Errorf("got %+v, want 5 records too many", s)
	}
}

func BenchmarkObserve(b *testing.B) {
	m := New(Config{Links: ring}, func(*Path) {})
	r := record(1, 0, 0)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		r.Node, r.PacketID, r.Received = postcard.NodeID(1+i%5), uint16(i/5), int64(i)*2000
		m.Observe(&r)
		i++
	}
}
