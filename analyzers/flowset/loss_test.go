package flowset_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/analyzers/flowset/flowsettest"
)

func links(tree flowsettest.FatTree) (out [][2]string) {
	for i := range tree.Switches() {
		for _, j := range tree.Neighbours(i) {
			out = append(out, [2]string{tree.Name(i), tree.Name(j)})
		}
	}
	return out
}

// lossesOf is the slow truth: what every link of every flow lost.
func lossesOf(e *flowsettest.Epoch) map[string]int64 {
	lost := map[string]int64{}
	for _, f := range e.Flows {
		for h := 1; h < len(f.Path); h++ {
			if d := f.Packets[h-1] - f.Packets[h]; d > 0 {
				lost[fmt.Sprintf("%s>%s", e.Tree.Name(int(f.Path[h-1])), e.Tree.Name(int(f.Path[h])))] += d
			}
		}
	}
	return lost
}

func lostOn(e flowset.EpochLosses) map[string]int64 {
	lost := map[string]int64{}
	for _, l := range e.Links {
		if l.Lost > 0 {
			lost[l.From+">"+l.To] += int64(l.Lost)
		}
	}
	return lost
}

// Every single lost packet is found in the epoch in which it was lost, on its link, and
// none is invented.
func TestSingleLosses(t *testing.T) {
	tree := flowsettest.FatTree{K: 4}
	var ways func(k flowset.Key, n int) []string
	m := flowset.NewLossMap(flowset.LossConfig{Links: links(tree)})
	known := flowset.NewLossMap(flowset.LossConfig{Path: func(k flowset.Key, n int) []string { return ways(k, n) }})
	for epoch := range uint64(60) {
		losses := int(epoch % 3)
		e, err := flowsettest.New(flowsettest.Config{
			Tree: tree, FlowsPerNode: 280, Seed: 5, Epoch: epoch, Cells: 100, CheckBytes: 2, FilterBits: 25 * 300, FilterHashes: 12, Losses: losses,
		})
		if err != nil {
			t.Fatal(err)
		}
		decoded := flowset.Decode(e.Tables, flowset.Options{Neighbours: e.Neighbours(), Workers: 1})
		ways = e.Way()
		want := lossesOf(e)
		if got := lostOn(known.Epoch(epoch, decoded)); !maps.Equal(got, want) {
			t.Errorf("epoch %d, ways known: got %v, want %v", epoch, got, want)
		}
		// Where all packets of a flow are lost on its way up, the next node may be any.
		for link, n := range lostOn(m.Epoch(epoch, decoded)) {
			from, to, _ := strings.Cut(link, ">")
			for _, to := range strings.Split(to, "|") {
				one := min(n, want[from+">"+to])
				n -= one
				if want[from+">"+to] -= one; want[from+">"+to] == 0 {
					delete(want, from+">"+to)
				}
			}
			if n > 0 {
				t.Errorf("epoch %d: invented %d lost on %s", epoch, n, link)
			}
		}
		if len(want) > 0 {
			t.Errorf("epoch %d: not found: %v", epoch, want)
		}
	}
}
