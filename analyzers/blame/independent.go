package blame

import "math"

// Losses come in bursts, so that all losses of a short flow count as one event, unless the set
// itself says that they are independent: then each is one, and a flow that lost six packets says
// what six flows do that lost one.

// oneByOne is how many stretches there are for each packet lost where losses are independent.
const oneByOne = 8

// What says so: of flows that lost some and were to lose hardly one packet, of which there must be
// a few, hardly more lost two or more than do by chance.
const (
	fewExpected = 0.3 // packets, at most
	leastLosing = 30
	mostExcess  = 0.1 // of these flows
)

// oneLossEach reports whether packets of a set are lost independently of each other, given the
// rates fitted: of flows that lose some, and x on average, 1−x/(exp(x)−1) lose several. Where there is
// noise by flow, or none is known that lost nothing, it is not asked.
func (m *fit) oneLossEach(t *Tracker, s *Set) bool {
	if m.besides > 0 || m.equal {
		return false
	}
	losing, several, want := 0.0, 0.0, 0.0
	var buf []crossing
	doubt := s.uncertain.walk()
	for i, k := range s.lost {
		if x := doubt(i); k == 0 || x != nil || len(s.Path(i)) == 0 || s.doubted[int32(i)] || s.counters[int32(i)] || s.runs(i) > 0 || s.packets[i] < 2 {
			continue
		}
		buf = t.columns(buf[:0], s.Path(i))
		rate := m.noiseOf(s.Path(i), s.packets[i])
		for _, x := range buf {
			c, part := x.of()
			rate += part * m.theta[c]
		}
		if x := rate * float64(s.packets[i]); x < fewExpected {
			losing++
			want += 1 - x/expm1(x)
			if k > 1 {
				several++
			}
		}
	}
	return losing >= leastLosing && several+2*math.Sqrt(several+1)-want < mostExcess*losing
}
