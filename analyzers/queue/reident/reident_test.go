package reident

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/telltale-net/telltale/analyzers/queue/records"
)

var seconds = flag.Float64("seconds", 0.03, "length of the traces in TestAccuracy")

// setup is a service chain: two sources, four NATs, five firewalls, four VPNs.
type setup struct {
	seconds  float64
	pps      float64
	loss     float64 // of records
	reads    bool    // records say when packets were read, not when they arrived
	batch    int
	perPair  bool  // ids count per pair of hosts, else they are random
	skew     int64 // nodes' clocks are off by up to this, ns
	overload bool  // the VPNs stand still now and then until their queues are full
}

// generate returns a trace with 16-bit ids, and the packet of every record, by queue.
func generate(t testing.TB, s setup, seed uint64) (*records.Trace, [][]int32) {
	stages := [][]string{{"s1", "s2"}, {"nat1", "nat2", "nat3", "nat4"}, {"fw1", "fw2", "fw3", "fw4", "fw5"}, {"vpn1", "vpn2", "vpn3", "vpn4"}}
	rates := []float64{0, 400e3, 320e3, 400e3}
	var specs []records.NodeSpec
	first := make([]int, len(stages))
	for k, names := range stages {
		first[k] = len(specs)
		for _, name := range names {
			spec := records.NodeSpec{Name: name, Type: "nf", RatePPS: rates[k]}
			if k == 0 {
				spec.Type = records.Source
			}
			if k+1 < len(stages) {
				spec.Next = stages[k+1]
			}
			specs = append(specs, spec)
		}
	}
	net, err := records.NewNetwork(specs)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(seed, 5))

	type packet struct {
		n    int32
		id   uint16
		at   int64
		hash uint64
	}
	const pairs = 3000
	count := make([]uint16, pairs)
	for i := range count {
		count[i] = uint16(rng.Uint32())
	}
	arrivals := make([][]packet, len(specs))
	for at, n := 0.0, int32(0); at < s.seconds*1e9; at += rng.ExpFloat64() * 1e9 / s.pps {
		flow := int(float64(pairs) * rng.Float64() * rng.Float64())
		count[flow]++
		p := packet{n, count[flow], int64(at), uint64(flow) * 0x9e3779b97f4a7c15}
		if !s.perPair {
			p.id = uint16(rng.Uint32())
		}
		k := int(p.hash >> 60 % 2)
		arrivals[k] = append(arrivals[k], p)
		n++
	}
	type row struct {
		records.Record
		n int32
	}
	var rows []row
	for k, names := range stages {
		for i := range names {
			node := first[k] + i
			in := arrivals[node]
			slices.SortStableFunc(in, func(a, b packet) int { return int(a.at - b.at) })
			var out []packet
			free := int64(0)
			for j := 0; j < len(in); {
				if k == 0 {
					rows = append(rows, row{records.Record{Node: int32(node), Packet: uint64(in[j].id), Arrive: records.Absent, Start: records.Absent, Depart: in[j].at}, in[j].n})
					out = append(out, in[j])
					j++
					continue
				}
				start := max(free, in[j].at)
				if s.overload && k == 3 && rng.IntN(3000) == 0 {
					start += 1_500_000
				}
				batch := j
				end := start
				for batch < len(in) && batch-j < s.batch && in[batch].at <= start {
					end += int64(1e9 / rates[k] * (0.7 + 0.3*rng.ExpFloat64()))
					batch++
				}
				for ; j < batch; j++ {
					r := records.Record{Node: int32(node), Packet: uint64(in[j].id), Arrive: in[j].at, Start: start, Depart: end}
					if s.reads {
						r.Arrive = start
					}
					rows = append(rows, row{r, in[j].n})
					out = append(out, packet{in[j].n, in[j].id, end, in[j].hash})
				}
				free = end
			}
			if k+1 == len(stages) {
				continue
			}
			width := len(stages[k+1])
			for _, p := range out {
				to := int(p.hash>>(8*k+9)) % width
				p.at += 1000 + int64(to*100)
				arrivals[first[k+1]+to] = append(arrivals[first[k+1]+to], p)
			}
		}
	}
	off := make([]int64, len(specs))
	for i := range off {
		off[i] = s.skew - int64(2*float64(s.skew)*rng.Float64())
	}
	for i := range rows {
		for _, at := range []*int64{&rows[i].Arrive, &rows[i].Start, &rows[i].Depart} {
			if *at != records.Absent {
				*at += off[rows[i].Node]
			}
		}
	}
	kept := rows[:0]
	twice := map[records.Record]bool{} // two packets' records may be the same: data sets take one
	for _, r := range rows {
		if (s.loss == 0 || rng.Float64() >= s.loss) && !twice[r.Record] {
			twice[r.Record] = true
			kept = append(kept, r)
		}
	}
	// The builder sorts: the flow tells the packet, and is then forgotten.
	b := records.NewBuilder(net, 0)
	named := records.NewBuilder(net, 0)
	for _, r := range kept {
		name := records.Flow{SrcPort: uint16(r.n), DstPort: uint16(r.n >> 16), Proto: 1}
		r.Flow = named.Flow(name)
		if err := named.Add(r.Record); err != nil {
			t.Fatal(err)
		}
	}
	ordered := named.Trace()
	truth := make([][]int32, len(ordered.Queues))
	for q := range ordered.Queues {
		truth[q] = make([]int32, 0, ordered.Queues[q].Len())
		for i := range ordered.Queues[q].Len() {
			r := ordered.Record(q, i)
			f := ordered.Flows[r.Flow]
			truth[q] = append(truth[q], int32(f.SrcPort)|int32(f.DstPort)<<16)
			r.Flow = b.Flow(records.Flow{SrcPort: 1, Proto: 6})
			if err := b.Add(r); err != nil {
				t.Fatal(err)
			}
		}
	}
	short := b.Trace()
	for q := range truth {
		if short.Queues[q].Len() != len(truth[q]) {
			t.Fatalf("queue %d has %d records, want %d", q, short.Queues[q].Len(), len(truth[q]))
		}
	}
	return short, truth
}

// judge counts records whose link is right, wrong, or missing though it should be there.
func judge(t *records.Trace, l *Links, truth [][]int32) (right, wrong, missing int) {
	packets := int32(0)
	for _, ns := range truth {
		packets = max(packets, slices.Max(ns)+1)
	}
	at := make([][]bool, len(t.Network.Nodes)) // by node, packet
	for i := range at {
		at[i] = make([]bool, packets)
	}
	for q := range t.Queues {
		for _, n := range truth[q] {
			at[t.Queues[q].Node][n] = true
		}
	}
	prev := make([][]int32, len(t.Network.Nodes))
	for i := range t.Network.Nodes {
		for _, next := range t.Network.Nodes[i].Next {
			prev[next] = append(prev[next], int32(i))
		}
	}
	for q := range t.Queues {
		c := &t.Queues[q]
		if t.Network.Nodes[c.Node].IsSource() {
			continue
		}
		for i, n := range truth[q] {
			recorded := slices.ContainsFunc(prev[c.Node], func(p int32) bool { return at[p][n] })
			switch up := l.Up(q, i); {
			case up.Queue < 0 && recorded:
				missing++
			case up.Queue < 0:
				right++
			case truth[up.Queue][up.Record] == n:
				right++
			default:
				wrong++
			}
		}
	}
	return right, wrong, missing
}

// TestAccuracy: at 1.2 million packets a second, with queues of 1024 and 65,536 ids, at
// least 99.9 % of the records get the right record before them, or rightly none.
func TestAccuracy(t *testing.T) {
	f := func(name string, s setup) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			s.seconds, s.pps = *seconds, 1.2e6
			for seed := range uint64(1) {
				trace, truth := generate(t, s, seed)
				l, err := Link(trace, Config{})
				if err != nil {
					t.Fatal(err)
				}
				right, wrong, missing := judge(trace, l, truth)
				all := right + wrong + missing
				t.Logf("%d records: %.4f %% right, %.4f %% wrong, %.4f %% left open; %+v", all,
					100*float64(right)/float64(all), 100*float64(wrong)/float64(all), 100*float64(missing)/float64(all), l.Stats)
				if float64(right) < 0.999*float64(all) || float64(wrong) > 0.0002*float64(all) {
					t.Error("want at least 99.9 % right and at most 0.02 % wrong")
				}
				s := l.Stats
				if got := s.Linked() + s.Ambiguous + s.Alone + s.NoID; got != uint64(all) {
					t.Errorf("the statistics add up to %d of %d records", got, all)
				}
			}
		})
	}
	for _, perPair := range []bool{false, true} {
		for _, loss := range []float64{0, 0.01} {
			for _, reads := range []bool{false, true} {
				if perPair {
					f(fmt.Sprintf("skew=20µs,loss=%v,reads=%v", loss, reads), setup{batch: 32, perPair: perPair, loss: loss, reads: reads, overload: true, skew: 20_000})
				}
				f(fmt.Sprintf("perPair=%v,loss=%v,reads=%v", perPair, loss, reads), setup{batch: 32, perPair: perPair, loss: loss, reads: reads, overload: true})
			}
		}
	}
}

// TestPackets: what is linked has one number and one flow.
func TestPackets(t *testing.T) {
	trace, truth := generate(t, setup{seconds: 0.02, pps: 1.2e6, batch: 32, reads: true}, 1)
	l, err := Link(trace, Config{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := l.Packets()
	if err != nil {
		t.Fatal(err)
	}
	if got.Records() != trace.Records() {
		t.Fatalf("got %d records of %d", got.Records(), trace.Records())
	}
	packets := map[int32]bool{}
	for q := range truth {
		for _, n := range truth[q] {
			packets[n] = true
		}
	}
	ids, waited := map[uint64]int{}, 0
	for q := range got.Queues {
		for i, id := range got.Queues[q].Packet {
			ids[id]++
			if got.Queues[q].Start(i) > got.Queues[q].Arrive[i] {
				waited++
			}
		}
	}
	if d := len(ids) - len(packets); d < 0 || d > len(packets)/500 {
		t.Errorf("got %d packets, want %d or few more", len(ids), len(packets))
	}
	for id, n := range ids {
		if n > 4 {
			t.Errorf("packet %d has %d records", id, n)
		}
	}
	if waited < trace.Records()/2 {
		t.Errorf("only %d of %d records have an arrival before their start", waited, trace.Records())
	}
}

func TestNotShort(t *testing.T) {
	net, err := records.NewNetwork([]records.NodeSpec{{Name: "a", Next: []string{"b"}}, {Name: "b"}})
	if err != nil {
		t.Fatal(err)
	}
	b := records.NewBuilder(net, 0)
	for _, r := range []records.Record{
		{Node: 0, Packet: 7, Flow: records.NoFlow, Arrive: 1, Start: 1, Depart: 2},
		{Node: 1, Packet: records.NoPacket, Flow: records.NoFlow, Arrive: 3, Start: 4, Depart: 5},
		{Node: 1, Packet: 65536, Flow: records.NoFlow, Arrive: 3, Start: 4, Depart: 5},
	} {
		if err := b.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Link(b.Trace(), Config{}); err == nil {
		t.Error("got no error for an id of 17 bits")
	}
}

// TestKnots: what is certain is what all the largest consistent sets share.
func TestKnots(t *testing.T) {
	open := 0
	for seed := range uint64(3000) {
		rng := rand.New(rand.NewPCG(seed, 2))
		var all []tied
		for range 1 + rng.IntN(9) {
			all = append(all, tied{pair{rng.Int64N(5), rng.Int64N(5), rng.Int32N(5), 100 + rng.Int32N(5)}, rng.Int32N(2)})
		}
		slices.SortFunc(all, func(a, b tied) int {
			if a.link != b.link {
				return int(a.link - b.link)
			}
			return a.compare(b.pair)
		})
		all = slices.Compact(all)
		most, in := -1, 0
		for set := range 1 << len(all) {
			size, ok := 0, true
			for i := range all {
				if set>>i&1 == 0 {
					continue
				}
				size++
				for j := range i {
					ok = ok && (set>>j&1 == 0 || !all[i].excludes(&all[j]))
				}
			}
			switch {
			case !ok || size < most:
			case size > most:
				most, in = size, set
			default:
				in &= set
			}
		}
		var want, got []tied
		for i := range all {
			if in>>i&1 == 1 {
				want = append(want, all[i])
			}
		}
		for _, knot := range knots(all) {
			got = append(got, certain(knot)...)
		}
		order := func(a, b tied) int { return slices.Index(all, a) - slices.Index(all, b) }
		slices.SortFunc(got, order)
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: of %v got %v, want %v", seed, all, got, want)
		}
		if len(want) < most {
			open++
		}
	}
	if open == 0 {
		t.Error("no knot stayed ambiguous")
	}
}

// TestChain holds the longest chain against search.
func TestChain(t *testing.T) {
	for seed := range uint64(2000) {
		rng := rand.New(rand.NewPCG(seed, 3))
		var all []pair
		for i := range 1 + rng.Int32N(10) {
			all = append(all, pair{rng.Int64N(6), rng.Int64N(6), i, i})
		}
		slices.SortFunc(all, pair.compare)
		most := 0
		for set := range 1 << len(all) {
			size, ok := 0, true
			for i := range all {
				for j := range i {
					ok = ok && (set>>i&1 == 0 || set>>j&1 == 0 || !all[i].overtakes(all[j]))
				}
				size += set >> i & 1
			}
			if ok {
				most = max(most, size)
			}
		}
		got := chain(slices.Clone(all))
		for i := range got {
			for j := range i {
				if got[i].overtakes(got[j]) {
					t.Fatalf("seed %d: %v overtakes %v", seed, got[i], got[j])
				}
			}
		}
		if len(got) != most {
			t.Fatalf("seed %d: got a chain of %d of %v, want %d", seed, len(got), all, most)
		}
	}
}

func BenchmarkLink(b *testing.B) {
	trace, _ := generate(b, setup{seconds: 0.5, pps: 1.2e6, batch: 32, reads: true, perPair: true}, 1)
	cpu := func() time.Duration {
		var r syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
			b.Fatal(err)
		}
		return time.Duration(r.Utime.Nano() + r.Stime.Nano())
	}
	b.ReportAllocs()
	from, n := cpu(), 0
	for b.Loop() {
		if _, err := Link(trace, Config{}); err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.ReportMetric(float64(n*trace.Records())/(cpu()-from).Seconds()/1e6, "Mrecords/cpu-s")
}
