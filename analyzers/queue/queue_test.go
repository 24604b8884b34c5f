package queue

import (
	"context"
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/telltale-net/telltale/analyzers/queue/diagnosis"
	"github.com/telltale-net/telltale/analyzers/queue/records"
)

// line is a source, then queues a and b one after the other, each serving a packet in
// 1 µs, 500 ns apart; packets of eight flows come every 2 µs.
type line struct {
	t    *testing.T
	net  *records.Network
	b    *records.Builder
	flow [16]records.FlowID

	packets []int64 // departure at the source
	flows   []int
	stalls  map[int][2]int64 // node → when its server stands still
	slow    map[int]int64    // flow → service at a
}

func newLine(t *testing.T) *line {
	net, err := records.NewNetwork([]records.NodeSpec{{Name: "s", Type: records.Source, Next: []string{"a"}}, {Name: "a", Next: []string{"b"}}, {Name: "b"}})
	if err != nil {
		t.Fatal(err)
	}
	l := &line{t: t, net: net, b: records.NewBuilder(net, 0), stalls: map[int][2]int64{}, slow: map[int]int64{}}
	for i := range l.flow {
		l.flow[i] = l.b.Flow(records.Flow{SrcPort: uint16(1000 + i), DstPort: uint16(80 + i%8), Proto: 6})
	}
	for i := range 4000 {
		l.packets = append(l.packets, int64(i)*2000)
		l.flows = append(l.flows, i%8)
	}
	return l
}

// burst adds so many packets of flow 9, 100 ns apart.
func (l *line) burst(at int64, n int) {
	for i := range n {
		l.packets = append(l.packets, at+int64(i)*100)
		l.flows = append(l.flows, 9)
	}
}

// run serves everything and returns the analyzer.
func (l *line) run(cfg Config) *Analyzer {
	type packet struct {
		id int
		at int64
	}
	var in []packet
	for id, at := range l.packets {
		in = append(in, packet{id, at})
		l.add(records.Record{Packet: uint64(id), Flow: l.flow[l.flows[id]], Arrive: records.Absent, Start: records.Absent, Depart: at})
	}
	for node := 1; node <= 2; node++ {
		for i := 1; i < len(in); i++ { // by time, few are out of place
			for k := i; k > 0 && in[k-1].at > in[k].at; k-- {
				in[k-1], in[k] = in[k], in[k-1]
			}
		}
		free := int64(0)
		for i := range in {
			arrive := in[i].at + 500
			start := max(arrive, free)
			if s := l.stalls[node]; start >= s[0] && start < s[1] {
				start = s[1]
			}
			end := start + 1000
			if own := l.slow[l.flows[in[i].id]]; own > 0 && node == 1 {
				end = start + own
			}
			l.add(records.Record{Packet: uint64(in[i].id), Node: int32(node), Flow: l.flow[l.flows[in[i].id]], Arrive: arrive, Start: start, Depart: end})
			free, in[i].at = end, end
		}
	}
	return New(l.b.Trace(), cfg)
}

func (l *line) add(r records.Record) {
	if err := l.b.Add(r); err != nil {
		l.t.Fatal(err)
	}
}

// why returns the diagnosis of the first packet that came to a node at or after a time.
func why(t *testing.T, a *Analyzer, node int32, at int64) diagnosis.Diagnosis {
	t.Helper()
	q := &a.t.Of(node)[0]
	v := a.Victim(int(a.t.FirstOf(node)), q.FirstArrival(at))
	d, err := a.Diagnose(context.Background(), []diagnosis.Victim{v}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return d[0]
}

func foremost(t *testing.T, d diagnosis.Diagnosis) diagnosis.Cause {
	t.Helper()
	if len(d.Causes) == 0 {
		t.Fatalf("no cause for %+v", d.Victim)
	}
	return d.Causes[0]
}

func within(t *testing.T, what string, got, want, by float64) {
	t.Helper()
	if got < want-by || got > want+by {
		t.Errorf("%s: got %v, want %v ± %v", what, got, want, by)
	}
}

// TestStall: a stands still for 300 µs. A packet that comes 100 µs into it waits 200 µs
// and for the 50 that came before it, all because of the stall; at b, the release comes
// as fast as b serves, so that nobody waits there.
func TestStall(t *testing.T) {
	l := newLine(t)
	l.stalls[1] = [2]int64{1_000_000, 1_300_000}
	a := l.run(Config{})
	within(t, "norm of a", a.Service(1).Norm, 1000, 1)
	d := why(t, a, 1, 1_100_000)
	c := foremost(t, d)
	if c.Node != 1 || c.Kind != diagnosis.Processing || len(c.Flows) != 0 {
		t.Errorf("got %+v, want a stall of a", c)
	}
	within(t, "score", c.Score, 1, 0.01)
	within(t, "begins", float64(c.From), 1_000_500, 2000)
	within(t, "ends", float64(c.To), 1_300_000, 1000)
	within(t, "packets held up", float64(c.Packets), 150, 2)
	within(t, "wait", float64(d.Victim.Wait), 200_000+50_000, 2500)
	if d.Uncertainty.Ambiguous || d.Uncertainty.Unexplained > 0.01 || d.Uncertainty.RecordLoss != 0 {
		t.Errorf("uncertainty %+v, want none", d.Uncertainty)
	}
}

// TestBurst: 400 packets of one flow at ten times a's rate. Those behind wait for it at a.
func TestBurst(t *testing.T) {
	l := newLine(t)
	l.burst(2_000_000, 400)
	d := why(t, l.run(Config{}), 1, 2_060_000)
	c := foremost(t, d)
	if c.Node != 0 || c.Kind != diagnosis.Traffic || len(c.Flows) != 1 || c.Flows[0].Flow != l.flow[9] {
		t.Errorf("got %+v, want a burst of flow 9 at the source", c)
	}
	within(t, "packets", float64(c.Packets), 400, 0)
	within(t, "score", c.Score, 1, 0.01)
	if len(c.Steps) != 2 || c.Steps[1].Node != 1 || c.Steps[1].Packets != 400 {
		t.Errorf("steps %+v, want 400 packets to reach a", c.Steps)
	}
}

// TestPropagation: a stands still, and when what it held up reaches b at twice the
// usual rate, b stands still, too.
func TestPropagation(t *testing.T) {
	l := newLine(t)
	l.stalls[1] = [2]int64{1_000_000, 1_300_000}
	l.stalls[2] = [2]int64{1_350_000, 1_400_000}
	a := l.run(Config{})
	// Without a's stall, what comes to b at 1.44 ms would have been there 100 µs before,
	// and have met b's stall or what was left of it; without b's, it would not wait.
	d := why(t, a, 2, 1_440_000)
	if len(d.Causes) < 2 {
		t.Fatalf("got %+v, want both stalls", d.Causes)
	}
	seen := map[int32]diagnosis.Cause{}
	for _, c := range d.Causes {
		if c.Kind == diagnosis.Processing {
			seen[c.Node] = c
		}
	}
	if s := seen[1].Steps; len(s) != 2 || s[1].Node != 2 || s[1].Packets < 140 {
		t.Errorf("steps %+v, want what a held up to reach b", s)
	}
	if c := seen[2]; c.Score < 0.5 {
		t.Errorf("b's own stall: got %+v, want at least half", c)
	}
	// Who comes before a's backlog does waits for b alone.
	l = newLine(t)
	l.stalls[2] = [2]int64{1_350_000, 1_400_000}
	if c := foremost(t, why(t, l.run(Config{}), 2, 1_352_000)); c.Node != 2 || c.Kind != diagnosis.Processing || c.Score < 0.98 {
		t.Errorf("got %+v, want b's stall", c)
	}
}

// TestSlowFlow: 60 packets of one flow, 30 µs of service each at a instead of 1 µs.
func TestSlowFlow(t *testing.T) {
	l := newLine(t)
	for i := range 60 {
		l.packets = append(l.packets, 3_000_000+int64(i)*15_000)
		l.flows = append(l.flows, 11)
	}
	l.slow[11] = 30_000
	a := l.run(Config{})
	d := why(t, a, 1, 3_700_000)
	c := foremost(t, d)
	if c.Node != 1 || c.Kind != diagnosis.Processing || len(c.Flows) != 1 || c.Flows[0].Flow != l.flow[11] {
		t.Errorf("got %+v, want flow 11 to be slow at a", c)
	}
	within(t, "packets", float64(c.Packets), 60, 0)
}

// TestOwnService: a packet that meets no queue and is served for long blames its node.
func TestOwnService(t *testing.T) {
	l := newLine(t)
	l.packets, l.flows = append(l.packets, 5_000_700), append(l.flows, 12)
	l.slow[12] = 80_000
	c := foremost(t, why(t, l.run(Config{}), 1, 5_001_000))
	if c.Node != 1 || c.Kind != diagnosis.Processing {
		t.Errorf("got %+v, want a's processing", c)
	}
	within(t, "score", c.Score, 1, 0.02)
}

// TestLocalScores: the paper's scores of a queue that holds 50 packets after a stall of
// 100 µs, arrivals at half of the peak rate.
func TestLocalScores(t *testing.T) {
	l := newLine(t)
	l.stalls[1] = [2]int64{1_000_000, 1_300_000}
	a := l.run(Config{Method: Plain})
	r := a.cut(900_000, 1_200_000)
	m := &microscope{r: r}
	lane := int(r.byQueue[a.t.FirstOf(1)])
	row := r.lanes[lane].firstArrival(1_100_000)
	p := m.period(lane, row)
	within(t, "packets in", p.in, 51, 1)
	within(t, "packets out", p.out, 0, 0)
	within(t, "input score", p.si, 0, 0)
	if p.si+p.sp != p.in-p.out {
		t.Errorf("Si %v + Sp %v, want the queue's length %v", p.si, p.sp, p.in-p.out)
	}
	c := foremost(t, why(t, a, 1, 1_100_000))
	if c.Node != 1 || c.Kind != diagnosis.Processing {
		t.Errorf("got %+v, want a's processing", c)
	}
}

func TestTailAndFind(t *testing.T) {
	l := newLine(t)
	l.stalls[1] = [2]int64{1_000_000, 1_100_000}
	a := l.run(Config{})
	tail := a.Tail(0.99)
	if len(tail) < 30 || len(tail) > 45 {
		t.Errorf("%d victims above the 99th percentile of 4000 packets, want about 40", len(tail))
	}
	for _, v := range tail {
		if v.Node != 1 || v.Arrive < 1_000_000 || v.Arrive > 1_110_000 {
			t.Errorf("victim %+v, want only those that the stall held up at a", v)
		}
	}
	found, missing := a.Find([]Ref{{Packet: tail[3].Packet, Node: 1}, {Packet: tail[3].Packet, Node: -1}, {Packet: 99999, Node: -1}, {Packet: 1, Node: 2}})
	if missing != 1 || len(found) != 3 {
		t.Fatalf("%d found, %d missing; want 3, 1", len(found), missing)
	}
	if d := cmp.Diff(found[0], found[1]); d != "" || found[0] != tail[3] {
		t.Errorf("the packet with and without its node: %s", d)
	}
	if len(a.Lost()) != 0 {
		t.Error("nothing was lost")
	}
	if v := a.Throughput(0.999); len(v) == 0 || v[0].Node != 1 || v[0].Arrive > 1_020_000 {
		t.Errorf("throughput breaks in where the stall begins, got %+v", v)
	}
}

// TestWorkers: the answers do not depend on how many work, and a cancelled context ends it.
func TestWorkers(t *testing.T) {
	tr := randomTrace(t, rand.New(rand.NewPCG(3, 3)))
	a := New(tr, Config{Span: time.Microsecond})
	victims := append(a.Tail(0.9), a.Lost()...)
	one, err := a.Diagnose(context.Background(), victims, 1)
	if err != nil {
		t.Fatal(err)
	}
	three, err := a.Diagnose(context.Background(), victims, 3)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(one, three); d != "" {
		t.Error(d)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := a.Diagnose(ctx, victims, 2); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}

// TestAnything: whatever the records say, nothing panics, scores are shares, and causes
// are in order.
func TestAnything(t *testing.T) {
	for seed := range uint64(150) {
		rng := rand.New(rand.NewPCG(seed, 4))
		net, err := records.NewNetwork([]records.NodeSpec{
			{Name: "s", Type: records.Source, Next: []string{"a"}}, {Name: "a", Next: []string{"b"}, RatePPS: float64(rng.IntN(2)) * 1e6},
			{Name: "b", Next: []string{"a", "c"}}, {Name: "c"},
		})
		if err != nil {
			t.Fatal(err)
		}
		b := records.NewBuilder(net, 0)
		for range 5 {
			b.Flow(records.Flow{SrcPort: uint16(rng.IntN(100) + 1)})
		}
		for range rng.IntN(600) {
			r := records.Record{Packet: uint64(rng.IntN(200)), Node: int32(rng.IntN(4)), Flow: records.NoFlow, Queue: uint16(rng.IntN(2)),
				Arrive: rng.Int64N(300_000), Start: records.Absent, Depart: records.Absent}
			if rng.IntN(3) > 0 {
				r.Flow = 0
			}
			if rng.IntN(9) == 0 {
				r.Packet = records.NoPacket
			}
			if r.Node == 0 || rng.IntN(5) > 0 {
				r.Depart = r.Arrive + rng.Int64N(30_000)
				if rng.IntN(2) == 0 {
					r.Start = r.Arrive + rng.Int64N(r.Depart-r.Arrive+1)
				}
			}
			if err := b.Add(r); err != nil {
				t.Fatal(err)
			}
		}
		tr := b.Trace()
		for _, method := range []Method{Replay, Plain} {
			a := New(tr, Config{Method: method})
			victims := append(append(a.Tail(0.3), a.Lost()...), a.Throughput(0.5)...)
			answers, err := a.Diagnose(context.Background(), victims, 1)
			if err != nil {
				t.Fatal(err)
			}
			for i := range answers {
				d := &answers[i]
				if d.Victim != victims[i] {
					t.Fatalf("seed %d: answer %d is about %+v, want %+v", seed, i, d.Victim, victims[i])
				}
				last := 1.0
				for _, c := range d.Causes {
					if !(c.Score >= 0 && c.Score <= last+1e-9 && c.Low <= c.Score && c.Score <= c.High+1e-9) {
						t.Fatalf("seed %d, method %d: cause %+v after score %v", seed, method, c, last)
					}
					last = c.Score
				}
				if u := d.Uncertainty; !(u.Unexplained >= 0 && u.Unexplained <= 1 && u.RecordLoss >= 0 && u.RecordLoss <= 1) {
					t.Fatalf("seed %d: uncertainty %+v", seed, u)
				}
			}
		}
	}
}

// TestStreamAgainstWhole: a stream of windows says the same about a victim as the whole
// trace at once, but for what is usual in it.
func TestStreamAgainstWhole(t *testing.T) {
	l := newLooped(t, 6e5, 120*time.Millisecond)
	var victims, answers int
	whole := records.NewBuilderOver(l.net, l.flows, 0)
	if err := l.feed(2, func(batch []records.Record) error {
		for _, r := range batch {
			if err := whole.Add(r); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	a := New(whole.Trace(), Config{})
	same := 0
	ctx := context.Background()
	s := NewStream(l.net, func() []records.Flow { return l.flows }, StreamConfig{Window: 50 * time.Millisecond, Late: 20 * time.Millisecond, Workers: 2},
		func(_ *records.Trace, d []diagnosis.Diagnosis) error {
			var vs []diagnosis.Victim
			for i := range d {
				vs = append(vs, d[i].Victim)
			}
			want, err := a.Diagnose(ctx, vs, 1)
			if err != nil {
				return err
			}
			victims += len(d)
			for i := range d {
				if len(d[i].Causes) > 0 {
					answers++
				}
				if len(d[i].Causes) > 0 && len(want[i].Causes) > 0 && d[i].Causes[0].Node == want[i].Causes[0].Node && d[i].Causes[0].Kind == want[i].Causes[0].Kind && reflect.DeepEqual(d[i].Victim, want[i].Victim) {
					same++
				}
			}
			return nil
		})
	if err := l.feed(2, func(batch []records.Record) error { return s.Add(ctx, batch) }); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if victims < 100 || answers < victims*99/100 || same < victims*97/100 || s.TooLate() > 0 {
		t.Errorf("%d victims, %d answered, %d as in the whole, %d too late; want nearly all", victims, answers, same, s.TooLate())
	}
}

func TestStreamRefuses(t *testing.T) {
	l := newLooped(t, 1e5, 10*time.Millisecond)
	ctx := context.Background()
	none := func(*records.Trace, []diagnosis.Diagnosis) error { return nil }
	flows := func() []records.Flow { return l.flows }
	s := NewStream(l.net, flows, StreamConfig{MaxRecords: 100}, none)
	if err := l.feed(1, func(b []records.Record) error { return s.Add(ctx, b) }); !errors.Is(err, records.ErrFull) {
		t.Errorf("got %v, want that there is no room", err)
	}
	s = NewStream(l.net, flows, StreamConfig{}, func(*records.Trace, []diagnosis.Diagnosis) error { return errors.New("no taker") })
	if err := s.Add(ctx, l.all); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(ctx); err == nil || !strings.Contains(err.Error(), "no taker") {
		t.Errorf("got %v, want the taker's error", err)
	}
}

func TestQuantileOfStays(t *testing.T) {
	for ns := int64(0); ns < 1<<40; ns = ns*5/4 + 1 {
		if b := stayBucket(ns); upper(b) < ns || b > 0 && upper(b-1) >= ns {
			t.Fatalf("%d ns falls into bucket %d, which ends at %d", ns, b, upper(b))
		}
	}
}
