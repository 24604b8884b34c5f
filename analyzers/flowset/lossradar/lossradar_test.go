package lossradar

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/telltale-net/telltale/analyzers/flowset"
)

func somePackets(n int, rng *rand.Rand) []Packet {
	out := make([]Packet, n)
	for i := range out {
		out[i] = Packet{Key: flowset.Key{rng.Uint64N(50), uint64(6) << 56}, ID: uint16(i), TTL: 60, At: time.Duration(i) * 10 * time.Microsecond, SYN: rng.IntN(20) == 0}
	}
	return out
}

func compare(a, b Packet) int {
	x, y := a.Signature(), b.Signature()
	return slices.Compare(x[:], y[:])
}

// What differs between two lists of packets is what the digests say.
func TestCompare(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 1))
		up, err := New(300, seed)
		if err != nil {
			t.Fatal(err)
		}
		down, _ := New(300, seed)
		var lost, extra []Packet
		for _, p := range somePackets(5000, rng) {
			switch rng.IntN(200) {
			case 0:
				lost = append(lost, p)
				up.Add(&p)
			case 1:
				extra = append(extra, p)
				down.Add(&p)
			default:
				up.Add(&p)
				down.Add(&p)
			}
		}
		d, err := Compare(up, down)
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(d.Lost, compare)
		slices.SortFunc(d.Extra, compare)
		slices.SortFunc(lost, compare)
		slices.SortFunc(extra, compare)
		if !d.Whole || !slices.Equal(d.Lost, lost) || !slices.Equal(d.Extra, extra) || d.Left != 0 {
			t.Errorf("seed %d: %d lost and %d extra, want %d and %d; whole %v, left %d", seed, len(d.Lost), len(d.Extra), len(lost), len(extra), d.Whole, d.Left)
		}
	}
}

// Digests too small say so and invent nothing.
func TestCompareOverfull(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	up, _ := New(60, 7)
	down, _ := New(60, 7)
	sent := map[Packet]bool{}
	for _, p := range somePackets(300, rng) {
		up.Add(&p)
		sent[p] = true
	}
	d, err := Compare(up, down)
	if err != nil {
		t.Fatal(err)
	}
	if d.Whole || d.Left+int64(len(d.Lost)-len(d.Extra)) != 300 {
		t.Errorf("whole %v, %d lost, %d extra, %d left; want 300 in all", d.Whole, len(d.Lost), len(d.Extra), d.Left)
	}
	for _, p := range d.Lost {
		if !sent[p] {
			t.Errorf("invented %+v", p)
		}
	}
	other, _ := New(90, 7)
	if _, err := Compare(up, other); err == nil {
		t.Error("digests of different sizes were compared")
	}
	if _, err := New(0, 0); err == nil {
		t.Error("a digest without cells was made")
	}
}

func TestClassify(t *testing.T) {
	const ms, us = time.Millisecond, time.Microsecond
	flow := func(n int) flowset.Key { return flowset.Key{uint64(n), 6 << 56} }
	run := func(n, of int, id, step uint16, at, gap time.Duration) (out []Packet) {
		for i := range of {
			out = append(out, Packet{Key: flow(n), ID: id + uint16(i)*step, TTL: 9, At: at + time.Duration(i)*gap})
		}
		return out
	}
	var random []Packet
	rng := rand.New(rand.NewPCG(3, 3))
	for i := range 40 {
		random = append(random, Packet{Key: flow(i % 9), ID: uint16(rng.Uint32()), TTL: 9, At: time.Duration(rng.Int64N(int64(100 * ms)))})
	}
	syns := run(5, 4, 1, 9, 1*ms, ms)
	for i := range syns {
		syns[i].SYN = true
	}
	dead := run(6, 3, 1, 1, 0, ms)
	for i := range dead {
		dead[i].TTL = 0
	}
	for _, c := range []struct {
		name string
		lost []Packet
		want Cause
	}{
		{"a queue drops some of a burst", run(1, 10, 7, 2, 5*ms, 5*us), Congestion},
		{"a burst lost whole", run(1, 10, 7, 1, 5*ms, 5*us), Congestion},
		{"a long burst lost whole", run(1, 31, 65530, 1, 5*ms, 5*us), Blackhole},
		{"a slow flow lost whole", run(1, 5, 65534, 1, 5*ms, 5*ms), Blackhole},
		{"connections that never begin", syns, Blackhole},
		{"here and there", random, Random},
		{"at one moment", run(1, 4, 1, 3, 5*ms, us), Unknown},
		{"one", run(1, 1, 1, 1, 5*ms, us), Unknown},
		{"time to live", dead, Loop},
	} {
		for i, got := range Classify(c.lost, 100*ms, Rules{}) {
			if got != c.want {
				t.Errorf("%s: packet %d: got %s, want %s", c.name, i, got, c.want)
			}
		}
	}
	if got := Classify(nil, 0, Rules{}); len(got) != 0 {
		t.Errorf("nothing: got %v", got)
	}
}
