package engine

import (
	"math/rand/v2"
	"testing"
)

// Entries keep their numbers, and free ones are taken again before new ones are made.
func TestEntries(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	var s entries
	live := map[int32]Time{}
	most := 0
	for step := range Time(5000) {
		if rnd.IntN(5) < 3 {
			i := s.vacant()
			if _, taken := live[i]; taken {
				t.Fatalf("step %d: number %d is taken", step, i)
			}
			e := s.take()
			if e.lastHit != 0 {
				t.Fatalf("step %d: entry %d is not new: %+v", step, i, e)
			}
			e.lastHit, live[i] = step+1, step+1
		} else {
			for i := range live {
				s.free(i)
				delete(live, i)
				break
			}
		}
		most = max(most, len(live))
	}
	if int(s.n) != most {
		t.Errorf("%d numbers were given for at most %d entries at a time", s.n, most)
	}
	for i := range s.n {
		if s.at(i).lastHit != live[i] {
			t.Errorf("entry %d: %+v; want %d", i, s.at(i), live[i])
		}
	}
}
