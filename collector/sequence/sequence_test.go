package sequence

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// observeAll gives what each number meant, one letter each, and the lost in the end.
func observeAll(s *Stream, seqs ...uint32) (string, int64) {
	out, lost := "", int64(0)
	for _, q := range seqs {
		k, d := s.Observe(q)
		out += string("fnglD?R"[k])
		lost += d
	}
	return out, lost
}

func TestStream(t *testing.T) {
	const top = 1<<22 - 1
	f := func(want string, lost int64, seqs ...uint32) {
		t.Helper()
		s := NewStream(22)
		got, gotLost := observeAll(&s, seqs...)
		if got != want || gotLost != lost {
			t.Errorf("%v: got %s, %d lost; want %s, %d lost", seqs, got, gotLost, want, lost)
		}
	}
	f("fnnn", 0, 5, 6, 7, 8)
	f("fnnn", 0, top-1, top, 0, 1)
	f("fgn", 3, top-1, 2, 3)
	f("fgll", 0, 1, 4, 3, 2)
	f("fglDD", 1, 1, 4, 3, 3, 4)
	f("fD", 0, 1, 1)
	f("fDDn", 0, 9, 8, 7, 10)                           // before the beginning: never late
	f("f?n", 0, 100000, 50000, 100001)                  // a stray
	f("f?Rn", 0, 100000, 0, 1, 2)                       // back to zero
	f("f?R", 2, 100000, 0, 3)                           // back to zero, two lost there
	f("f?g", 199999, 0, 200000, 200001)                 // a gap wider than believed at once
	f("f??R", 0, 3000000, 0, 1500000, 1500001)          // two strays, the second one followed
	f("f?g", 1<<20, top, 1<<20, 1<<20+1)                // far ahead of the end is no restart
	f("f?", 0, 1<<21, 0)                                // doubt alone changes nothing
	f("fDDDDDDDDDDDDDDDDDDD", 0, make([]uint32, 20)...) // a source that never counts is no restart
}

func TestRestartWithinTheWindow(t *testing.T) {
	s := NewStream(22)
	for q := uint32(0); q < 100; q++ {
		s.Observe(q)
	}
	restarts, next := 0, 0
	for q := uint32(0); q < 100; q++ {
		switch k, _ := s.Observe(q); k {
		case Restart:
			restarts++
		case Next:
			next++
		}
	}
	if restarts != 1 || next != 100-restartRun {
		t.Errorf("got %d restarts and %d in order, want 1 and %d", restarts, next, 100-restartRun)
	}
}

// TestStreamAgainstOracle sends numbers through a network that loses, repeats and
// delays them by less than the window; the oracle knows what was sent.
func TestStreamAgainstOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		bits := rapid.IntRange(16, 32).Draw(t, "bits")
		first := rapid.Uint32().Draw(t, "first")
		n := rapid.IntRange(2, 6000).Draw(t, "sent")
		loss := rapid.IntRange(0, 90).Draw(t, "loss")
		delay := rapid.IntRange(0, 400).Draw(t, "delay")

		type packet struct{ number, at int }
		var net []packet
		for i := range n {
			if i > 0 && i < n-1 && rng.IntN(100) < loss {
				continue
			}
			at := i
			if i > 0 && i < n-1 && delay > 0 {
				at += rng.IntN(delay)
			}
			if i == n-1 {
				at += delay // so that the end is known
			}
			net = append(net, packet{i, at})
			if rng.IntN(20) == 0 && i < n-1 {
				net = append(net, packet{i, at + rng.IntN(5)})
			}
		}
		// A stable sort by time of arrival, the obvious way.
		arrivals := make([][]int, n+delay+10)
		for _, p := range net {
			arrivals[p.at] = append(arrivals[p.at], p.number)
		}
		s := NewStream(bits)
		arrived := map[int]bool{}
		highest := 0
		var lost int64
		var duplicates, wantDuplicates int
		for _, numbers := range arrivals {
			for _, number := range numbers {
				k, d := s.Observe(first + uint32(number))
				lost += d
				if k == Duplicate {
					duplicates++
				}
				if arrived[number] {
					wantDuplicates++
				}
				arrived[number] = true
				highest = max(highest, number)
				if k == Doubted || k == Restart {
					t.Fatalf("number %d of %d: got %v", number, n, k)
				}
			}
		}
		if want := int64(highest + 1 - len(arrived)); lost != want || duplicates != wantDuplicates {
			t.Fatalf("got %d lost, %d duplicates; want %d, %d", lost, duplicates, want, wantDuplicates)
		}
	})
}

// Late by more than the window is neither a restart nor a gap, unless it goes on.
func TestLaterThanTheWindow(t *testing.T) {
	s := NewStream(22)
	const ahead = 3 * Window
	lostAt := func(from, to uint32) (kinds [Kinds]int, lost int64) {
		for q := from; q < to; q++ {
			k, d := s.Observe(q)
			kinds[k]++
			lost += d
		}
		return kinds, lost
	}
	lostAt(0, 2*Window)
	s.Observe(ahead + Window)
	kinds, lost := lostAt(2*Window, 2*Window+64) // one socket's batch
	if kinds[Doubted] != 64 || lost != 0 {
		t.Errorf("a late batch: got %v, %d lost", kinds, lost)
	}
	if k, _ := s.Observe(ahead + Window + 1); k != Next {
		t.Errorf("behind a late batch: got %v, want next", k)
	}
	kinds, lost = lostAt(Window, 2*Window+10)
	if kinds[Restart] != 1 || kinds[Doubted] != Window-1 || kinds[Next] != 10 || lost != 0 {
		t.Errorf("going on from far back: got %v, %d lost", kinds, lost)
	}
}

func TestKindNames(t *testing.T) {
	for k := range Kinds {
		if k.String() == "" || k.String() == "unknown" {
			t.Errorf("kind %d has no name", k)
		}
	}
	if got := fmt.Sprint(Kinds); got != "unknown" {
		t.Errorf("got %q", got)
	}
}

func FuzzStream(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		s := NewStream(22)
		var lost, arrived int64
		for ; len(data) >= 4; data = data[4:] {
			k, d := s.Observe(uint32(data[0])<<24 | uint32(data[1])<<16 | uint32(data[2])<<8 | uint32(data[3]))
			if d < -1 || d >= 1<<22 || (k == Duplicate || k == Doubted || k == Next || k == First) && d != 0 {
				t.Fatalf("%v changed the lost by %d", k, d)
			}
			lost += d
			arrived++
			if lost < 0 {
				t.Fatalf("%d lost after %d", lost, arrived)
			}
		}
	})
}
