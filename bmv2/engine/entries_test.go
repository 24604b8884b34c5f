package engine

import (
	"math/rand/v2"
	"testing"
)

// Entries keep their numbers, and free ones are taken again before new ones are made.
func TestEntries(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	var s entries
	live := map[int32]uint64{}
	most := 0
	for step := range uint64(5000) {
		if rnd.IntN(5) < 3 {
			i := s.vacant()
			if _, taken := live[i]; taken {
				t.Fatalf("step %d: number %d is taken", step, i)
			}
			s.put(i, &entry{used: true, order: step})
			live[i] = step
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
		if order, ok := live[i]; s.at(i).used != ok || s.at(i).order != order {
			t.Errorf("entry %d: %+v; want %v, order %d", i, s.at(i), ok, order)
		}
	}
}
