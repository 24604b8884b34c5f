package evalflowset

import (
	"fmt"
	"slices"

	"github.com/telltale-net/telltale/analyzers/flowset/decode"
	"github.com/telltale-net/telltale/analyzers/flowset/flowsettest"
)

// time measures how long decoding takes: the paper's loads by the number of threads, and
// all sizes.
func (r *runner) time() ([]Table, error) {
	loads, err := r.cores()
	if err != nil {
		return nil, err
	}
	sizes, err := r.sizes()
	if err != nil {
		return nil, err
	}
	return []Table{loads, sizes}, nil
}

// spent is how long decoding took, ms.
type spent struct {
	wall, processor float64
	outcome         flowsettest.Outcome
}

func (r *runner) spend(e *flowsettest.Epoch, opt decode.Options) spent {
	wall, cpu := r.clock()
	got := decode.Tables(e.Tables, opt)
	wallAfter, cpuAfter := r.clock()
	return spent{float64(wallAfter.Sub(wall).Nanoseconds()) / 1e6, float64((cpuAfter - cpu).Nanoseconds()) / 1e6, sum(e.Judge(got, r.cfg.Workers))}
}

// cores decodes in the paper's memory for 100 K flows alone, with more and more threads.
func (r *runner) cores() (Table, error) {
	k := r.cfg.Ks[0]
	switches := flowsettest.FatTree{K: k}.Switches()
	t := Table{Experiment: "time", Title: fmt.Sprintf("Time to decode %d switches (fat tree, k=%d) in 2.88 MB each per 100 K flows, ms; the paper's is for a pair of switches", switches, k),
		Columns: []string{"flows per switch", "threads", "decoded, %", "wall", "wall, per pair", "processor", "processor, per switch", "paper"}}
	threads := []int{1}
	for n := 2; n < r.cfg.Workers; n *= 2 {
		threads = append(threads, n)
	}
	if last := threads[len(threads)-1]; last < r.cfg.Workers {
		threads = append(threads, r.cfg.Workers)
	}
	cells := cellsIn(2.88e6*float64(r.cfg.Flows)/100_000, r.cfg.Flows)
	loads := []struct {
		load  float64
		paper string
	}{{0.9, "below 10 (one switch)"}, {1.01, "283"}, {1.268, "3,275"}}
	r.expect(len(loads) * len(threads))
	for _, x := range loads {
		flows := int(x.load * float64(r.cfg.Flows))
		c := r.config(k, flows, cells, 0)
		c.Workers = r.cfg.Workers
		e, err := flowsettest.New(c)
		if err != nil {
			return t, err
		}
		for _, n := range threads {
			s := r.spend(e, decode.Options{Neighbours: e.Neighbours(), Workers: n})
			t.Rows = append(t.Rows, []string{fmt.Sprint(flows), fmt.Sprint(n), number(s.outcome.Share(), 3), number(s.wall, 1), number(2*s.wall/float64(switches), 1),
				number(s.processor, 1), number(s.processor/float64(switches), 1), x.paper})
			if err := r.step(); err != nil {
				return t, err
			}
		}
	}
	return t, nil
}

// sizes decodes in the paper's memory for 99 % of epochs.
func (r *runner) sizes() (Table, error) {
	t := Table{Experiment: "time", Title: "Processor time to decode a switch, ms: by itself in 2.88 MB per 100 K flows, together in 2.36 MB",
		Columns: []string{"flows", "k", "by itself", "paper", "decoded, %", "together", "decoded, %"}}
	for _, k := range r.cfg.Ks {
		switches := flowsettest.FatTree{K: k}.Switches()
		sizes := slices.DeleteFunc(slices.Clone(r.cfg.Sizes), func(flows int) bool { ok, _ := r.fits(flows*switches, netBytes); return !ok })
		r.expect(len(sizes))
		for _, flows := range sizes {
			row := []string{fmt.Sprint(flows), fmt.Sprint(k)}
			for i, memory := range []float64{2.88, 2.36} {
				c := r.config(k, flows, cellsIn(memory*1e6*float64(flows)/100_000, flows), 1)
				c.Workers = r.cfg.Workers
				e, err := flowsettest.New(c)
				if err != nil {
					return t, err
				}
				s := r.spend(e, decode.Options{Neighbours: e.Neighbours(), Workers: r.cfg.Workers, Alone: i == 0})
				row = append(row, number(s.processor/float64(switches), 2))
				if i == 0 {
					paper := "–"
					if flows < 100_000 {
						paper = "below 10"
					}
					row = append(row, paper)
				}
				row = append(row, number(s.outcome.Share(), 3))
			}
			t.Rows = append(t.Rows, row)
			if err := r.step(); err != nil {
				return t, err
			}
		}
	}
	return t, nil
}
