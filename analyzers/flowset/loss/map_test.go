package loss_test

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/analyzers/flowset/decode"
	"github.com/telltale-net/telltale/analyzers/flowset/flowsettest"
	"github.com/telltale-net/telltale/analyzers/flowset/loss"
)

func links(tree flowsettest.FatTree) (out [][2]string) {
	for i := range tree.Switches() {
		for _, j := range tree.Neighbours(i) {
			out = append(out, [2]string{tree.Name(i), tree.Name(j)})
		}
	}
	return out
}

// lossesOf is the slow truth: what every link of every flow lost.
func lossesOf(e *flowsettest.Epoch) map[string]int64 {
	lost := map[string]int64{}
	for _, f := range e.Flows {
		for h := 1; h < len(f.Path); h++ {
			if d := f.Packets[h-1] - f.Packets[h]; d > 0 {
				lost[fmt.Sprintf("%s>%s", e.Tree.Name(int(f.Path[h-1])), e.Tree.Name(int(f.Path[h])))] += d
			}
		}
	}
	return lost
}

func lostOn(e loss.Epoch) map[string]int64 {
	lost := map[string]int64{}
	for _, l := range e.Links {
		if l.Lost > 0 {
			lost[l.From+">"+l.To] += int64(l.Lost)
		}
	}
	return lost
}

// Every single lost packet is found in the epoch in which it was lost, on its link, and
// none is invented.
func TestSingleLosses(t *testing.T) {
	tree := flowsettest.FatTree{K: 4}
	var ways func(k flowset.Key, n int) []string
	m := loss.NewMap(loss.Config{Links: links(tree)})
	known := loss.NewMap(loss.Config{Path: func(k flowset.Key, n int) []string { return ways(k, n) }})
	for epoch := range uint64(60) {
		losses := int(epoch % 3)
		e, err := flowsettest.New(flowsettest.Config{
			Tree: tree, FlowsPerNode: 280, Seed: 5, Epoch: epoch, Cells: 100, CheckBytes: 2, FilterBits: 25 * 300, FilterHashes: 12, Losses: losses,
		})
		if err != nil {
			t.Fatal(err)
		}
		decoded := decode.Tables(e.Tables, decode.Options{Neighbours: e.Neighbours(), Workers: 1})
		ways = e.Way()
		want := lossesOf(e)
		if got := lostOn(known.Epoch(epoch, decoded)); !maps.Equal(got, want) {
			t.Errorf("epoch %d, ways known: got %v, want %v", epoch, got, want)
		}
		// Where all packets of a flow are lost on its way up, the next node may be any.
		for link, n := range lostOn(m.Epoch(epoch, decoded)) {
			from, to, _ := strings.Cut(link, ">")
			for _, to := range strings.Split(to, "|") {
				one := min(n, want[from+">"+to])
				n -= one
				if want[from+">"+to] -= one; want[from+">"+to] == 0 {
					delete(want, from+">"+to)
				}
			}
			if n > 0 {
				t.Errorf("epoch %d: invented %d lost on %s", epoch, n, link)
			}
		}
		if len(want) > 0 {
			t.Errorf("epoch %d: not found: %v", epoch, want)
		}
	}
}

// sets makes counted flow sets of an epoch: packets by node and flow.
func sets(epoch uint64, stage map[string]string, neighbours map[string][]string, counts map[string]map[int]int64) (out []*flowset.Decoded) {
	for _, node := range slices.Sorted(maps.Keys(counts)) {
		var keys []flowset.Key
		var packets []int64
		for _, f := range slices.Sorted(maps.Keys(counts[node])) {
			k, err := flowset.Flow{Src: netip.AddrFrom4([4]byte{10, 0, 0, byte(f)}), Dst: netip.AddrFrom4([4]byte{10, 0, 1, byte(f)}), Proto: 6, SrcPort: 7, DstPort: uint16(f)}.Key(flowset.KeyIPv4)
			if err != nil {
				panic(err)
			}
			keys = append(keys, k)
			packets = append(packets, counts[node][f])
		}
		name, _, _ := strings.Cut(node, "/")
		out = append(out, flowset.Counted(flowset.Shape{Node: name, Stage: stage[node], Epoch: epoch, KeyBytes: flowset.KeyIPv4, Neighbours: neighbours[name]}, keys, packets))
	}
	return out
}

var line = map[string][]string{"a": {"b"}, "b": {"a", "c"}, "c": {"b", "d"}, "d": {"c"}}

func every(n int64, but map[int]int64) map[int]int64 {
	out := map[int]int64{1: n, 2: n, 3: n}
	maps.Copy(out, but)
	maps.DeleteFunc(out, func(_ int, n int64) bool { return n == 0 })
	return out
}

// A flow that goes round, one whose way ends, and one that is rerouted are told apart.
func TestAnomalies(t *testing.T) {
	m := loss.NewMap(loss.Config{})
	// Losses show which way flows run.
	first := m.Epoch(1, sets(1, nil, line, map[string]map[int]int64{"a": every(9, nil), "b": every(9, nil), "c": every(8, nil), "d": every(8, nil)}))
	if got := lostOn(first); !maps.Equal(got, map[string]int64{"b>c": 3}) || len(first.Anomalies) > 0 {
		t.Errorf("got %v, %v", got, first.Anomalies)
	}
	second := m.Epoch(2, sets(2, nil, line, map[string]map[int]int64{
		"a": every(9, nil), "b": every(9, map[int]int64{2: 60}), "c": every(9, map[int]int64{1: 0, 2: 51}), "d": every(9, map[int]int64{1: 0, 2: 0}),
	}))
	if got := lostOn(second); !maps.Equal(got, map[string]int64{"b>c": 9}) {
		t.Errorf("got %v", got)
	}
	if len(second.Anomalies) != 2 || second.Anomalies[0].Kind != "blackhole" || !slices.Equal(second.Anomalies[0].Nodes, []string{"b", "c"}) || second.Anomalies[0].Packets != 9 ||
		second.Anomalies[1].Kind != "loop" || !slices.Equal(second.Anomalies[1].Nodes, []string{"b", "c"}) || second.Anomalies[1].Packets != 51 {
		t.Errorf("got %+v", second.Anomalies)
	}
	// Two ways in one epoch: nothing went round, and the ends agree.
	square := map[string][]string{"a": {"b", "e"}, "b": {"a", "d"}, "d": {"b", "e"}, "e": {"a", "d"}}
	m = loss.NewMap(loss.Config{})
	m.Epoch(1, sets(1, nil, square, map[string]map[int]int64{"a": every(9, nil), "b": every(9, nil), "d": every(8, nil), "e": {}}))
	third := m.Epoch(2, sets(2, nil, square, map[string]map[int]int64{"a": every(9, nil), "b": every(9, map[int]int64{1: 5}), "d": every(9, map[int]int64{1: 7}), "e": {1: 4}}))
	if got := lostOn(third); !maps.Equal(got, map[string]int64{"a>d": 2}) || third.Rerouted != 1 || len(third.Anomalies) > 0 {
		t.Errorf("got %v, %+v", got, third)
	}
}

// Where a node counts at both ends, its queue's losses are told from the wire's.
func TestQueueOrWire(t *testing.T) {
	stage := map[string]string{"a/i": "ingress", "a/e": "egress", "b/i": "ingress", "b/e": "egress"}
	m := loss.NewMap(loss.Config{Links: [][2]string{{"a", "b"}}})
	e := m.Epoch(1, sets(1, stage, nil, map[string]map[int]int64{"a/i": every(20, nil), "a/e": every(18, nil), "b/i": every(17, nil), "b/e": every(17, nil)}))
	if got := lostOn(e); !maps.Equal(got, map[string]int64{"a>a": 6, "a>b": 3}) {
		t.Errorf("got %v", got)
	}
	want := []loss.Device{{Node: "a", Sent: 54, Queue: 6, Wire: 3}, {Node: "b"}}
	if !slices.Equal(e.Devices, want) {
		t.Errorf("got %+v, want %+v", e.Devices, want)
	}
}

// Without an epoch bit, packets are counted in different epochs at different nodes: a flow
// is compared once it is silent.
func TestFlowlets(t *testing.T) {
	m := loss.NewMap(loss.Config{Flowlets: true})
	var lost []map[string]int64
	for epoch, c := range []map[string]map[int]int64{
		{"a": every(10, nil), "b": every(7, nil), "c": every(6, nil), "d": every(5, nil)},
		{"a": every(10, map[int]int64{2: 0}), "b": every(13, map[int]int64{2: 3}), "c": every(14, map[int]int64{2: 3}), "d": every(14, map[int]int64{2: 4})},
		{"a": {1: 10}, "b": {1: 10}, "c": {1: 10}, "d": {1: 11}},
		{"a": {}, "b": {}, "c": {}, "d": {}},
	} {
		lost = append(lost, lostOn(m.Epoch(uint64(epoch), sets(uint64(epoch), nil, line, c))))
	}
	want := []map[string]int64{{}, {}, {"b>c": 1, "c>d": 1}, {}}
	want[2] = map[string]int64{"b>c": 1, "c>d": 1}
	for i := range want {
		if !maps.Equal(lost[i], want[i]) {
			t.Errorf("epoch %d: got %v, want %v", i, lost[i], want[i])
		}
	}
}

// anycast counts flows of tenants to one address, from node a over b to nodes of the
// caller's choice; nothing is lost.
func anycast(t *testing.T, epoch uint64, flows []struct {
	vni  uint32
	port uint16
	src  byte
	way  []string
}) (out []*flowset.Decoded) {
	t.Helper()
	links := map[string][]string{"a": {"b"}, "b": {"a", "c", "d"}, "c": {"b"}, "d": {"b"}}
	for _, node := range []string{"a", "b", "c", "d"} {
		var keys []flowset.Key
		var packets []int64
		for _, f := range flows {
			if !slices.Contains(f.way, node) {
				continue
			}
			k, err := flowset.Flow{Src: netip.AddrFrom4([4]byte{10, 0, 0, f.src}), Dst: netip.AddrFrom4([4]byte{10, 0, 9, 9}), Proto: 6, SrcPort: f.port, DstPort: 80, VNI: f.vni}.Key(flowset.KeyVNI4)
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, k)
			packets = append(packets, 9)
		}
		out = append(out, flowset.Counted(flowset.Shape{Node: node, Epoch: epoch, KeyBytes: flowset.KeyVNI4, Neighbours: links[node]}, keys, packets))
	}
	return out
}

// An address may be behind different nodes: another tenant's, or one that several
// machines have. What ends at either has arrived.
func TestAddressBehindTwoNodes(t *testing.T) {
	type flow = struct {
		vni  uint32
		port uint16
		src  byte
		way  []string
	}
	c, d := []string{"a", "b", "c"}, []string{"a", "b", "d"}
	var tenants, copies []flow
	for i := range uint16(20) {
		tenants = append(tenants, flow{1, i, byte(i % 4), c})
		copies = append(copies, flow{1, i, byte(i % 4), c})
	}
	tenants = append(tenants, flow{2, 1, 1, d}, flow{2, 2, 2, d})
	copies = append(copies, flow{1, 100, 1, d}, flow{1, 101, 2, d}, flow{7, 5, 1, d}, flow{7, 6, 2, d}, flow{7, 7, 3, d})
	for name, flows := range map[string][]flow{"two tenants": tenants, "two machines": copies} {
		m := loss.NewMap(loss.Config{})
		for epoch := range uint64(3) {
			e := m.Epoch(epoch, anycast(t, epoch, flows))
			if lost := lostOn(e); len(lost) > 0 || len(e.Anomalies) > 0 {
				t.Errorf("%s, epoch %d: got %v lost and %v, want none", name, epoch, lost, e.Anomalies)
			}
		}
	}
}

// What a node counted coming in and none of which it counted going out was lost inside; a
// flow whose counts fall along its way is no loop, though its addresses are new; and what
// went on in the epoch before, and ends now, was lost behind its last node.
func TestWholeFlows(t *testing.T) {
	stage := map[string]string{"a/i": "ingress", "a/e": "egress", "b/i": "ingress", "b/e": "egress"}
	m := loss.NewMap(loss.Config{Links: [][2]string{{"a", "b"}}})
	e := m.Epoch(1, sets(1, stage, nil, map[string]map[int]int64{"a/i": every(9, nil), "a/e": every(9, nil), "b/i": every(9, nil), "b/e": every(9, map[int]int64{2: 0})}))
	if got := lostOn(e); !maps.Equal(got, map[string]int64{"b>b": 9}) {
		t.Errorf("inside: got %v", got)
	}
	e = m.Epoch(2, sets(2, stage, nil, map[string]map[int]int64{"a/i": every(9, nil), "a/e": every(9, nil), "b/i": every(9, map[int]int64{3: 0}), "b/e": every(9, map[int]int64{3: 0})}))
	if got := lostOn(e); !maps.Equal(got, map[string]int64{"a>b": 9}) {
		t.Errorf("on the wire: got %v", got)
	}
	m = loss.NewMap(loss.Config{})
	e = m.Epoch(1, sets(1, nil, line, map[string]map[int]int64{"a": {1: 9}, "b": {1: 9}, "c": {1: 8}, "d": {1: 7}}))
	if got := lostOn(e); !maps.Equal(got, map[string]int64{"b>c": 1, "c>d": 1}) || len(e.Anomalies) > 0 {
		t.Errorf("new: got %v, %+v", got, e.Anomalies)
	}
	e = m.Epoch(2, sets(2, nil, line, map[string]map[int]int64{"a": {1: 2}, "b": {1: 2}, "c": {}, "d": {}}))
	if got := lostOn(e); !maps.Equal(got, map[string]int64{"b>c": 2}) {
		t.Errorf("gone: got %v", got)
	}
}

// A node that knows a flow without its packets is left out of the flow's sums, and a node
// that saw it in another epoch than its neighbours is not.
func TestFlowletsPartly(t *testing.T) {
	flows := func(epoch uint64, counts map[string]int64) (out []*flowset.Decoded) {
		for _, node := range []string{"a", "b", "c", "d"} {
			c := map[int]int64{}
			if n, ok := counts[node]; ok {
				c[1] = n
			}
			out = append(out, sets(epoch, nil, line, map[string]map[int]int64{node: c})...)
		}
		return out
	}
	m := loss.NewMap(loss.Config{Flowlets: true})
	for epoch, c := range []map[string]int64{{"a": 7, "b": 7, "c": 6, "d": 2}, {"a": 2, "c": 1, "d": 4}, {"b": 2, "c": 2, "d": 3}, {}} {
		if got := lostOn(m.Epoch(uint64(epoch), flows(uint64(epoch), c))); len(got) > 0 {
			t.Errorf("epoch %d: got %v", epoch, got)
		}
	}
	m = loss.NewMap(loss.Config{Flowlets: true})
	for epoch, c := range []map[string]int64{{"a": 7, "b": 7, "c": 5, "d": 6}, {"a": 2, "b": 1, "c": -1, "d": 2}, {}} { // -1: not known
		if got, want := lostOn(m.Epoch(uint64(epoch), flows(uint64(epoch), c))), map[string]int64{"a>b": 1}; epoch == 2 && !maps.Equal(got, want) {
			t.Errorf("epoch %d: got %v, want %v", epoch, got, want)
		}
	}
}

// A node of one of whose tables not all is known, or is missing between others, may have
// counted more of a flowlet than is known, unless it was found in that table: a loss is put
// on what lies between its neighbours.
func TestFlowletsHidden(t *testing.T) {
	const whole, part, missing = 0, 1, 2
	for name, c := range map[string]struct {
		table [4]int // b's, by epoch
		b     int64  // what b counted in epoch 1
		c     int64  // what c counted in epoch 1
		want  map[string]int64
	}{
		"nothing lost":                    {b: 5, c: 5},
		"lost behind a":                   {b: 4, c: 4, want: map[string]int64{"a>b": 1}},
		"hidden":                          {table: [4]int{whole, part}, c: 5},
		"hidden, and lost":                {table: [4]int{whole, part}, c: 4, want: map[string]int64{"a>c": 1}},
		"found in a part":                 {table: [4]int{whole, part}, b: 4, c: 4, want: map[string]int64{"a>b": 1}},
		"no table":                        {table: [4]int{whole, missing}, c: 4, want: map[string]int64{"a>c": 1}},
		"hidden while others were silent": {table: [4]int{whole, whole, part}, b: 4, c: 4, want: map[string]int64{"a>c": 1}},
		"hidden long after":               {table: [4]int{whole, whole, whole, part}, b: 4, c: 4, want: map[string]int64{"a>b": 1}},
		"no table any more":               {table: [4]int{whole, whole, missing, missing}, b: 4, c: 4, want: map[string]int64{"a>b": 1}},
	} {
		m := loss.NewMap(loss.Config{Flowlets: true})
		got := map[string]int64{}
		for epoch := range uint64(4) {
			var tables []*flowset.Decoded
			for _, node := range []string{"a", "b", "c", "d"} {
				counts := map[int]int64{}
				switch {
				case epoch == 0:
					counts[1] = 7
				case epoch == 1 && node == "a":
					counts[1] = 5
				case epoch == 1 && node == "b":
					counts[1] = c.b
				case epoch == 1:
					counts[1] = c.c
				}
				maps.DeleteFunc(counts, func(_ int, n int64) bool { return n == 0 })
				if node == "b" && c.table[epoch] == missing {
					continue
				}
				d := sets(epoch, nil, line, map[string]map[int]int64{node: counts})
				if node == "b" && c.table[epoch] == part {
					d[0].Coverage.Flows++
				}
				tables = append(tables, d...)
			}
			for link, n := range lostOn(m.Epoch(epoch, tables)) {
				got[link] += n
			}
		}
		if !maps.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}
