package flowsettest

import (
	"math/rand/v2"

	"github.com/telltale-net/telltale/analyzers/flowset"
)

// Alone makes one switch's table of exactly so many flows, without a network, and the
// packets of its flows.
func Alone(c Config) (*flowset.Table, map[flowset.Key]int64, error) {
	rng := rand.New(rand.NewPCG(c.Seed, c.Epoch))
	t, err := c.table(int(c.Seed % (1 << 16)))
	if err != nil {
		return nil, nil, err
	}
	enc := flowset.NewEncoder(t)
	truth := make(map[flowset.Key]int64, c.FlowsPerNode)
	for len(truth) < c.FlowsPerNode {
		k := key(rng, rng.IntN(1<<10), rng.IntN(1<<10))
		if _, ok := truth[k]; ok {
			continue
		}
		n := c.size(rng)
		truth[k] = n
		enc.Add(k, n)
	}
	return t, truth, nil
}
