package ipfix

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/telltale-net/telltale/collector/postcard"
)

var config = Config{Domain: 7, Process: 9, Enterprise: Documentation, Length: 600}

func addr(s string) postcard.Addr { return postcard.AddrFrom(netip.MustParseAddr(s)) }

// records are n records of some flows, IPv4 and IPv6, forwarded and dropped.
func records(rng *rand.Rand, n int) []postcard.Record {
	batch := make([]postcard.Record, n)
	for i := range batch {
		r := &batch[i]
		*r = postcard.Record{
			Received: 1_790_000_000_000_000_000 + rng.Int64N(1e10), Node: postcard.NodeID(rng.IntN(3) + 1), InPort: uint32(rng.IntN(2)), OutPort: uint32(rng.IntN(2)),
			Queue: uint8(rng.IntN(2)), VNI: uint32(rng.IntN(2)), Latency: rng.Uint32N(1e6), QueueDepth: rng.Uint32N(60), Length: uint16(rng.IntN(1500)),
			Has: postcard.Fields(rng.Uint32()) &^ postcard.HasInner,
		}
		flow := postcard.Flow{Src: addr(fmt.Sprintf("10.0.0.%d", rng.IntN(2))), Dst: addr("10.0.1.1"), SrcPort: uint16(rng.IntN(2)), DstPort: 80, Proto: 6}
		if rng.IntN(2) == 0 {
			flow.Src, flow.Dst = addr(fmt.Sprintf("2001:db8::%d", rng.IntN(2))), addr("2001:db8::f")
		}
		r.Outer = flow
		if rng.IntN(2) == 0 {
			r.Inner, r.Outer = flow, postcard.Flow{Proto: 17}
			r.Has |= postcard.HasInner
		}
		if rng.IntN(3) == 0 {
			r.Flags |= postcard.Dropped
			r.DropReason = uint8([]int{0, 26, 51, 60, 130, 200}[rng.IntN(6)])
		}
	}
	return batch
}

// slowFlow sums up the records of a flow.
func slowFlow(all []postcard.Record, k Key) (f Flow) {
	f.Key = k
	for i := range all {
		r := &all[i]
		if got, ok := keyOf(r); !ok || got != k {
			continue
		}
		if f.Packets == 0 {
			f.First, f.Last = r.Received, r.Received
		}
		f.First, f.Last = min(f.First, r.Received), max(f.Last, r.Received)
		f.Packets++
		if r.Has&postcard.HasLength != 0 {
			f.Octets += uint64(r.Length)
		}
		if r.Has&postcard.HasLatency != 0 {
			if f.Latencies == 0 {
				f.LatencyMin = r.Latency
			}
			f.LatencyMin, f.LatencyMax = min(f.LatencyMin, r.Latency), max(f.LatencyMax, r.Latency)
			f.Latencies++
			f.LatencySum += uint64(r.Latency)
		}
		if r.Has&postcard.HasQueue != 0 {
			f.Depths++
			f.DepthSum += uint64(r.QueueDepth)
			f.DepthMax = max(f.DepthMax, r.QueueDepth)
		}
	}
	return f
}

// What the cache makes of records is what going through them once for each flow makes.
func TestCacheAgainstSums(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var got []Flow
	c := NewCache(Limits{Flows: 10_000, Idle: 1, Active: 1}, func(f *Flow) { got = append(got, *f) })
	all := records(rng, 5000)
	for b := range slices.Chunk(all, 37) {
		c.Observe(b)
	}
	if s := c.Stats(); s.Observed+s.Nameless != 5000 || s.Nameless == 0 || s.Evicted != 0 {
		t.Errorf("got %+v", s)
	}
	c.Flush()
	if c.Stats().Flows != 0 {
		t.Errorf("%d flows are left", c.Stats().Flows)
	}
	seen := map[Key]bool{}
	packets := uint64(0)
	for i := range got {
		f := got[i]
		if seen[f.Key] || f.End != Forced {
			t.Fatalf("%+v: twice, or ended for %d", f.Key, f.End)
		}
		seen[f.Key] = true
		packets += f.Packets
		f.used, f.touched, f.End, f.next = false, false, 0, 0
		if want := slowFlow(all, f.Key); f != want {
			t.Fatalf("got %+v, want %+v", f, want)
		}
	}
	if packets != c.Stats().Observed {
		t.Errorf("got %d packets in flows, want %d", packets, c.Stats().Observed)
	}
}

func TestTimeouts(t *testing.T) {
	var got []string
	c := NewCache(Limits{Flows: 10, Idle: 10, Active: 50}, func(f *Flow) {
		got = append(got, fmt.Sprintf("%d:%d:%d-%d:%d", f.Node, f.Packets, f.First, f.Last, f.End))
	})
	see := func(node int, at int64) {
		c.Observe([]postcard.Record{{Received: at, Node: postcard.NodeID(node), Has: postcard.HasInner}})
	}
	see(1, 0)
	see(2, 5)
	c.Expire(9)
	for at := int64(8); at <= 48; at += 8 {
		see(2, at)
		c.Expire(at)
	}
	see(2, 54)
	c.Expire(55)
	see(2, 56)
	c.Expire(60)
	if want := "1:1:0-0:1 2:8:5-54:2"; strings.Join(got, " ") != want || c.Stats().Flows != 1 {
		t.Errorf("got %v and %d flows left, want %s and one", got, c.Stats().Flows, want)
	}
}

// A full cache gives up a flow that was not heard of lately, counts it, and loses no
// packet.
func TestEviction(t *testing.T) {
	packets := uint64(0)
	evicted := map[postcard.NodeID]int{}
	c := NewCache(Limits{Flows: 8, Idle: 1, Active: 1}, func(f *Flow) {
		packets += f.Packets
		if f.End == NoRoom {
			evicted[f.Node]++
		}
	})
	n := uint64(0)
	see := func(node int) {
		n++
		c.Observe([]postcard.Record{{Node: postcard.NodeID(node), Has: postcard.HasInner}})
	}
	for i := range 1000 {
		see(1) // is always there
		see(100 + i)
	}
	if s := c.Stats(); s.Evicted < 900 || s.Flows != 8 || evicted[1] > 500 {
		t.Errorf("got %+v, the flow in use was evicted %d times", s, evicted[1])
	}
	c.Flush()
	if packets != n {
		t.Errorf("got %d packets, want %d", packets, n)
	}
}

// everything writes templates, flows and counts as messages.
func everything(cfg Config, flows []Flow) (messages [][]byte, counted int) {
	e := NewEncoder(cfg, func(msg []byte, n int) {
		messages = append(messages, bytes.Clone(msg))
		counted += n
	})
	e.Time(1_790_000_001)
	e.Templates()
	for i := range flows {
		e.Flow(&flows[i])
	}
	e.Reliability(Exported{1, 2, 3, 4, 5, 6})
	e.Reports(2001, 1000, 10)
	e.Flush()
	return messages, counted
}

func someFlows(n int) (flows []Flow) {
	rng := rand.New(rand.NewPCG(3, 4))
	c := NewCache(Limits{Flows: 10_000, Idle: 1, Active: 1}, func(f *Flow) { flows = append(flows, *f) })
	c.Observe(records(rng, n))
	c.Flush()
	slices.SortFunc(flows, func(a, b Flow) int { return strings.Compare(fmt.Sprint(a.Key), fmt.Sprint(b.Key)) })
	return flows
}

// A decoder that knows RFC 7011 and nothing of us finds every field of every flow.
func TestAgainstDecoder(t *testing.T) {
	flows := someFlows(3000)
	for _, length := range []int{MinLength, 300, 600, 1400, 65535} {
		cfg := config
		cfg.Length = length
		messages, counted := everything(cfg, flows)
		var d decoder
		for i, m := range messages {
			if len(m) > length {
				t.Fatalf("message %d has %d bytes, want at most %d", i, len(m), length)
			}
			if err := d.message(m); err != nil {
				t.Fatalf("length %d, message %d: %v", length, i, err)
			}
			if domain, at := binary.BigEndian.Uint32(m[12:]), binary.BigEndian.Uint32(m[4:]); domain != 7 || at != 1_790_000_001 {
				t.Fatalf("message %d: domain %d, time %d", i, domain, at)
			}
		}
		if len(d.records) != len(flows)+2 || counted != len(flows) {
			t.Fatalf("length %d: got %d records and %d flows counted, want %d and 2 more", length, len(d.records), counted, len(flows))
		}
		for i := range flows {
			checkFlow(t, &flows[i], &d.records[i])
		}
		rel, rep := &d.records[len(flows)], &d.records[len(flows)+1]
		for name, want := range map[string]uint64{"149": 7, "144": 9, "41": 1, "42": 2, "40": 3, "164": 4, "166": 5, "167": 6} {
			if rel.u(name) != want {
				t.Errorf("reliability: element %s: got %d, want %d", name, rel.u(name), want)
			}
		}
		if rep.u("138") != 2001 || rep.u("32473/10") != 1000 || rep.u("32473/11") != 10 {
			t.Errorf("reports: got %v", rep.values)
		}
	}
}

func checkFlow(t *testing.T, f *Flow, r *record) {
	t.Helper()
	want := map[string]uint64{
		"138": uint64(f.Node), "156": ntp(f.First), "157": ntp(f.Last), "7": uint64(f.Flow.SrcPort), "11": uint64(f.Flow.DstPort), "4": uint64(f.Flow.Proto),
		"10": uint64(f.InPort), "14": uint64(f.OutPort), "32473/8": uint64(f.Queue), "136": 4, "351": 0,
	}
	if f.HasVNI {
		want["351"] = 1<<56 | uint64(f.VNI)
	}
	id := uint16(forwarded4)
	src, dst := f.Flow.Src.Netip(), f.Flow.Dst.Netip()
	if src.Is6() {
		id = forwarded6
		if s, d := r.values["27"], r.values["28"]; !bytes.Equal(s, src.AsSlice()) || !bytes.Equal(d, dst.AsSlice()) {
			t.Errorf("got %x to %x, want %v to %v", s, d, src, dst)
		}
	} else if s, d := r.values["8"], r.values["12"]; src.IsValid() && (!bytes.Equal(s, src.AsSlice()) || !bytes.Equal(d, dst.AsSlice())) {
		t.Errorf("got %x to %x, want %v to %v", s, d, src, dst)
	}
	if f.Dropped {
		id += dropped4 - forwarded4
		want["132"], want["133"], want["32473/9"] = f.Octets, f.Packets, uint64(f.Reason)
		want["89"] = map[uint8]uint64{26: 137, 60: 129, 130: 140}[f.Reason]
		if want["89"] == 0 {
			want["89"] = 128
		}
	} else {
		want["1"], want["2"], want["89"] = f.Octets, f.Packets, 64
		want["32473/1"], want["32473/2"], want["32473/3"], want["32473/4"] = uint64(f.LatencyMin), uint64(f.LatencyMax), f.LatencySum, f.Latencies
		want["32473/5"], want["32473/6"], want["32473/7"] = uint64(f.DepthMax), f.DepthSum, f.Depths
	}
	if r.template != id || len(r.values) != len(want)+2 {
		t.Fatalf("%+v: got template %d with %d values, want %d with %d", f.Key, r.template, len(r.values), id, len(want)+2)
	}
	for name, v := range want {
		if r.u(name) != v {
			t.Errorf("%+v: element %s: got %d, want %d", f.Key, name, r.u(name), v)
		}
	}
}

func TestWithdrawAndRestart(t *testing.T) {
	var d decoder
	e := NewEncoder(config, func(m []byte, _ int) {
		if err := d.message(m); err != nil {
			t.Fatal(err)
		}
	})
	e.Templates()
	e.Reports(1, 2, 3)
	e.Withdraw()
	e.Flush()
	if len(d.templates) != 0 || len(d.records) != 1 {
		t.Errorf("got %d templates and %d records, want none and one", len(d.templates), len(d.records))
	}
	e.Reports(1, 2, 3) // is given up with its connection
	e.Restart()
	d = decoder{}
	e.Templates()
	e.Reports(1, 2, 3)
	e.Flush()
	if len(d.records) != 1 {
		t.Errorf("got %d records in the new stream, want one", len(d.records))
	}
}

func TestNTP(t *testing.T) {
	for _, ns := range []int64{0, 1, 999_999_999, 1_790_000_000_123_456_789, -1, -2_208_988_800e9} {
		v := ntp(ns)
		back := (int64(v>>32)-2_208_988_800)*1e9 + int64((v&(1<<32-1))*1e9>>32)
		if back != ns {
			t.Errorf("%d ns: %#x is %d ns", ns, v, back)
		}
	}
	if got := ntp(0); got != 0x83aa7e80_00000000 {
		t.Errorf("1970: got %#x, want 0x83aa7e8000000000", got)
	}
}

// No template is longer than the shortest message, and no name or number is there twice.
func TestTemplates(t *testing.T) {
	for _, tp := range Templates() {
		n, seen := messageHeader+setHeader+6, map[string]bool{}
		for _, f := range tp.Fields {
			key := fmt.Sprint(f.Enterprise, f.ID)
			if seen[key] || seen[f.Name] {
				t.Errorf("template %d: %s is there twice", tp.ID, f.Name)
			}
			seen[key], seen[f.Name] = true, true
			if n += 4; f.Enterprise {
				n += 4
			}
		}
		if n+3 > MinLength || tp.length()+messageHeader+setHeader+3 > MinLength {
			t.Errorf("template %d takes %d bytes, its records %d; want less than %d", tp.ID, n, tp.length(), MinLength)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []Config{{Enterprise: 1, Length: MinLength - 1}, {Enterprise: 1, Length: 1 << 16}, {Length: 1000}, {Enterprise: 1<<32 - 1, Length: 1000}} {
		if c.Check() == nil {
			t.Errorf("%+v is good", c)
		}
	}
}

func TestAllocations(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	b := records(rng, 1000)
	c := NewCache(Limits{Flows: 1000, Idle: 1, Active: 1}, func(*Flow) {})
	c.Observe(b)
	if n := testing.AllocsPerRun(20, func() { c.Observe(b) }); n != 0 {
		t.Errorf("got %g allocations for 1000 records of known flows, want none", n)
	}
	flows := someFlows(100)
	e := NewEncoder(config, func([]byte, int) {})
	if n := testing.AllocsPerRun(20, func() {
		for i := range flows {
			e.Flow(&flows[i])
		}
		e.Templates()
		e.Flush()
	}); n != 0 {
		t.Errorf("got %g allocations for writing %d flows, want none", n, len(flows))
	}
}

// BenchmarkObserve takes records of 1 000 flows at 5 nodes each.
func BenchmarkObserve(b *testing.B) {
	batch := make([]postcard.Record, 5000)
	for i := range batch {
		batch[i] = postcard.Record{
			Received: int64(i), Node: postcard.NodeID(i % 5), InPort: 1, OutPort: 2, VNI: 5, Latency: 1000, QueueDepth: 3, Length: 1000,
			Has:   postcard.HasPorts | postcard.HasInner | postcard.HasLatency | postcard.HasQueue | postcard.HasLength | postcard.HasVNI,
			Inner: postcard.Flow{Src: addr("10.0.0.1"), Dst: addr("10.0.0.2"), SrcPort: uint16(i / 5), Proto: 6},
		}
	}
	c := NewCache(Limits{Flows: 1 << 16, Idle: 1e9, Active: 1e9}, func(*Flow) {})
	b.ReportAllocs()
	for b.Loop() {
		c.Observe(batch)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(batch)), "ns/record")
}

func BenchmarkFlow(b *testing.B) {
	flows := someFlows(1000)
	cfg := config
	cfg.Length = 1400
	e := NewEncoder(cfg, func([]byte, int) {})
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		e.Flow(&flows[i%len(flows)])
	}
}
