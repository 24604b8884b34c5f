package evalblame

import (
	"math/rand/v2"

	"github.com/telltale-net/telltale/analyzers/blame"
	"github.com/telltale-net/telltale/analyzers/blame/blametest"
)

// change is a change of what is known of an epoch.
type change = func(n *blametest.Network, rng *rand.Rand, e *blametest.Epoch)

// keep leaves only some flows in the set; flows with losses must stay.
func keep(stays func(s *blame.Set, i int) bool) change {
	return func(n *blametest.Network, _ *rand.Rand, e *blametest.Epoch) {
		rewrite(n, e, func(out *blame.Set, i int) error {
			if !stays(e.Set, i) {
				return nil
			}
			return out.Add([]byte(e.Set.Name(i)), e.Set.Path(i), e.Set.Packets(i), e.Set.Lost(i))
		})
	}
}

// forgotten adds a flow of which less is known.
type forgotten func(n *blametest.Network, from, out *blame.Set, i int) error

// forget makes less known of a share of the flows.
func forget(share float64, how forgotten) change {
	return func(n *blametest.Network, rng *rand.Rand, e *blametest.Epoch) {
		rewrite(n, e, func(out *blame.Set, i int) error {
			if rng.Float64() < share {
				return how(n, e.Set, out, i)
			}
			return out.Add([]byte(e.Set.Name(i)), e.Set.Path(i), e.Set.Packets(i), e.Set.Lost(i))
		})
	}
}

func nothing(_ *blametest.Network, from, out *blame.Set, i int) error {
	return out.Add([]byte(from.Name(i)), nil, from.Packets(i), from.Lost(i))
}

func alternatives(n *blametest.Network, from, out *blame.Set, i int) error {
	return out.AddPaths([]byte(from.Name(i)), n.ECMP(from.Path(i)), nil, from.Packets(i), from.Lost(i))
}

func rewrite(n *blametest.Network, e *blametest.Epoch, add func(out *blame.Set, i int) error) {
	out := blame.NewSet(n.Links)
	for i := range e.Set.Len() {
		if err := add(out, i); err != nil {
			panic("BUG: " + err.Error())
		}
	}
	e.Set = out
}
