package blame

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// rough draws many flows over two tiers of links whose noise differs, about 1e-4; the link
// fault (if it is none of them, no link) loses 1 % of the packets.
func rough(rng *rand.Rand, flows int, fault string) string {
	rate := map[string]float64{}
	link := func(a, b string) string {
		l := a + ">" + b
		if rate[l] == 0 {
			rate[l] = 1e-4 * math.Exp(0.7*rng.NormFloat64())
			if l == fault {
				rate[l] = 0.01
			}
		}
		return l
	}
	var b strings.Builder
	for i := range flows {
		src, dst, spine := rng.IntN(6), rng.IntN(5), fmt.Sprintf("s%d", rng.IntN(3))
		if dst >= src {
			dst++
		}
		up, down := link(fmt.Sprintf("l%d", src), spine), link(spine, fmt.Sprintf("l%d", dst))
		packets, lost := 100+rng.IntN(20000), -1
		for at := 0.0; at < float64(packets); lost++ { // from loss to loss
			at += rng.ExpFloat64() / (rate[up] + rate[down])
		}
		fmt.Fprintf(&b, `{"flow":"f%d","path":[%q,%q],"packets":%d,"lost":%d}`+"\n", i, up, down, packets, lost)
	}
	return b.String()
}

// TestUneven: where the noise of links surely differs, those with more of it are not at fault,
// and one that is is found.
func TestUneven(t *testing.T) {
	for seed := range uint64(8) {
		fault := ""
		if seed%2 == 1 {
			fault = "s1>l2"
		}
		s, _ := read(t, rough(rand.New(rand.NewPCG(seed, 11)), 600, fault))
		r := Likelihood(s, Config{})
		if got := strings.Join(r.BadLinks(), " "); got != fault {
			t.Errorf("seed %d: got bad links %q, want %q (noise %.2g)", seed, got, fault, r.Noise)
		}
	}
}

// TestHealthyLink compares the likelihood of a link with noise of its own with an integral by
// brute force.
func TestHealthyLink(t *testing.T) {
	for seed := range uint64(20) {
		s, _ := read(t, rough(rand.New(rand.NewPCG(seed, 12)), 5+int(seed)*10, ""))
		m := model(s)
		m.noise = 1e-4
		m.roughen(unevenShapes[seed%4])
		m.settle()
		for c := range int32(m.links) {
			if len(m.of[c]) == 0 {
				continue
			}
			a, sum := m.uneven.shape, 0.0
			norm, _ := math.Lgamma(a)
			const h = 0.005
			for u := -12.0; u < math.Log(faultOverNoise); u += h {
				var at, out [1]float64
				at[0] = m.noise * (math.Exp(u) - m.own(c))
				m.gainsFrom(c, 0, at[:], out[:])
				sum += h * math.Exp(out[0]+a*math.Log(a)-norm+a*u-a*math.Exp(u))
			}
			if got, want := m.healthy(c), math.Log(sum); math.Abs(got-want) > 0.25 {
				t.Errorf("seed %d: link %d, shape %g: got %.3f, want %.3f", seed, c, a, got, want)
			}
		}
	}
}

// TestOwn: links' own noise comes and goes without a trace, and what it adds is the best
// there is.
func TestOwn(t *testing.T) {
	s, _ := read(t, rough(rand.New(rand.NewPCG(1, 13)), 300, ""))
	m := model(s)
	m.settle()
	before, back := m.objective(), m.saved()
	m.roughen(1)
	for range 20 {
		m.settle()
	}
	best, hold := m.objective(), m.saved()
	for c := range int32(m.links) {
		for _, f := range []float64{0.9, 1.1} {
			m.setOwn(c, m.own(c)*f)
			if got := m.objective(); got > best+0.05 {
				t.Errorf("link %d: %g times its noise gets %.3f, want at most %.3f", c, f, got, best)
			}
			hold()
		}
	}
	m.roughen(0)
	back()
	if got := m.objective(); math.Abs(got-before) > 1e-6 {
		t.Errorf("got %.6f back, want %.6f", got, before)
	}
}
