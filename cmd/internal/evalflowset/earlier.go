package evalflowset

import (
	"fmt"

	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/analyzers/flowset/decode"
	"github.com/telltale-net/telltale/analyzers/flowset/flowsettest"
)

// earlier decodes epochs past the cliff, with and without what the epoch before had.
func (r *runner) earlier() ([]Table, error) {
	flows := max(100, r.cfg.Flows/10)
	k := r.cfg.Ks[0]
	switches := flowsettest.FatTree{K: k}.Switches()
	t := Table{Experiment: "earlier", Title: fmt.Sprintf("Past the cliff, with the flows of a well decoded epoch before: %d flows at each of %d switches (fat tree, k=%d), one packet lost of 1 %% of the flows", flows, switches, k), Axis: "cells per flow",
		Columns: []string{"cells per flow", "flows that go on, %", "known without, %", "counted without, %", "known, %", "counted, %", "wrong", "invented"}}
	ratios := []int{70, 60, 55, 50, 45, 40, 35, 30, 25, 20}
	shares := []int{50, 70, 90} // of flows go on, %
	out := make([][2]flowsettest.Outcome, len(ratios)*len(shares))
	r.expect(len(out))
	atOnce, workers := r.atOnce(2 * flows * switches)
	if err := r.trials(len(out), atOnce, func(i int) error {
		c := r.config(k, flows, flows, 8)
		c.Losses, c.Workers = flows*switches/5/100, workers
		first, err := flowsettest.New(c)
		if err != nil {
			return err
		}
		was := decode.Tables(first.Tables, decode.Options{Neighbours: first.Neighbours(), Workers: workers})
		c.Epoch++
		c.Cells = cellsFor(flows, ratios[i/len(shares)]) / 3
		next, err := c.Next(first, float64(shares[i%len(shares)])/100)
		if err != nil {
			return err
		}
		for x, before := range [][]*flowset.Decoded{nil, was} {
			out[i][x] = sum(next.Judge(decode.Tables(next.Tables, decode.Options{Neighbours: next.Neighbours(), Workers: workers, Earlier: before}), workers))
		}
		return nil
	}); err != nil {
		return nil, err
	}
	lines := []Line{{Name: "without"}}
	for _, s := range shares {
		lines = append(lines, Line{Name: fmt.Sprintf("%d %% go on", s)})
	}
	for i, o := range out {
		h, s := ratios[i/len(shares)], i%len(shares)
		t.Rows = append(t.Rows, []string{number(float64(h)/100, 2), fmt.Sprint(shares[s]), number(o[0].Known(), 2), number(o[0].Share(), 2), number(o[1].Known(), 2), number(o[1].Share(), 2),
			fmt.Sprint(o[0].Wrong + o[1].Wrong), fmt.Sprint(o[0].Invented + o[1].Invented)})
		lines[s+1].X, lines[s+1].Y = append(lines[s+1].X, float64(h)/100), append(lines[s+1].Y, o[1].Share())
		if s == 0 {
			lines[0].X, lines[0].Y = append(lines[0].X, float64(h)/100), append(lines[0].Y, o[0].Share())
		}
	}
	t.Lines = lines
	return []Table{t}, nil
}
