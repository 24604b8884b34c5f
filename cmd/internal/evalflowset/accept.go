package evalflowset

import (
	"fmt"

	"github.com/telltale-net/telltale/analyzers/flowset/decode"
	"github.com/telltale-net/telltale/analyzers/flowset/flowsettest"
)

// accept decodes network-wide in the paper's memory for 100 K flows.
func (r *runner) accept() ([]Table, error) {
	flows := r.cfg.Flows
	memory := 2.36e6 * float64(flows) / 100_000
	cells := cellsIn(memory, flows)
	t := Table{Experiment: "accept", Title: fmt.Sprintf("%d flows per switch in %.3f MB (%d cells), decoded together", flows, memory/1e6, cells),
		Columns: []string{"paths", "k", "epochs", "flows decoded, %", "least, %", "epochs ≥ 99.9 %, %", "wrong", "invented"}}
	for _, k := range r.cfg.Ks {
		switches := flowsettest.FatTree{K: k}.Switches()
		if ok, gib := r.fits(flows*switches, netBytes); !ok {
			t.Rows = append(t.Rows, []string{fmt.Sprintf("needs %.0f GiB here", gib), fmt.Sprint(k), "–", "–", "–", "–", "–", "–"})
			continue
		}
		atOnce, workers := r.atOnce(flows * switches)
		epochs := max(1, r.cfg.Epochs*20/switches)
		out := make([][2]flowsettest.Outcome, epochs)
		r.expect(epochs)
		err := r.trials(epochs, atOnce, func(n int) error {
			c := r.config(k, flows, cells, uint64(n))
			c.Workers = workers
			e, err := flowsettest.New(c)
			if err != nil {
				return err
			}
			for i, opt := range []decode.Options{{Neighbours: e.Neighbours()}, {Neighbours: e.Neighbours(), Visits: e.Visits()}} {
				opt.Workers = workers
				out[n][i] = sum(e.Judge(decode.Tables(e.Tables, opt), workers))
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		for i, name := range []string{"not known", "known"} {
			var all flowsettest.Outcome
			good, least := 0, 100.0
			for _, o := range out {
				all.Add(o[i])
				least = min(least, o[i].Share())
				if o[i].Share() >= enough {
					good++
				}
			}
			t.Rows = append(t.Rows, []string{name, fmt.Sprint(k), fmt.Sprint(epochs), number(all.Share(), 4), number(least, 4),
				number(100*float64(good)/float64(epochs), 1), fmt.Sprint(all.Wrong), fmt.Sprint(all.Invented)})
		}
	}
	return []Table{t}, nil
}
