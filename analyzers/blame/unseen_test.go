package blame

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// losing draws flows of all sizes over three spines, of which it keeps those that lost some; a
// healthy link loses 5e-5, and the link fault 1 %.
func losing(rng *rand.Rand, flows int, fault string) string {
	var b strings.Builder
	for i := range flows {
		src, dst, spine := rng.IntN(24), rng.IntN(23), rng.IntN(6)
		if dst >= src {
			dst++
		}
		up, down := fmt.Sprintf("l%d>s%d", src, spine), fmt.Sprintf("s%d>l%d", spine, dst)
		rate := 1e-4
		if up == fault || down == fault {
			rate += 0.01
		}
		packets, lost := 1+math.Floor(10*math.Pow(1-rng.Float64(), -1/1.05)), -1
		packets = min(packets, 70000)
		for at := 0.0; at < packets; lost++ {
			at += rng.ExpFloat64() / rate
		}
		if lost > 0 {
			fmt.Fprintf(&b, `{"flow":"f%d","path":[%q,%q],"packets":%.0f,"lost":%d}`+"\n", i, up, down, packets, lost)
		}
	}
	return b.String()
}

// TestUnseen: where only flows with losses are known, the big ones among them, which lose some to
// noise, are no evidence, and tell how much noise there is.
func TestUnseen(t *testing.T) {
	for seed := range uint64(8) {
		fault := ""
		if seed%2 == 1 {
			fault = "s1>l2"
		}
		s, _ := read(t, losing(rand.New(rand.NewPCG(seed, 14)), 20000, fault))
		r := Likelihood(s, Config{})
		if got := strings.Join(r.BadLinks(), " "); !r.EqualTraffic || got != fault || r.Noise < 1e-5 || r.Noise > 2e-4 {
			t.Errorf("seed %d: got bad links %q, noise %.2g, equal traffic %v; want %q, 5e-05", seed, got, r.Noise, r.EqualTraffic, fault)
		}
	}
}

// TestSee: what nobody saw comes and goes without a trace.
func TestSee(t *testing.T) {
	s, _ := read(t, losing(rand.New(rand.NewPCG(1, 15)), 20000, ""))
	m := model(s)
	before, unseen := m.objective(), m.unseen
	m.see(unseen / 7)
	if m.objective() < before+1 {
		t.Errorf("got %.3f with fewer packets that got through, want more than %.3f", m.objective(), before)
	}
	m.see(unseen)
	if got := m.objective(); math.Abs(got-before) > 1e-6 {
		t.Errorf("got %.6f back, want %.6f", got, before)
	}
}
