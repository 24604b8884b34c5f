package evalflowset

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/analyzers/flowset/lossradar"
)

// digests decodes LossRadar's digests of different sizes.
func (r *runner) digests() ([]Table, error) {
	t := Table{Experiment: "digests", Title: fmt.Sprintf("LossRadar digests: decoded whole, and losses found, of %d pairs per figure; the paper gives 1.3 cells to each loss", r.cfg.Digests), Axis: "cells per loss"}
	t.Columns = []string{"cells per loss", "KB for 1000"}
	counts := []int{10, 30, 100, 300, 1000, 10_000}
	lines := make([]Line, len(counts))
	for i, n := range counts {
		t.Columns = append(t.Columns, fmt.Sprintf("whole of %d, %%", n), "found, %")
		lines[i].Name = fmt.Sprintf("%d losses", n)
	}
	t.Columns = append(t.Columns, "invented")
	ratios := []float64{1.2, 1.25, 1.3, 1.4, 1.6, 2, 2.5, 3, 4}
	pairs := func(n int) int { return max(1, min(r.cfg.Digests, r.cfg.Digests*1000/n)) }
	for _, n := range counts {
		r.expect(len(ratios) * pairs(n))
	}
	for _, ratio := range ratios {
		row := []string{number(ratio, 2), number(ratio*1000*lossradar.CellBytes/1e3, 1)}
		invented := 0
		for i, n := range counts {
			got := make([]pair, pairs(n))
			err := r.trials(len(got), r.cfg.Workers, func(x int) (err error) {
				got[x], err = digest(n, int(ratio*float64(n)), r.cfg.FirstSeed+uint64(x))
				return err
			})
			if err != nil {
				return nil, err
			}
			var whole, found int
			for _, p := range got {
				found += p.found
				invented += p.invented
				if p.found == n && p.whole {
					whole++
				}
			}
			all := 100 * float64(whole) / float64(len(got))
			row = append(row, number(all, 1), number(100*float64(found)/float64(n*len(got)), 2))
			lines[i].X = append(lines[i].X, ratio)
			lines[i].Y = append(lines[i].Y, all)
		}
		t.Rows = append(t.Rows, append(row, fmt.Sprint(invented)))
	}
	t.Lines = lines
	return []Table{t}, nil
}

// pair is what a pair of digests gave.
type pair struct {
	found, invented int
	whole           bool
}

// digest loses n of 20·n packets and looks for them.
func digest(n, cells int, seed uint64) (p pair, err error) {
	rng := rand.New(rand.NewPCG(seed, uint64(n)))
	up, err := lossradar.New(cells, seed)
	if err != nil {
		return p, err
	}
	down, err := lossradar.New(cells, seed)
	if err != nil {
		return p, err
	}
	lost := map[lossradar.Packet]bool{}
	for i := range 20 * n {
		packet := lossradar.Packet{Key: flowset.Key{rng.Uint64N(500), 6 << 56}, ID: uint16(i), TTL: 60, At: time.Duration(i) * time.Microsecond}
		up.Add(&packet)
		if i%20 == 7 {
			lost[packet] = true
		} else {
			down.Add(&packet)
		}
	}
	d, err := lossradar.Compare(up, down)
	if err != nil {
		return p, err
	}
	for _, l := range d.Lost {
		if lost[l] {
			p.found++
		} else {
			p.invented++
		}
	}
	p.invented += len(d.Extra)
	p.whole = d.Whole
	return p, nil
}
