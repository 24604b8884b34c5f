package blame

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// MaxPaths is how many paths one flow may have taken, at most.
const MaxPaths = 4096

// bundle is the part of a flow's path that is not known: alternatives. Flows with the
// same ones share a bundle.
type bundle struct {
	paths  [][]int32 // links of each alternative but those that all of them cross; may be empty
	weight []float64 // probability of each; they add up to 1
	hops   float64   // expected number of links
}

// bundles says which flows of a set have one.
type bundles struct {
	flows []int32 // ascending
	of    []*bundle
}

// walk returns what finds the alternatives of flows asked for in ascending order; nil
// where the path is known.
func (b *bundles) walk() func(i int) *bundle {
	at := 0
	return func(i int) *bundle {
		for at < len(b.flows) && int(b.flows[at]) < i {
			at++
		}
		if at == len(b.flows) || int(b.flows[at]) != i {
			return nil
		}
		return b.of[at]
	}
}

// bundle returns the one with these alternatives: sets of several epochs share them.
func (l *Links) bundle(paths [][]int32, weight []float64) *bundle {
	key := make([]byte, 0, 8*len(paths))
	hops := 0.0
	for i, p := range paths {
		key = binary.AppendUvarint(key, uint64(len(p)))
		for _, l := range p {
			key = binary.AppendUvarint(key, uint64(l))
		}
		key = binary.LittleEndian.AppendUint32(key, math.Float32bits(float32(weight[i])))
		hops += weight[i] * float64(len(p))
	}
	x, ok := l.bundles[string(key)]
	if !ok {
		x = &bundle{paths, slices.Clone(weight), hops}
		l.bundles[string(key)] = x
	}
	return x
}

// AddPaths appends a flow that took one of several paths, with probabilities in
// proportion to the weights, or alike where they are nil. What all of them cross is the
// flow's [Set.Path]. The error says that the set is full, or what is wrong with the
// weights.
func (s *Set) AddPaths(name []byte, paths [][]int32, weights []float64, packets, lost uint32) error {
	if len(paths) > MaxPaths {
		return fmt.Errorf("cannot add flow %d: got %d paths, want at most %d", len(s.packets), len(paths), MaxPaths)
	}
	if weights != nil && len(weights) != len(paths) {
		return fmt.Errorf("cannot add flow %d: got %d weights for %d paths", len(s.packets), len(weights), len(paths))
	}
	var some [][]int32 // distinct, of some weight
	var w []float64
	total := 0.0
	for i, p := range paths {
		x := 1.0
		if weights != nil {
			x = weights[i]
		}
		if !(x >= 0) || math.IsInf(x, 0) {
			return fmt.Errorf("cannot add flow %d: got weight %v, want a number from 0", len(s.packets), x)
		}
		if x == 0 {
			continue
		}
		total += x
		if at := slices.IndexFunc(some, func(o []int32) bool { return slices.Equal(o, p) }); at >= 0 && len(paths) <= 64 {
			w[at] += x
			continue
		}
		some, w = append(some, p), append(w, x)
	}
	if math.IsInf(total, 0) {
		return fmt.Errorf("cannot add flow %d: its weights add up to too much", len(s.packets))
	}
	if len(some) == 0 {
		return s.Add(name, nil, packets, lost)
	}
	if len(some) == 1 {
		return s.Add(name, some[0], packets, lost)
	}
	count := map[int32]int{}
	for i, p := range some {
		for _, l := range p {
			if count[l] == i {
				count[l] = i + 1
			}
		}
		w[i] /= total
	}
	known := func(l int32) bool { return count[l] == len(some) }
	var sure []int32
	for _, l := range some[0] {
		if known(l) {
			sure = append(sure, l)
		}
	}
	rest := make([][]int32, len(some))
	for i, p := range some {
		rest[i] = slices.DeleteFunc(slices.Clone(p), known)
		s.check(rest[i])
	}
	if err := s.Add(name, sure, packets, lost); err != nil {
		return err
	}
	if len(sure) == 0 {
		s.pathless-- // it has paths
	}
	s.uncertain.flows = append(s.uncertain.flows, int32(s.Len()-1))
	s.uncertain.of = append(s.uncertain.of, s.links.bundle(rest, w))
	return nil
}
