package evalflowset

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/analyzers/flowset/flowsettest"
	"github.com/telltale-net/telltale/analyzers/flowset/lossradar"
)

// losses loses single packets and looks for them in the epoch's counters: up to three an
// epoch, none in every fourth.
func (r *runner) losses() ([]Table, error) {
	const flows = 300
	t := Table{Experiment: "losses", Title: fmt.Sprintf("Single packets lost among %d flows per switch, k=%d, %d epochs", flows, r.cfg.K, r.cfg.LossEpochs),
		Columns: []string{"ways", "packets lost", "found on their link", "found behind their node", "not found", "invented"}}
	tree := flowsettest.FatTree{K: r.cfg.K}
	var links [][2]string
	for i := range tree.Switches() {
		for _, j := range tree.Neighbours(i) {
			links = append(links, [2]string{tree.Name(i), tree.Name(j)})
		}
	}
	r.total += r.cfg.LossEpochs
	var way func(flowset.Key, int) []string
	maps := []*flowset.LossMap{
		flowset.NewLossMap(flowset.LossConfig{Path: func(k flowset.Key, n int) []string { return way(k, n) }}),
		flowset.NewLossMap(flowset.LossConfig{Links: links}),
	}
	var lost, on, behind, missed, invented [2]int64
	cells := int(1.05 * flows)
	for n := range r.cfg.LossEpochs {
		e, err := r.epoch(flows, cells, uint64(n), n%4)
		if err != nil {
			return nil, err
		}
		decoded := flowset.Decode(e.Tables, flowset.Options{Neighbours: e.Neighbours(), Workers: r.cfg.Workers})
		way = e.Way()
		for i, m := range maps {
			truth := map[string]int64{}
			for _, f := range e.Flows {
				for h := 1; h < len(f.Path); h++ {
					if d := f.Packets[h-1] - f.Packets[h]; d > 0 {
						truth[tree.Name(int(f.Path[h-1]))+">"+tree.Name(int(f.Path[h]))] += d
						lost[i] += d
					}
				}
			}
			for _, l := range m.Epoch(uint64(n), decoded).Links {
				left := int64(l.Lost)
				to := strings.Split(l.To, "|")
				for _, node := range to {
					found := min(left, truth[l.From+">"+node])
					truth[l.From+">"+node] -= found
					left -= found
					if len(to) == 1 {
						on[i] += found
					} else {
						behind[i] += found
					}
				}
				invented[i] += left
			}
			for _, left := range truth {
				missed[i] += left
			}
		}
		if err := r.step(); err != nil {
			return nil, err
		}
	}
	for i, name := range []string{"known", "from links"} {
		t.Rows = append(t.Rows, []string{name, fmt.Sprint(lost[i]), fmt.Sprint(on[i]), fmt.Sprint(behind[i]), fmt.Sprint(missed[i]), fmt.Sprint(invented[i])})
	}
	return []Table{t}, nil
}

// digests decodes LossRadar's digests of different sizes.
func (r *runner) digests() ([]Table, error) {
	t := Table{Experiment: "digests", Title: "LossRadar digests: losses decoded; the paper gives 1.3 cells to each", Axis: "cells per loss",
		Columns: []string{"cells per loss", "KB for 1000", "of 100, %", "of 1000, %", "of 10000, %", "invented"}}
	counts := []int{100, 1000, 10_000}
	lines := make([]Line, len(counts))
	for i, n := range counts {
		lines[i].Name = fmt.Sprintf("%d losses", n)
	}
	steps := []float64{1.1, 1.15, 1.2, 1.25, 1.3, 1.4, 1.6}
	r.total += len(steps)
	for _, ratio := range steps {
		row := []string{number(ratio, 2), number(ratio*1000*lossradar.CellBytes/1e3, 1)}
		invented := 0
		for i, n := range counts {
			found := 0
			for seed := range r.cfg.Epochs {
				got, extra, err := digest(n, int(ratio*float64(n)), r.cfg.FirstSeed+uint64(seed))
				if err != nil {
					return nil, err
				}
				found += got
				invented += extra
			}
			share := 100 * float64(found) / float64(n*r.cfg.Epochs)
			row = append(row, number(share, 2))
			lines[i].X = append(lines[i].X, ratio)
			lines[i].Y = append(lines[i].Y, share)
		}
		t.Rows = append(t.Rows, append(row, fmt.Sprint(invented)))
		if err := r.step(); err != nil {
			return nil, err
		}
	}
	t.Lines = lines
	return []Table{t}, nil
}

// digest loses n of 20·n packets and returns how many were found, and how many invented.
func digest(n, cells int, seed uint64) (found, invented int, err error) {
	rng := rand.New(rand.NewPCG(seed, uint64(n)))
	up, err := lossradar.New(cells, seed)
	if err != nil {
		return 0, 0, err
	}
	down, err := lossradar.New(cells, seed)
	if err != nil {
		return 0, 0, err
	}
	lost := map[lossradar.Packet]bool{}
	for i := range 20 * n {
		p := lossradar.Packet{Key: flowset.Key{rng.Uint64N(500), 6 << 56}, ID: uint16(i), TTL: 60, At: time.Duration(i) * time.Microsecond}
		up.Add(&p)
		if i%20 == 7 {
			lost[p] = true
		} else {
			down.Add(&p)
		}
	}
	d, err := lossradar.Compare(up, down)
	if err != nil {
		return 0, 0, err
	}
	for _, p := range d.Lost {
		if lost[p] {
			found++
		} else {
			invented++
		}
	}
	return found, invented + len(d.Extra), nil
}
