package blame

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestFlowNoise: where flows retransmit now and then however long they are, long ones show
// that links lose nothing, and a fault is found all the same.
func TestFlowNoise(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 9))
		s, _ := read(t, clos3(rng, 1, func(string) float64 { return 0 }))
		for i := range 800 {
			src, dst, spine := rng.IntN(16), rng.IntN(16), rng.IntN(3)
			if src/4 == dst/4 {
				continue
			}
			var path []int32
			for _, l := range []string{fmt.Sprintf("h%d>t%d", src, src/4), fmt.Sprintf("t%d>s%d", src/4, spine), fmt.Sprintf("s%d>t%d", spine, dst/4), fmt.Sprintf("t%d>h%d", dst/4, dst)} {
				path = append(path, s.links.ID(l))
			}
			packets, lost := uint32(math.Exp(14*rng.Float64())), uint32(0)
			if rng.Float64() < 0.1 {
				lost = 1 // spurious
			}
			if seed%2 == 1 && src/4 == 1 && spine == 2 && rng.Float64() < -math.Expm1(-0.01*float64(packets)) {
				lost = max(lost, packets/100, 1)
			}
			if err := s.Add([]byte(fmt.Sprint(i)), path, max(packets, lost), lost); err != nil {
				t.Fatal(err)
			}
		}
		r := Likelihood(s, Config{})
		want := ""
		if seed%2 == 1 {
			want = "t1>s2"
		}
		if got := strings.Join(r.BadLinks(), " "); got != want {
			t.Errorf("seed %d: got bad links %q, want %q (noise %.2g)", seed, got, want, r.Noise)
		}
	}
}

// TestOnlyLosing: a set is not taken for incomplete because its flows cannot lose two packets.
func TestOnlyLosing(t *testing.T) {
	for _, packets := range []int{1, 10} {
		var b strings.Builder
		for i := range 3000 {
			to, lost := "b", 0
			if i%2 == 1 {
				to = "c"
			} else if i%10 == 0 {
				lost = 1
			}
			fmt.Fprintf(&b, `{"flow":"%d","path":["h>a","a>%s"],"packets":%d,"lost":%d}`+"\n", i, to, packets, lost)
		}
		s, _ := read(t, b.String())
		r := Likelihood(s, Config{})
		if got := strings.Join(r.BadLinks(), " "); r.EqualTraffic || got != "a>b" {
			t.Errorf("%d packets a flow: got %q, equal traffic %v; want a>b, false", packets, got, r.EqualTraffic)
		}
	}
}
