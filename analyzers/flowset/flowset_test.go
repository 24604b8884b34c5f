package flowset_test

import (
	"testing"

	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/analyzers/flowset/flowsettest"
)

// score is how decoding fared against the truth: a slow map of what every switch counted.
type score struct {
	flows, right, found, wrong, invented int
}

func judge(e *flowsettest.Epoch, got []*flowset.Decoded) (s score) {
	truth := make([]map[flowset.Key]int64, len(e.Tables))
	for i := range truth {
		truth[i] = map[flowset.Key]int64{}
	}
	for _, f := range e.Flows {
		for h, at := range f.Path {
			if f.Packets[h] > 0 {
				truth[at][f.Key] += f.Packets[h]
			}
		}
	}
	for i, d := range got {
		s.flows += len(truth[i])
		for f := range d.Len() {
			want, ok := truth[i][d.Key(f)]
			n, counted := d.Packets(f)
			switch {
			case !ok:
				s.invented++
			case !counted:
				s.found++
			case n != want:
				s.wrong++
			default:
				s.right++
			}
			delete(truth[i], d.Key(f))
		}
	}
	return s
}

func TestNetwork(t *testing.T) {
	for _, load := range []int{800, 950, 976, 1014, 1050, 1100} {
		for _, losses := range []int{0, 50} {
			e, err := flowsettest.New(flowsettest.Config{
				Tree: flowsettest.FatTree{K: 4}, FlowsPerNode: 3 * load, Seed: 1, Cells: 1000,
				CheckBytes: 2, FilterBits: 25 * 3000, FilterHashes: 8, Losses: losses,
			})
			if err != nil {
				t.Fatal(err)
			}
			a := judge(e, flowset.Decode(e.Tables, flowset.Options{Alone: true}))
			b := judge(e, flowset.Decode(e.Tables, flowset.Options{Neighbours: e.Neighbours()}))
			c := judge(e, flowset.Decode(e.Tables, flowset.Options{Neighbours: e.Neighbours(), Visits: e.Visits()}))
			t.Logf("load %d losses %d: alone %+v network %+v paths %+v", load, losses, a, b, c)
		}
	}
}
