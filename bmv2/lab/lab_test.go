package lab

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"testing"
	"time"

	"github.com/telltale-net/telltale/bmv2/lab/frame"
	"github.com/telltale-net/telltale/bmv2/lab/traffic"
)

// One packet through six links takes the sum of their serialisation and delay, to the
// nanosecond.
func TestDelayIsExact(t *testing.T) {
	fab := small(t)
	from, to := far(t, fab)
	l := fakes(t, Config{Fabric: fab})
	const length = 1000
	add(t, l, traffic.Flow{From: from.Name, To: to.Name, Proto: frame.UDP, SrcPort: 1, DstPort: 2,
		Sizes: traffic.Fixed(length), Arrivals: traffic.Arrivals{PPS: 10}, Stop: 350 * time.Millisecond})
	runUntil(t, l, time.Second)
	s := l.Flows()[0]
	// host 100 Mb/s 1 µs, access 1 Gb/s 2 µs, trunk 1 Gb/s 5 µs; twice each.
	want := 2 * (80*time.Microsecond + time.Microsecond + 8*time.Microsecond + 2*time.Microsecond + 8*time.Microsecond + 5*time.Microsecond)
	if s.Sent != 4 || s.Delivered != 4 || s.Delay.Min != want || s.Delay.Max != want {
		t.Fatalf("sent %d, delivered %d, delay %v…%v; want 4, 4, %v", s.Sent, s.Delivered, s.Delay.Min, s.Delay.Max, want)
	}
}

// A saturated link carries its rate and not a frame more.
func TestRateIsExact(t *testing.T) {
	fab := small(t)
	from, to := far(t, fab)
	l := fakes(t, Config{Fabric: fab})
	// 100 Mb/s at 1250 bytes: 10 000 frames/s. Offered: 15 000.
	add(t, l, traffic.Flow{From: from.Name, To: to.Name, Proto: frame.UDP, SrcPort: 1, DstPort: 2,
		Sizes: traffic.Fixed(1250), Arrivals: traffic.Arrivals{PPS: 15000}, Stop: time.Second})
	runUntil(t, l, time.Second)
	s := l.Flows()[0]
	if s.Delivered < 9990 || s.Delivered > 10000 {
		t.Fatalf("delivered %d frames in a second, want just below 10000", s.Delivered)
	}
	runUntil(t, l, 2*time.Second)
	s, st := l.Flows()[0], l.Stats()
	if st.InFlight != 0 {
		t.Fatalf("%d frames in flight a second after the last was sent", st.InFlight)
	}
	full := uint64(0)
	for _, w := range st.Links {
		full += w.QueueFull
	}
	if full == 0 || s.Missing() != full {
		t.Fatalf("missing %d, the host's queue dropped %d: want equal and not zero", s.Missing(), full)
	}
}

// trace hashes every frame on every wire, with its instant.
func trace(t *testing.T, seed uint64, slices int) (sum string, s Stats) {
	t.Helper()
	fab := small(t)
	l := fakes(t, Config{Fabric: fab, Seed: seed, Clocks: map[string]SwitchClock{"leaf1": {Offset: time.Hour, DriftPPB: 40000}}})
	wires := make([]hash.Hash, len(l.wires))
	for i := range wires {
		wires[i] = sha256.New()
	}
	l.watch = func(w *wire, at Time, b []byte) {
		fmt.Fprintln(wires[w.id], at, len(b))
		wires[w.id].Write(b)
	}
	addMix(t, l, traffic.Mix{Seed: seed, PPS: 5000})
	from, _ := far(t, fab)
	loss := LossyLink(from.At.Node, 1, 0.1)
	for i := 1; i <= slices; i++ {
		runUntil(t, l, time.Duration(i)*time.Second/time.Duration(slices))
		if i == slices/2 {
			if err := loss.Apply(l); err != nil {
				t.Fatal(err)
			}
		}
	}
	all := sha256.New()
	for _, h := range wires {
		all.Write(h.Sum(nil))
	}
	return fmt.Sprintf("%x", all.Sum(nil)), l.Stats()
}

func TestSameSeedSameBytes(t *testing.T) {
	a, s := trace(t, 7, 2)
	if s.Events < 10000 {
		t.Fatalf("only %d events: the test says little", s.Events)
	}
	if b, _ := trace(t, 7, 2); a != b {
		t.Errorf("the same seed gave other bytes: %s and %s", a, b)
	}
	if b, _ := trace(t, 7, 100); a != b {
		t.Errorf("running in smaller steps gave other bytes: %s and %s", a, b)
	}
	if b, _ := trace(t, 8, 2); a == b {
		t.Errorf("another seed gave the same bytes")
	}
}
