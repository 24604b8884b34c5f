package chain

import (
	"math"
	"math/rand/v2"
)

// What a draw is about: no two uses share their numbers.
const (
	saltPath = iota + 1
	saltRate
	saltDelay
	saltService
	saltSize
	saltTraffic
	saltStall
	saltProblem
	saltDegrade
	saltID
)

// mix hashes three words into one (the finalizer of SplitMix64, twice).
func mix(a, b, c uint64) uint64 {
	x := a*0x9e3779b97f4a7c15 ^ b
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) + c*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// unit maps a hash to [0, 1).
func unit(h uint64) float64 { return float64(h>>11) / (1 << 53) }

func stream(seed uint64, salt, n uint64) *rand.Rand {
	return rand.New(rand.NewPCG(mix(seed, salt, n), salt))
}

// pareto returns a draw from the Pareto distribution of minimum low, cut at high.
func pareto(u, low, high, shape float64) float64 {
	return math.Min(high, low*math.Pow(1-u, -1/shape))
}

const quantiles = 1 << 10

// exponential holds quantiles of the exponential distribution with mean 1.
var exponential = func() (q [quantiles]float64) {
	sum := 0.0
	for i := range q {
		q[i] = -math.Log(1 - (float64(i)+0.5)/quantiles)
		sum += q[i]
	}
	for i := range q {
		q[i] *= quantiles / sum
	}
	return q
}()

// alias draws from a fixed discrete distribution in constant time (Vose 1991).
type alias struct {
	limit []float64
	other []int32
}

func newAlias(weights []float64) *alias {
	n := len(weights)
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	a := &alias{limit: make([]float64, n), other: make([]int32, n)}
	var small, large []int32
	for i, w := range weights {
		a.limit[i] = w * float64(n) / sum
		a.other[i] = int32(i)
		if a.limit[i] < 1 {
			small = append(small, int32(i))
		} else {
			large = append(large, int32(i))
		}
	}
	for len(small) > 0 && len(large) > 0 {
		s, l := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		a.other[s] = l
		if a.limit[l] -= 1 - a.limit[s]; a.limit[l] < 1 {
			large = large[:len(large)-1]
			small = append(small, l)
		}
	}
	for _, i := range append(small, large...) { // rounding
		a.limit[i] = 1
	}
	return a
}

func (a *alias) draw(rng *rand.Rand) int32 {
	x := rng.Float64() * float64(len(a.limit))
	i := int32(x)
	if x-float64(i) < a.limit[i] {
		return i
	}
	return a.other[i]
}
