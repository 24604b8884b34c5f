package evalflowset

import (
	"fmt"
	"strings"

	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/analyzers/flowset/decode"
	"github.com/telltale-net/telltale/analyzers/flowset/flowsettest"
	"github.com/telltale-net/telltale/analyzers/flowset/loss"
)

// losses loses single packets and looks for them in the epoch's counters: up to three an
// epoch, none in every fourth.
func (r *runner) losses() ([]Table, error) {
	const flows = 300
	k := r.cfg.Ks[0]
	t := Table{Experiment: "losses", Title: fmt.Sprintf("Single packets lost among %d flows per switch, k=%d, %d epochs", flows, k, r.cfg.LossEpochs),
		Columns: []string{"ways", "packets lost", "found on their link", "found behind their node", "not found", "invented"}}
	tree := flowsettest.FatTree{K: k}
	var links [][2]string
	for i := range tree.Switches() {
		for _, j := range tree.Neighbours(i) {
			links = append(links, [2]string{tree.Name(i), tree.Name(j)})
		}
	}
	r.expect(r.cfg.LossEpochs)
	var way func(flowset.Key, int) []string
	maps := []*loss.Map{
		loss.NewMap(loss.Config{Path: func(k flowset.Key, n int) []string { return way(k, n) }}),
		loss.NewMap(loss.Config{Links: links}),
	}
	var lost, on, behind, missed, invented [2]int64
	cells := int(1.05 * flows)
	for n := range r.cfg.LossEpochs {
		c := r.config(k, flows, cells, uint64(n))
		c.Losses = n % 4
		e, err := flowsettest.New(c)
		if err != nil {
			return nil, err
		}
		decoded := decode.Tables(e.Tables, decode.Options{Neighbours: e.Neighbours(), Workers: r.cfg.Workers})
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
