package evalflowset

import (
	"fmt"
	"math"
	"slices"

	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/analyzers/flowset/decode"
	"github.com/telltale-net/telltale/analyzers/flowset/flowsettest"
)

// published is the paper's memory for 99 % of epochs, MB by flows: alone, network-wide.
var published = map[int][2]float64{100_000: {2.88, 2.36}, 1_000_000: {29.7, 24.8}}

// enough is the share of flows that a switch's epoch must have for it to count as decoded, %.
const enough = 99.9

// point is what so many hundredths of a cell per flow are good for.
type point struct {
	trials, good int
	sum, failed  flowsettest.Outcome // of all, of those that are not good
}

// passes reports whether at least so large a share of the trials is good.
func (p *point) passes(share float64) bool {
	return float64(p.trials-p.good) <= (1-share)*float64(p.trials)+1e-9
}

func (p *point) add(o flowsettest.Outcome) {
	p.trials++
	p.sum.Add(o)
	if o.Share() >= enough {
		p.good++
		return
	}
	p.failed.Add(o)
}

// curve remembers points.
type curve struct {
	points map[int]*point
	try    func(hundredths int) (*point, error)
}

func (c *curve) at(h int) (*point, error) {
	if p, ok := c.points[h]; ok {
		return p, nil
	}
	p, err := c.try(h)
	if err == nil {
		c.points[h] = p
	}
	return p, err
}

// Hundredths of a cell per flow that are looked at.
const (
	leastCells = 20
	mostCells  = 400
)

// least finds the fewest cells that pass, from where they are supposed; 0 = none do.
func (c *curve) least(from int, share float64) (int, error) {
	low, high := 0, 0 // fails, passes
	for step := 2; low == 0 || high == 0; step *= 2 {
		p, err := c.at(from)
		if err != nil {
			return 0, err
		}
		if p.passes(share) {
			if high = from; from == leastCells {
				low = from - 1
			} else if low == 0 {
				from = max(leastCells, from-step)
			}
		} else {
			if low = from; from == mostCells {
				return 0, nil
			} else if high == 0 {
				from = min(mostCells, from+step)
			}
		}
	}
	for high-low > 1 {
		h := (low + high) / 2
		p, err := c.at(h)
		if err != nil {
			return 0, err
		}
		if p.passes(share) {
			high = h
		} else {
			low = h
		}
	}
	return high, nil
}

// failed returns how many of 100 flows came out where the cells are just too few.
func (c *curve) failed(h int) string {
	for ; h >= leastCells; h-- {
		if p, ok := c.points[h]; ok && p.failed.Flows > 0 {
			return number(p.failed.Share(), 1)
		}
	}
	return "–"
}

// errors returns wrong and invented flows of all points.
func (c *curve) errors() (wrong, invented int64) {
	for _, p := range c.points {
		wrong += p.sum.Wrong
		invented += p.sum.Invented
	}
	return wrong, invented
}

func (c *curve) line(name string) Line {
	l := Line{Name: name}
	hs := make([]int, 0, len(c.points))
	for h := range c.points {
		hs = append(hs, h)
	}
	slices.Sort(hs)
	for _, h := range hs {
		l.X = append(l.X, float64(h)/100)
		l.Y = append(l.Y, c.points[h].sum.Share())
	}
	return l
}

// memory finds how much memory so many flows need, alone and network-wide.
func (r *runner) memory() ([]Table, error) {
	alone := Table{Experiment: "memory", Title: fmt.Sprintf("Memory of a switch by itself: least that gives at least %v %% of the flows in 99 and 99.9 %% of epochs", enough), Axis: "cells per flow",
		Columns: memoryColumns}
	supposed := 140
	for _, flows := range r.cfg.Sizes {
		c := &curve{points: map[int]*point{}}
		c.try = func(h int) (*point, error) { return r.single(flows, h) }
		var err error
		if supposed, err = r.row(&alone, c, flows, 1, 0, supposed); err != nil {
			return nil, err
		}
	}
	tables := []Table{alone}
	for _, k := range r.cfg.Ks {
		switches := flowsettest.FatTree{K: k}.Switches()
		t := Table{Experiment: "memory", Title: fmt.Sprintf("Memory of each of %d switches decoded together (fat tree, k=%d): least that gives at least %v %% of the flows in 99 and 99.9 %% of epochs", switches, k, enough), Axis: "cells per flow",
			Columns: memoryColumns}
		supposed := 66
		for _, flows := range r.cfg.Sizes {
			if ok, gib := r.fits(flows*switches, netBytes); !ok {
				row := []string{fmt.Sprint(flows), fmt.Sprintf("needs %.0f GiB here", gib)}
				for len(row) < len(memoryColumns) {
					row = append(row, "–")
				}
				t.Rows = append(t.Rows, row)
				continue
			}
			c := &curve{points: map[int]*point{}}
			c.try = func(h int) (*point, error) { return r.together(k, flows, h) }
			var err error
			if supposed, err = r.row(&t, c, flows, switches, 1, supposed); err != nil {
				return nil, err
			}
		}
		tables = append(tables, t)
	}
	return tables, nil
}

var memoryColumns = []string{"flows", "99 %: cells per flow", "MB", "paper", "Mb/s", "paper", "99.9 %: cells per flow", "MB", "switch-epochs", "below: flows counted, %", "paper", "wrong", "invented"}

// row adds what a size needs. It returns where the next size's need is supposed.
func (r *runner) row(t *Table, c *curve, flows, switches, mode, supposed int) (int, error) {
	first, err := c.least(supposed, 0.99)
	if err != nil {
		return 0, err
	}
	row := []string{fmt.Sprint(flows)}
	need := func(hundredths int) float64 {
		if mode == 0 {
			return float64(cellsFor(flows, hundredths))*cellBytes + aloneBits(flows)/8*float64(flows)
		}
		return memoryOf(cellsFor(flows, hundredths), flows)
	}
	if first > 0 {
		supposed = first
		bytes := need(first)
		row = append(row, number(float64(first)/100, 2), number(bytes/1e6, 3))
		mb, rate := "–", "–"
		if p, ok := published[flows]; ok {
			mb, rate = number(p[mode], 2), number(bandwidth(1e6*p[mode]), 0)
		}
		row = append(row, mb, number(bandwidth(bytes), 0), rate)
		second, err := c.least(first, 0.999)
		if err != nil {
			return 0, err
		}
		if second > 0 {
			row = append(row, number(float64(second)/100, 2), number(need(second)/1e6, 3))
		} else {
			row = append(row, "–", "–")
		}
		below := "–"
		if mode == 0 && flows == 100_000 {
			below = "61.7"
		}
		wrong, invented := c.errors()
		row = append(row, fmt.Sprint(c.points[first].trials), c.failed(first), below, fmt.Sprint(wrong), fmt.Sprint(invented))
	} else {
		for len(row) < len(t.Columns) {
			row = append(row, "–")
		}
	}
	t.Rows = append(t.Rows, row)
	t.Lines = append(t.Lines, c.line(fmt.Sprint(flows)))
	return supposed, nil
}

func cellsFor(flows, hundredths int) int { return flows * hundredths / 100 }

// tries is how many epochs make a point.
func (r *runner) tries(flows, switches int) int {
	n := min(1000, max(10, r.cfg.Budget/flows))
	return (n + switches - 1) / switches
}

// single decodes switches by themselves.
func (r *runner) single(flows, hundredths int) (*point, error) {
	n := r.tries(flows, 1)
	atOnce := r.cfg.Workers
	if ok, _ := r.fits(flows*atOnce, aloneBytes); !ok {
		atOnce = 1
	}
	out := make([]flowsettest.Outcome, n)
	r.expect(n)
	err := r.trials(n, atOnce, func(i int) error {
		c := r.config(4, flows, cellsFor(flows, hundredths), uint64(hundredths))
		c.Seed += uint64(i) << 20
		c.FilterBits = uint64(aloneBits(flows) * float64(flows))
		c.FilterHashes = int(aloneBits(flows) * math.Ln2)
		t, truth, err := flowsettest.Alone(c)
		if err != nil {
			return err
		}
		out[i] = flowsettest.Judge(truth, decode.Tables([]*flowset.Table{t}, decode.Options{Alone: true, Workers: 1})[0])
		return nil
	})
	p := &point{}
	for _, o := range out {
		p.add(o)
	}
	return p, err
}

// together decodes the switches of fat trees with each other's help.
func (r *runner) together(k, flows, hundredths int) (*point, error) {
	switches := flowsettest.FatTree{K: k}.Switches()
	n := r.tries(flows, switches)
	atOnce, workers := r.atOnce(flows * switches)
	out := make([][]flowsettest.Outcome, n)
	r.expect(n)
	err := r.trials(n, atOnce, func(i int) error {
		c := r.config(k, flows, cellsFor(flows, hundredths), uint64(hundredths)<<32|uint64(i))
		c.Workers = workers
		e, err := flowsettest.New(c)
		if err != nil {
			return err
		}
		out[i] = e.Judge(decode.Tables(e.Tables, decode.Options{Neighbours: e.Neighbours(), Workers: workers}), workers)
		return nil
	})
	p := &point{}
	for _, some := range out {
		for _, o := range some {
			p.add(o)
		}
	}
	return p, err
}
