package blame

import (
	"math"
	"slices"
)

// onlyLosing reports whether flows without losses were left out of a set: hardly any is
// there, and of flows that could lose two packets there must have been at least n1²/2n2
// more, where n1 flows lost one packet and n2 lost two (Chao's bound, which holds for any mix
// of rates); a set with less than a quarter of that cannot be complete.
func onlyLosing(s *Set) bool {
	var of [3]float64
	none, some := 0.0, 0.0
	for i, k := range s.lost {
		if k == 0 {
			none++
			continue
		}
		if some++; k < 3 && s.packets[i] > 1 {
			of[k]++
		}
	}
	least := of[1] * of[1] / (2*of[2] + 2) / 4
	return least >= 3 && none < least && none < some/10
}

// normal is the share of packets that a flow usually loses: the median, 0 where most
// flows lose none.
func (s *Set) normal() float64 {
	losing := 0
	for _, k := range s.lost {
		if k > 0 {
			losing++
		}
	}
	if 2*losing <= s.Len() {
		return 0
	}
	shares := make([]float64, s.Len())
	for i, k := range s.lost {
		if k > 0 {
			shares[i] = float64(k) / float64(s.packets[i])
		}
	}
	slices.Sort(shares)
	return shares[len(shares)/2]
}

// stretches returns those of flow i. Where it is known in how many runs its losses lay,
// each run is a stretch that lost some.
func (s *Set) stretches(i int, normal float64, independent, doubtful bool) (k, scale, arrived float64) {
	if r := float64(s.runs(i)); r > 0 {
		lost := float64(s.lost[i])
		return r, lost / r, float64(s.packets[i]) - lost
	}
	if s.counters[int32(i)] {
		normal = max(normal, counterLoss)
	}
	most := math.Inf(1)
	if doubtful {
		most = 1
	}
	return stretches(s.packets[i], s.lost[i], normal, most, independent)
}

// kept is how many stretches of flow i lost nothing, where k of scale packets lost some.
func (s *Set) kept(i int, k, scale float64) float64 {
	switch {
	case s.counters[int32(i)]:
		return 0 // no flow
	case k > 0:
		return max(0, float64(s.packets[i])/scale-k)
	}
	return 1
}

// counterLoss makes stretches of 50 packets of what counters say.
const counterLoss = 1.0 / 200

// burstPackets is how many packets are lost at once where nothing is at fault, at most: who loses
// more lost them more than once. Where takenShare of a flow is lost it may be the flow that is
// taken, not its packets: that is no noise, but no more than two losses.
const (
	burstPackets = 10
	takenShare   = 0.9
	takenLosses  = 2
)

// stretches divides a flow into stretches of scale packets in which it usually loses
// less than a quarter of one, and at most a burst, and returns in how many of them it lost some (as if it
// lost them anywhere) and how many packets the others have. Within a stretch it does not
// matter how many are lost: losses come in bursts, and a burst is one event. Bursts count
// as most, at most: those of a flow whose path is uncertain all took the same one. Where losses
// are independent, there are so many stretches that hardly two losses are in one.
func stretches(packets, lost uint32, normal, most float64, independent bool) (k, scale, arrived float64) {
	if lost == 0 {
		return 0, 1, float64(packets)
	}
	bursts := math.Ceil(float64(lost) / burstPackets)
	if independent {
		bursts = oneByOne * float64(lost)
	}
	bursts = min(bursts, most)
	if float64(lost) >= takenShare*float64(packets) {
		bursts = min(bursts, takenLosses)
	}
	n := max(1+math.Floor(4*normal*float64(packets)), bursts)
	n = min(n, float64(packets))
	k = n * -math.Expm1(float64(lost)*math.Log1p(-1/n))
	scale = float64(packets) / n
	return k, scale, max(0, float64(packets)-k*scale)
}
