package evalflowset

import (
	"fmt"
	"strings"
	"time"

	"github.com/telltale-net/telltale/analyzers/flowset/lossradar"
)

// mixtures are the causes at work on a link at the same time.
var mixtures = [][]lossradar.Cause{
	{lossradar.Congestion}, {lossradar.Blackhole}, {lossradar.Random}, {lossradar.Loop},
	{lossradar.Congestion, lossradar.Random}, {lossradar.Congestion, lossradar.Blackhole}, {lossradar.Blackhole, lossradar.Random},
	{lossradar.Congestion, lossradar.Blackhole, lossradar.Random, lossradar.Loop},
}

// told counts lost packets by cause.
type told struct{ lost, said, right int }

// causes classifies the losses of links, found by digests in batches of 10 ms and judged
// over 100 ms, one cause at work at a time and several.
func (r *runner) causes() ([]Table, error) {
	kinds := []lossradar.Cause{lossradar.Congestion, lossradar.Blackhole, lossradar.Random, lossradar.Loop}
	t := Table{Experiment: "causes", Title: fmt.Sprintf("LossRadar's classifier: precision and recall by lost packets, %d windows of 100 ms per row of causes, 10 Gb/s at 40 %% load", r.cfg.Windows),
		Columns: []string{"at work", "cause", "lost", "recall, %", "paper", "precision, %", "paper", "unknown, %", "not decoded"}}
	paper := map[lossradar.Cause][2]string{lossradar.Random: {"90.3", "about 100"}, lossradar.Blackhole: {"73.1", "at least 97.6"}}
	r.expect(len(mixtures) * r.cfg.Windows)
	for m, mix := range mixtures {
		windows := make([]map[lossradar.Cause]told, r.cfg.Windows)
		unknown, missed := make([]map[lossradar.Cause]int, r.cfg.Windows), make([]int, r.cfg.Windows)
		err := r.trials(r.cfg.Windows, r.cfg.Workers, func(n int) error {
			w := newWindow(r.cfg.FirstSeed, uint64(m*r.cfg.Windows+n), mix)
			lost, err := w.found()
			if err != nil {
				return err
			}
			windows[n], unknown[n] = map[lossradar.Cause]told{}, map[lossradar.Cause]int{}
			for cause, packets := range w.lost() {
				windows[n][cause] = told{lost: packets}
				missed[n] += packets
			}
			missed[n] -= len(lost)
			for i, said := range lossradar.Classify(lost, window, lossradar.Rules{}) {
				truth := w.cause[lost[i]]
				c := windows[n][said]
				c.said++
				if said == truth {
					c.right++
				}
				windows[n][said] = c
				if said == lossradar.Unknown {
					unknown[n][truth]++
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		all, unsaid, undecoded := map[lossradar.Cause]told{}, map[lossradar.Cause]int{}, 0
		for n, w := range windows {
			for cause, c := range w {
				x := all[cause]
				x.lost, x.said, x.right = x.lost+c.lost, x.said+c.said, x.right+c.right
				all[cause] = x
			}
			for cause, x := range unknown[n] {
				unsaid[cause] += x
			}
			undecoded += missed[n]
		}
		names := make([]string, len(mix))
		for i, c := range mix {
			names[i] = string(c)
		}
		for _, kind := range kinds {
			c := all[kind]
			if c.lost == 0 && c.said == 0 {
				continue
			}
			p := paper[kind]
			if p[0] == "" {
				p = [2]string{"–", "–"}
			}
			t.Rows = append(t.Rows, []string{strings.Join(names, " + "), string(kind), fmt.Sprint(c.lost), share(c.right, c.lost), p[0], share(c.right, c.said), p[1], share(unsaid[kind], c.lost), fmt.Sprint(undecoded)})
		}
	}
	return []Table{t}, nil
}

// share returns a of b as percent.
func share(a, b int) string {
	if b == 0 {
		return "–"
	}
	return number(100*float64(a)/float64(b), 1)
}

// found returns the lost packets that a link's digests give, batch by batch, each with 1.6
// cells for every loss, and 60 more.
func (w *traffic) found() ([]lossradar.Packet, error) {
	var lost []lossradar.Packet
	for from := 0; from < len(w.packets); {
		to, losses := from, 0
		for to < len(w.packets) && w.packets[to].At/batch == w.packets[from].At/batch {
			if w.cause[w.packets[to]] != "" {
				losses++
			}
			to++
		}
		if losses > 0 {
			got, err := exchange(w.packets[from:to], 60+losses*8/5, func(p lossradar.Packet) bool { return w.cause[p] != "" })
			if err != nil {
				return nil, err
			}
			lost = append(lost, got...)
		}
		from = to
	}
	return lost, nil
}

// exchange returns what the digests of a segment's ends say was lost.
func exchange(packets []lossradar.Packet, cells int, lost func(lossradar.Packet) bool) ([]lossradar.Packet, error) {
	up, err := lossradar.New(cells, uint64(len(packets)))
	if err != nil {
		return nil, err
	}
	down, err := lossradar.New(cells, uint64(len(packets)))
	if err != nil {
		return nil, err
	}
	for _, p := range packets {
		up.Add(&p)
		if !lost(p) {
			down.Add(&p)
		}
	}
	d, err := lossradar.Compare(up, down)
	return d.Lost, err
}

const (
	window = 100 * time.Millisecond // of the classifier
	batch  = 10 * time.Millisecond  // of a digest
)
