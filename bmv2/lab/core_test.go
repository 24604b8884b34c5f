package lab

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// The heap pops what a sort by instant, rank and order of arrival would.
func TestQueueAgainstSort(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var q queue
	var oracle []event
	for step := range uint64(20000) {
		if len(oracle) == 0 || r.IntN(5) < 3 && step < 15000 {
			e := event{at: Time(r.IntN(50)), rank: rank(r.IntN(3))<<kindShift | rank(r.IntN(3))}
			q.push(e)
			e.seq = q.seq - 1
			oracle = append(oracle, e)
			slices.SortStableFunc(oracle, func(a, b event) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.rank, b.rank)) })
			continue
		}
		got, want := q.pop(), oracle[0]
		oracle = oracle[1:]
		if got != want {
			t.Fatalf("step %d: popped %+v, want %+v", step, got, want)
		}
	}
	if at := q.top(); len(oracle) == 0 && at != forever || len(oracle) > 0 && at != oracle[0].at {
		t.Fatalf("the next is said to be due at %d, with %d left", at, len(oracle))
	}
}

// A switch's clock never goes back, and global finds the first instant at which it
// shows what was asked.
func TestSwitchClock(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 20000 {
		c := SwitchClock{Offset: time.Duration(r.Int64N(int64(time.Hour))), DriftPPB: r.Int64N(2e6+1) - 1e6}
		if err := c.check(); err != nil {
			t.Fatal(err)
		}
		at := Time(r.Int64N(int64(24 * time.Hour)))
		if c.At(at+1) < c.At(at) {
			t.Fatalf("%+v goes back after %d", c, at)
		}
		shown := c.At(at)
		g := c.When(shown)
		if c.At(g) < shown || c.At(g-1) >= shown {
			t.Fatalf("%+v: When(%d) = %d, where it shows %d, and %d before", c, shown, g, c.At(g), c.At(g-1))
		}
		if want := Time(c.Offset) + at + Time(float64(at)/1e9*float64(c.DriftPPB)); shown-want < -2000 || shown-want > 2000 {
			t.Fatalf("%+v shows %d at %d, want about %d", c, shown, at, want)
		}
	}
	for _, c := range []SwitchClock{{Offset: -1}, {DriftPPB: 1e6 + 1}, {DriftPPB: -1e6 - 1}} {
		if c.check() == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
}

// A host's port holds depth waiting packets beside the one leaving, and is free again
// as they begin to leave.
func TestNIC(t *testing.T) {
	c := nic{starts: make([]Time, 2)}
	f := func(now Time, wantStart, wantDone Time, wantOK bool) {
		t.Helper()
		start, done, ok := c.take(now, 125, 1e9) // 1 µs each
		if start != wantStart || done != wantDone || ok != wantOK {
			t.Errorf("take at %d: %d…%d %v, want %d…%d %v", now, start, done, ok, wantStart, wantDone, wantOK)
		}
	}
	f(0, 0, 1000, true)
	f(0, 1000, 2000, true)
	f(0, 2000, 3000, true)
	f(0, 0, 0, false)
	f(999, 0, 0, false)
	f(1000, 3000, 4000, true)
	f(9000, 9000, 10000, true)
}
