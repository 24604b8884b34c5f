package engine_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/spec"
)

// walk is a switch that runs testdata/walk.p4.
type walk struct {
	testing.TB
	*engine.Switch
	now engine.Time
}

// seen is the header that walk.p4 adds at the end of egress.
type seen struct {
	Port                 uint16 // where the packet left
	Op                   uint8
	Value                uint16
	Instance             uint32
	Ingress, Egress, Rid uint16
	Kept, Lost           uint16
	Length               uint32
	EnqTime, EnqDepth    uint32
	DeqDelta, DeqDepth   uint32
	Result               uint16
	At, Done             engine.Time
	Payload              string
}

func compileFile(tb testing.TB, file string) *engine.Program {
	tb.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	sp, err := spec.Load(data)
	if err != nil {
		tb.Fatal(err)
	}
	prog, err := engine.Compile(sp)
	if err != nil {
		tb.Fatal(err)
	}
	return prog
}

func newWalk(tb testing.TB, cfg engine.Config) *walk {
	tb.Helper()
	return &walk{tb, engine.New(compileFile(tb, "testdata/walk.json"), cfg), 5_000_000}
}

func (w *walk) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// put lets a packet in at port 9.
func (w *walk) put(op, arg uint8, value uint16, payload string) {
	b := append([]byte{op, arg, byte(value >> 8), byte(value)}, payload...)
	w.Receive(w.now, 9, b)
}

// drain returns everything that leaves until the queues are empty.
func (w *walk) drain() []seen {
	w.Helper()
	var out []seen
	for {
		t, ok := w.Next()
		if !ok {
			return out
		}
		w.now = max(w.now, t)
		w.Run(w.now, func(tx engine.Tx) {
			if len(tx.Data) < 40 {
				out = append(out, seen{Port: tx.Port, Payload: string(tx.Data)})
				return
			}
			var s struct {
				Op, Arg                          uint8
				Value                            uint16
				Instance                         uint32
				Ingress, Egress, Rid, Kept, Lost uint16
				Length, EnqTime, EnqDepth        uint32
				DeqDelta, DeqDepth               uint32
				Result                           uint16
			}
			w.must(binary.Read(bytes.NewReader(tx.Data), binary.BigEndian, &s))
			out = append(out, seen{tx.Port, s.Op, s.Value, s.Instance, s.Ingress, s.Egress, s.Rid, s.Kept, s.Lost, s.Length,
				s.EnqTime, s.EnqDepth, s.DeqDelta, s.DeqDepth, s.Result, tx.At, tx.Done, string(tx.Data[40:])})
		})
	}
}

func (w *walk) send(op, arg uint8, value uint16, payload string) []seen {
	w.Helper()
	w.put(op, arg, value, payload)
	return w.drain()
}

// want compares what left, apart from times.
func (w *walk) want(got []seen, want ...seen) {
	w.Helper()
	for i := range got {
		got[i].At, got[i].Done, got[i].EnqTime = 0, 0, 0
	}
	if d := cmp.Diff(want, got); d != "" {
		w.Errorf("(-want +got)\n%s", d)
	}
}

func TestUnicast(t *testing.T) {
	w := newWalk(t, engine.Config{})
	got := w.send(0, 4, 77, "abc")
	if got[0].EnqTime != 5000 || got[0].At != 5_000_000 || got[0].Done != 5_000_000 {
		t.Errorf("times %+v; want 5 ms everywhere", got[0])
	}
	w.want(got, seen{Port: 4, Value: 77, Ingress: 9, Egress: 4, Kept: 77, Lost: 77, Length: 7, Payload: "abc"})
}

func TestIngressCloneSeesThePacketAsItEntered(t *testing.T) {
	w := newWalk(t, engine.Config{})
	w.must(w.SetCloneSession(device.CloneSession{ID: 7, Replicas: []device.Replica{{Port: 20, Instance: 3}, {Port: 21, Instance: 4}}}))
	w.want(w.send(1, 4, 10, "abc"),
		seen{Port: 4, Op: 1, Value: 0xffff, Ingress: 9, Egress: 4, Kept: 11, Lost: 10, Length: 7, Payload: "abc"},
		seen{Port: 20, Op: 1, Value: 10, Instance: 1, Egress: 20, Rid: 3, Kept: 11, Length: 7, Payload: "abc"},
		seen{Port: 21, Op: 1, Value: 10, Instance: 1, Egress: 21, Rid: 4, Kept: 11, Length: 7, Payload: "abc"})

	w.must(w.SetCloneSession(device.CloneSession{ID: 7, Replicas: []device.Replica{{Port: 20, Instance: 3}}, PacketLength: 5}))
	got := w.send(1, 4, 10, "abc")
	if p := got[1].Payload; p != "a" {
		t.Errorf("a clone cut to 5 bytes carries %q; want 4 bytes of header and \"a\"", p)
	}
	w.must(w.DeleteCloneSession(7))
	if got := w.send(1, 4, 10, "abc"); len(got) != 1 || w.Stats().UnknownClones != 1 {
		t.Errorf("without a session %d packets left, %+v; want the original only", len(got), w.Stats())
	}
}

func TestEgressCloneKeepsHeaders(t *testing.T) {
	w := newWalk(t, engine.Config{})
	w.must(w.SetCloneSession(device.CloneSession{ID: 7, Replicas: []device.Replica{{Port: 20, Instance: 3}}}))
	w.want(w.send(2, 4, 10, "abc"),
		seen{Port: 4, Op: 2, Value: 0xe2e2, Ingress: 9, Egress: 4, Kept: 12, Lost: 10, Length: 7, Payload: "abc"},
		// The header that egress added goes along: its length is counted.
		seen{Port: 20, Op: 2, Value: 0xe2e2, Instance: 2, Egress: 20, Rid: 3, Kept: 12, Length: 7 + 36, Payload: "abc"})
}

func TestResubmit(t *testing.T) {
	w := newWalk(t, engine.Config{})
	w.want(w.send(3, 4, 10, "abc"),
		// What is not in the field list is gone, the ingress port too: so it is in simple_switch.
		seen{Port: 3, Op: 3, Value: 10, Egress: 3, Kept: 10, Lost: 10, Length: 7, Payload: "abc"})
	if got := w.Stats().Resubmitted; got != 1 {
		t.Errorf("%d resubmitted; want 1", got)
	}
}

func TestRecirculate(t *testing.T) {
	w := newWalk(t, engine.Config{})
	w.want(w.send(4, 4, 10, "abc"), seen{Port: 4, Op: 4, Value: 10, Egress: 4, Kept: 10, Lost: 10, Length: 7, Payload: "abc"})
	if got := w.Stats().Recirculated; got != 3 {
		t.Errorf("%d recirculated; want 3", got)
	}
}

func TestMulticast(t *testing.T) {
	w := newWalk(t, engine.Config{})
	w.must(w.SetMulticastGroup(device.MulticastGroup{ID: 33, Replicas: []device.Replica{{Port: 1, Instance: 5}, {Port: 2, Instance: 6}, {Port: 1, Instance: 7}}}))
	s := seen{Op: 5, Value: 33, Instance: 5, Ingress: 9, Kept: 33, Lost: 33, Length: 7, Payload: "abc"}
	to := func(port, rid uint16, enq, deq uint32) seen {
		s := s
		s.Port, s.Egress, s.Rid, s.EnqDepth, s.DeqDepth = port, port, rid, enq, deq
		return s
	}
	w.want(w.send(5, 4, 33, "abc"), to(1, 5, 0, 1), to(1, 7, 1, 0), to(2, 6, 0, 0))
	if got := w.send(5, 4, 34, "abc"); len(got) != 0 || w.Stats().NoReplicas != 1 {
		t.Errorf("an unknown group let %d packets out, %+v; want none, counted", len(got), w.Stats())
	}
}

func TestDigest(t *testing.T) {
	w := newWalk(t, engine.Config{})
	var got []engine.Digest
	w.SetDigestSink(func(d engine.Digest) { got = append(got, d) })
	w.send(6, 4, 0x0102, "")
	want := []engine.Digest{{At: w.now, Name: "digest_t", ID: 1, Values: [][]byte{{0, 9}, {1, 2}, {0xbe, 0xef}}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestTruncate(t *testing.T) {
	w := newWalk(t, engine.Config{})
	if got := w.send(7, 4, 42, "abcdef"); got[0].Payload != "ab" {
		t.Errorf("cut to 42 bytes: payload %q; want ab", got[0].Payload)
	}
	if got := w.send(7, 4, 400, "abcdef"); got[0].Payload != "abcdef" {
		t.Errorf("cut to 400 bytes: payload %q; want all", got[0].Payload)
	}
}

func TestDropsAreCounted(t *testing.T) {
	w := newWalk(t, engine.Config{DropPort: 100, QueuesPerPort: 2})
	w.send(0, 100, 0, "")
	w.send(17, 1, 0, "")
	w.send(15, 1, 2, "")
	w.Receive(w.now, 1, []byte{1, 2})
	w.drain()
	s := w.Stats()
	got := []uint64{s.Received, s.Transmitted, s.IngressDrops, s.EgressDrops, s.BadPriority, s.ParserErrors}
	if want := []uint64{4, 1, 1, 1, 1, 1}; !slices.Equal(got, want) {
		t.Errorf("received, transmitted, dropped at ingress, egress, bad priority, parser errors: %d; want %d", got, want)
	}
}

func TestQueues(t *testing.T) {
	w := newWalk(t, engine.Config{QueuesPerPort: 2})
	w.SetPort(4, engine.PortConfig{RatePps: 1000, Depth: 3})
	start := w.now
	for range 6 {
		w.put(0, 4, 0, "")
	}
	var got [][4]int64
	for _, s := range w.drain() {
		got = append(got, [4]int64{int64(s.At - start), int64(s.EnqDepth), int64(s.DeqDepth), int64(s.DeqDelta)})
	}
	want := [][4]int64{{0, 0, 2, 0}, {1_000_000, 1, 1, 1000}, {2_000_000, 2, 0, 2000}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("time, depth found, depth left, µs waited (-want +got)\n%s", d)
	}
	if got := w.TailDrops(4); got != 3 || w.Stats().TailDrops != 3 {
		t.Errorf("%d tail drops of port 4, %d in all; want 3", got, w.Stats().TailDrops)
	}

	// The greater priority leaves first.
	w.put(15, 4, 0, "low")
	w.put(15, 4, 0, "low")
	w.put(15, 4, 1, "high")
	var order []string
	for _, s := range w.drain() {
		order = append(order, s.Payload)
	}
	if want := []string{"high", "low", "low"}; !slices.Equal(order, want) {
		t.Errorf("left in the order %v; want %v", order, want)
	}

	// At 8 Mbit/s a byte takes a microsecond, as transmitted.
	w.SetPort(4, engine.PortConfig{RateBps: 8_000_000})
	w.now += 1_000_000_000
	s := w.send(0, 4, 0, "0123456789")[0]
	if got, want := s.Done-s.At, engine.Time(50_000); got != want {
		t.Errorf("50 bytes took %d ns; want %d", got, want)
	}
}

func TestMeters(t *testing.T) {
	w := newWalk(t, engine.Config{})
	color := func(index uint16) uint16 {
		t.Helper()
		return w.send(10, 1, index, "")[0].Result
	}
	if got := color(1); got != 0 {
		t.Errorf("an unconfigured meter says %d; want green", got)
	}
	// Two packets committed, four peak; nothing comes back within the burst.
	w.must(w.WriteMeter("I.meters", 1, &device.MeterConfig{CIR: 1, CBurst: 2, PIR: 2, PBurst: 4}))
	var got []uint16
	for range 6 {
		got = append(got, color(1))
	}
	if want := []uint16{0, 0, 1, 1, 2, 2}; !slices.Equal(got, want) {
		t.Errorf("colours %v; want %v", got, want)
	}
	w.now += 500_000_000 // half a second: one peak token
	if a, b := color(1), color(1); a != 1 || b != 2 {
		t.Errorf("colours %d, %d after half a second; want 1, 2", a, b)
	}
	color(4) // out of range: nothing happens
	if n := w.Stats().IndexErrors; n != 2 {
		t.Errorf("%d index errors; want 2, of meter and counter", n)
	}
	c, err := w.ReadCounter("I.counts", 1)
	w.must(err)
	if want := (device.CounterValue{Packets: 9, Bytes: 36}); c != want {
		t.Errorf("counter %+v; want %+v", c, want)
	}

	// A direct meter writes its colour before the action runs, and counts bytes.
	w.must(w.Insert("I.metering", device.Entry{Matches: []device.Match{{Kind: device.Exact, Value: []byte{1}}},
		Target: action("I.metered", []byte{0, 2}), Meter: &device.MeterConfig{CIR: 1, CBurst: 4, PIR: 1, PBurst: 8}}))
	got = nil
	for range 3 {
		got = append(got, w.send(9, 1, 0, "")[0].Result)
	}
	if want := []uint16{0, 1, 2}; !slices.Equal(got, want) {
		t.Errorf("direct meter: colours %v; want %v", got, want)
	}
}

func TestRegisters(t *testing.T) {
	w := newWalk(t, engine.Config{})
	if a, b := w.send(11, 1, 2, "")[0].Result, w.send(11, 1, 2, "")[0].Result; a != 0 || b != 3 {
		t.Errorf("read %d, %d; want 0, 3", a, b)
	}
	v, err := w.ReadRegister("I.cells", 2)
	w.must(err)
	if !bytes.Equal(v, []byte{0, 6}) {
		t.Errorf("the cell holds %x; want 0006", v)
	}
	w.must(w.WriteRegister("I.cells", 2, []byte{0xff, 0xff}))
	w.send(11, 1, 2, "")
	if v, _ := w.ReadRegister("I.cells", 2); !bytes.Equal(v, []byte{0, 2}) {
		t.Errorf("ffff + 3 is %x; want 0002", v)
	}
	// The wide register shifts in what passes by.
	want := append(bytes.Repeat([]byte{0}, 10), 0, 2, 0, 2, 0, 2)
	if v, _ := w.ReadRegister("I.wide", 1); !bytes.Equal(v, want) {
		t.Errorf("the wide cell holds %x; want %x", v, want)
	}
}

func TestRandomIsSeeded(t *testing.T) {
	draw := func(seed uint64) (out []uint16) {
		w := newWalk(t, engine.Config{Seed: seed})
		for range 200 {
			out = append(out, w.send(16, 1, 0, "")[0].Result)
		}
		return out
	}
	a := draw(1)
	if !slices.Equal(a, draw(1)) || slices.Equal(a, draw(2)) {
		t.Error("the seed does not decide")
	}
	if slices.Min(a) != 10 || slices.Max(a) != 19 {
		t.Errorf("drew %d to %d; want 10 to 19", slices.Min(a), slices.Max(a))
	}
}

// What circles at one instant ends, what circles while time passes does not.
func TestCircles(t *testing.T) {
	start := func(op byte) *engine.Switch {
		s := engine.New(compileFile(t, "testdata/circle.json"), engine.Config{})
		if err := s.SetCloneSession(device.CloneSession{ID: 7, Replicas: []device.Replica{{Port: 2}, {Port: 3}}}); err != nil {
			t.Fatal(err)
		}
		s.Receive(0, 0, []byte{op})
		return s
	}
	for op := range byte(4) {
		s, left := start(op), 0
		s.Run(0, func(engine.Tx) { left++ })
		got := s.Stats()
		if _, waiting := s.Next(); waiting || (op == 0) != (got.TooManyPasses == 0) || (op == 0 || op == 3) != (left > 0) {
			t.Errorf("op %d: %d left, %+v", op, left, got)
		}
	}
	s := engine.New(compileFile(t, "testdata/circle.json"), engine.Config{})
	s.SetPort(1, engine.PortConfig{RatePps: 1_000_000})
	s.Receive(0, 0, []byte{2})
	s.Run(10_000_000, func(engine.Tx) { t.Error("it left") })
	if got := s.Stats(); got.Recirculated < 9_000 || got.TooManyPasses != 0 {
		t.Errorf("at one pass per µs, in 10 ms: %+v", got)
	}
}

func TestValueSet(t *testing.T) {
	w := newWalk(t, engine.Config{})
	if got := w.send(0, 4, 0, "xyz")[0].Payload; got != "xyz" {
		t.Errorf("payload %q; want all of it", got)
	}
	w.must(w.SetValueSet("P.tagged", []engine.ValueSetMember{{Value: []byte{4}}, {Value: []byte{8}}}))
	got := w.send(0, 4, 0, "xyz")[0]
	if got.Payload != "xyz" { // the tag is emitted again, behind what egress adds
		t.Errorf("payload %q; want the tag and the rest", got.Payload)
	}
	w.Receive(w.now, 9, []byte{0, 4, 0, 0}) // no tag
	if w.drain(); w.Stats().ParserErrors != 1 {
		t.Error("a packet without its tag parsed")
	}
	five := slices.Repeat([]engine.ValueSetMember{{Value: []byte{4}}}, 5)
	if err := w.SetValueSet("P.tagged", five); !errors.Is(err, device.ErrExhausted) {
		t.Errorf("five members: %v; want %v", err, device.ErrExhausted)
	}
}

func action(name string, args ...[]byte) device.Target {
	return device.Target{Action: &device.Action{Name: name, Args: args}}
}
