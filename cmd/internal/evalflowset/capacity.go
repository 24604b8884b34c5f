package evalflowset

import (
	"fmt"
	"slices"

	"github.com/telltale-net/telltale/analyzers/flowset"
)

// published is the paper's memory for 99 % of epochs, bytes by flows: alone, network-wide.
var published = map[int][2]float64{100_000: {2.88e6, 2.36e6}, 1_000_000: {29.7e6, 24.8e6}}

// ratios are cells per flow that are tried.
var ratios = []float64{0.40, 0.45, 0.50, 0.55, 0.60, 0.70, 0.80, 0.90, 1.00, 1.10, 1.20, 1.24, 1.28, 1.32, 1.40}

// enough is the share of flows that an epoch must have for it to count as decoded, %.
const enough = 99.9

// memory finds how much memory so many flows need, alone and network-wide.
func (r *runner) memory() ([]Table, error) {
	need := Table{Experiment: "memory", Title: fmt.Sprintf("Memory per switch for at least %v %% of flows in 99 %% of %d epochs, MB", enough, r.cfg.Epochs),
		Columns: []string{"flows per switch", "alone", "paper", "network-wide", "paper", "alone, cells per flow", "network-wide, cells per flow"}}
	tables := []Table{}
	r.total += len(r.cfg.Sizes) * len(ratios) * r.cfg.Epochs
	for _, flows := range r.cfg.Sizes {
		t := Table{Experiment: "memory", Title: fmt.Sprintf("%d flows per switch, k=%d", flows, r.cfg.K), Axis: "cells per flow",
			Columns: []string{"cells per flow", "MB", "alone, %", "epochs, %", "network-wide, %", "epochs, %", "wrong alone", "wrong network-wide", "invented"}}
		lines := []Line{{Name: "alone"}, {Name: "network-wide"}}
		least := [2]float64{}
		for _, ratio := range slices.Backward(ratios) {
			cells := int(ratio * float64(flows))
			var sum [2]outcome
			var good [2]int
			for n := range r.cfg.Epochs {
				e, err := r.epoch(flows, cells, uint64(n), 0)
				if err != nil {
					return nil, err
				}
				for i, opt := range []flowset.Options{{Alone: true, Workers: r.cfg.Workers}, {Neighbours: e.Neighbours(), Workers: r.cfg.Workers}} {
					o := judge(e, flowset.Decode(e.Tables, opt))
					sum[i].add(o)
					if o.share() >= enough {
						good[i]++
					}
				}
				if err := r.step(); err != nil {
					return nil, err
				}
			}
			t.Rows = append(t.Rows, []string{
				number(ratio, 2), number(memoryOf(cells, flows)/1e6, 3),
				number(sum[0].share(), 3), number(100*float64(good[0])/float64(r.cfg.Epochs), 1),
				number(sum[1].share(), 3), number(100*float64(good[1])/float64(r.cfg.Epochs), 1),
				fmt.Sprint(sum[0].wrong), fmt.Sprint(sum[1].wrong), fmt.Sprint(sum[0].invented + sum[1].invented),
			})
			for i := range lines {
				lines[i].X = append(lines[i].X, ratio)
				lines[i].Y = append(lines[i].Y, sum[i].share())
				if 100*good[i] >= 99*r.cfg.Epochs {
					least[i] = ratio
				}
			}
		}
		t.Lines = lines
		tables = append(tables, t)
		row := []string{fmt.Sprint(flows)}
		for i := range least {
			mb, paper := "–", "–"
			if least[i] > 0 {
				mb = number(memoryOf(int(least[i]*float64(flows)), flows)/1e6, 3)
			}
			if p, ok := published[flows]; ok {
				paper = number(p[i]/1e6, 2)
			}
			row = append(row, mb, paper)
		}
		need.Rows = append(need.Rows, append(row, number(least[0], 2), number(least[1], 2)))
	}
	return append([]Table{need}, tables...), nil
}

// accept decodes network-wide in the paper's memory for 100 K flows.
func (r *runner) accept() ([]Table, error) {
	flows := r.cfg.Flows
	memory := 2.36e6 * float64(flows) / 100_000
	cells := cellsIn(memory, flows)
	t := Table{Experiment: "accept", Title: fmt.Sprintf("%d flows per switch in %.3f MB, %d cells, k=%d, network-wide", flows, memory/1e6, cells, r.cfg.K),
		Columns: []string{"paths", "epochs", "flows decoded, %", "least, %", "epochs ≥ 99.9 %, %", "wrong", "invented"}}
	r.total += r.cfg.Epochs
	var sum [2]outcome
	var good [2]int
	least := [2]float64{100, 100}
	for n := range r.cfg.Epochs {
		e, err := r.epoch(flows, cells, uint64(n), 0)
		if err != nil {
			return nil, err
		}
		for i, opt := range []flowset.Options{{Neighbours: e.Neighbours()}, {Neighbours: e.Neighbours(), Visits: e.Visits()}} {
			opt.Workers = r.cfg.Workers
			o := judge(e, flowset.Decode(e.Tables, opt))
			sum[i].add(o)
			least[i] = min(least[i], o.share())
			if o.share() >= enough {
				good[i]++
			}
		}
		if err := r.step(); err != nil {
			return nil, err
		}
	}
	for i, name := range []string{"not known", "known"} {
		t.Rows = append(t.Rows, []string{name, fmt.Sprint(r.cfg.Epochs), number(sum[i].share(), 4), number(least[i], 4),
			number(100*float64(good[i])/float64(r.cfg.Epochs), 1), fmt.Sprint(sum[i].wrong), fmt.Sprint(sum[i].invented)})
	}
	return []Table{t}, nil
}

// time measures how long decoding takes in the paper's memory for 100 K flows alone.
func (r *runner) time() ([]Table, error) {
	t := Table{Experiment: "time", Title: fmt.Sprintf("Time to decode, in the memory of 2.88 MB per 100 K flows, ms; %d switches, %d threads", 5*r.cfg.K*r.cfg.K/4, r.cfg.Workers),
		Columns: []string{"flows per switch", "decoded, %", "wall, all switches", "processor, all switches", "processor, per switch", "wall, per pair of switches", "paper"}}
	cells := cellsIn(2.88e6*float64(r.cfg.Flows)/100_000, r.cfg.Flows)
	r.total += 3
	for _, x := range []struct {
		load  float64
		paper string
	}{{0.9, "below 10"}, {1.01, "283"}, {1.268, "3,275"}} {
		flows := int(x.load * float64(r.cfg.Flows))
		e, err := r.epoch(flows, cells, 0, 0)
		if err != nil {
			return nil, err
		}
		wall, cpu := r.clock()
		got := flowset.Decode(e.Tables, flowset.Options{Neighbours: e.Neighbours(), Workers: r.cfg.Workers})
		wallAfter, cpuAfter := r.clock()
		o := judge(e, got)
		n := float64(len(e.Tables))
		ms := func(ns int64) float64 { return float64(ns) / 1e6 }
		all, used := ms(wallAfter.Sub(wall).Nanoseconds()), ms((cpuAfter - cpu).Nanoseconds())
		t.Rows = append(t.Rows, []string{fmt.Sprint(flows), number(o.share(), 3), number(all, 1), number(used, 1), number(used/n, 1), number(2*all/n, 1), x.paper})
		if err := r.step(); err != nil {
			return nil, err
		}
	}
	return []Table{t}, nil
}
