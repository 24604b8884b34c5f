package evalflowset

import (
	"fmt"

	"github.com/telltale-net/telltale/analyzers/flowset/decode"
	"github.com/telltale-net/telltale/analyzers/flowset/flowsettest"
)

// counts tells apart what FlowDecode and CounterDecode give, by how full tables are and by
// how many packets are lost between switches.
func (r *runner) counts() ([]Table, error) {
	flows := max(100, r.cfg.Flows/10)
	k := r.cfg.Ks[0]
	switches := flowsettest.FatTree{K: k}.Switches()
	t := Table{Experiment: "counts", Title: fmt.Sprintf("Flows and counts by cells and lost packets, %d flows at each of %d switches (fat tree, k=%d) decoded together", flows, switches, k), Axis: "cells per flow",
		Columns: []string{"cells per flow", "packets lost", "MB", "flows known, %", "counts told, %", "of them exact, %", "wrong", "invented"}}
	ratios := []int{110, 100, 90, 80, 70, 65, 60, 56, 52, 48}
	shares := []float64{0, 0.001, 0.01, 0.1, 0.5} // of all flows, one packet each
	lines := make([]Line, 2*len(shares))
	for i, s := range shares {
		lines[2*i].Name, lines[2*i+1].Name = fmt.Sprintf("known, %v lost", s), fmt.Sprintf("counted, %v lost", s)
	}
	r.expect(len(ratios) * len(shares))
	atOnce, workers := r.atOnce(flows * switches)
	out := make([]flowsettest.Outcome, len(ratios)*len(shares))
	lost := func(i int) int { return int(shares[i%len(shares)] * float64(flows*switches/5)) }
	if err := r.trials(len(out), atOnce, func(i int) error {
		c := r.config(k, flows, cellsFor(flows, ratios[i/len(shares)]), 7)
		c.Losses, c.Workers = lost(i), workers
		e, err := flowsettest.New(c)
		if err != nil {
			return err
		}
		out[i] = sum(e.Judge(decode.Tables(e.Tables, decode.Options{Neighbours: e.Neighbours(), Workers: workers}), workers))
		return nil
	}); err != nil {
		return nil, err
	}
	for i, o := range out {
		h, told := ratios[i/len(shares)], o.Right+o.Wrong
		t.Rows = append(t.Rows, []string{number(float64(h)/100, 2), fmt.Sprint(lost(i)), number(memoryOf(cellsFor(flows, h), flows)/1e6, 3), number(o.Known(), 3),
			number(100*float64(told)/float64(max(1, o.Flows)), 3), number(100*float64(o.Right)/float64(max(1, told)), 4), fmt.Sprint(o.Wrong), fmt.Sprint(o.Invented)})
		for x, y := range []float64{o.Known(), o.Share()} {
			l := &lines[2*(i%len(shares))+x]
			l.X, l.Y = append(l.X, float64(h)/100), append(l.Y, y)
		}
	}
	t.Lines = []Line{lines[0], lines[1], lines[2*len(shares)-3], lines[2*len(shares)-1]}
	return []Table{t}, nil
}
