package lab_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/lab"
	"github.com/telltale-net/telltale/bmv2/lab/traffic"
	"github.com/telltale-net/telltale/bmv2/p4rt"
	"github.com/telltale-net/telltale/controlplane/intent"
	"github.com/telltale-net/telltale/topology"
)

// outcome is everything that a run of a lab gives to its user.
type outcome struct {
	reports string // a sum over instants, sources and payloads, in order
	taps    [][]byte
	stats   string
	flows   string
}

// Programs, entries and reports included, any number of workers gives the same: the
// bytes of all links of some switches, the reports in the same order, all counters.
func TestWorkersAgreeOnReports(t *testing.T) {
	steps, others := 8, []int{2, 4}
	if testing.Short() { // the race detector makes packets twenty times as dear
		steps, others = 3, []int{4}
	}
	run := func(seed uint64, fabric topology.LeafSpineConfig, workers int) outcome {
		set := intent.DefaultSettings()
		set.AllHops = seed%2 == 0
		f, err := topology.LeafSpine(fabric)
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(t, seed, fabric, set, func(c *lab.Config) {
			c.Workers, c.Clocks = workers, lab.Skewed(f, seed, time.Second, 50_000)
		})
		lab.AlwaysTogether(w.Lab)
		var taps []*bytes.Buffer
		var stops []func() error
		for _, l := range f.Links {
			if l.A.Node == "leaf1" || l.B.Node == "leaf1" || l.A.Node == "spine1" || l.A.Node == "vs2" {
				b := &bytes.Buffer{}
				stop, err := w.Tap(l.A.Node, l.A.Port, io.Writer(b))
				if err != nil {
					t.Fatal(err)
				}
				taps, stops = append(taps, b), append(stops, stop)
			}
		}
		w.mix(t, traffic.Mix{Seed: seed, PPS: 15000})
		r := rand.New(rand.NewPCG(seed, 21))
		leaf, _ := w.ix.Node("leaf2")
		key := []device.Match{{Kind: device.LPM, Value: leaf.Prefix.Addr().AsSlice(), PrefixLen: leaf.Prefix.Bits()}}
		faults := []lab.Fault{
			lab.SlowPort("leaf1", 3, 0.02), lab.LossyLink("spine1", 2, 0.2), lab.LinkDown("leaf2", 1), lab.LoseEntry("spine1", "routes", key),
			lab.QueuePause("leaf3", 1), lab.CorruptRegister("leaf1", "queue_depth", 1, []byte{0, 1, 0, 0}),
		}
		on := map[int]bool{}
		for step := 1; step <= steps; step++ {
			i := r.IntN(len(faults))
			change := faults[i].Apply
			if on[i] {
				change = faults[i].Revert
			}
			if err := change(w.Lab); err != nil {
				t.Fatal(err)
			}
			on[i] = !on[i]
			w.until(t, time.Duration(step)*12*time.Millisecond)
			balance(t, w)
		}
		s := w.Stats()
		for i := range s.Nodes {
			s.Nodes[i].P4RT = p4rt.Stats{} // controllers run as they like
		}
		o := outcome{reports: w.sum(), stats: fmt.Sprintf("%+v", s), flows: fmt.Sprintf("%+v", w.Flows())}
		for i, stop := range stops {
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			o.taps = append(o.taps, taps[i].Bytes())
		}
		if s.Reports.Delivered < 10 {
			t.Errorf("only %d reports: the test says little", s.Reports.Delivered)
		}
		return o
	}
	congested := topology.DefaultLeafSpine()
	congested.Access.RateBps, congested.Trunk.RateBps = 100e6, 100e6
	congested.Access.Queue, congested.Trunk.Queue = 16, 16
	for i, fabric := range []topology.LeafSpineConfig{topology.DefaultLeafSpine(), congested} {
		for seed := range uint64(3 - i) {
			if testing.Short() && (i == 0 || seed > 0) {
				break
			}
			want := run(seed, fabric, 1)
			for _, workers := range others {
				got := run(seed, fabric, workers)
				if got.reports != want.reports {
					t.Errorf("fabric %d, seed %d: %d workers give other reports than one", i, seed, workers)
				}
				if got.stats != want.stats {
					t.Errorf("fabric %d, seed %d: %d workers count\n%s\none\n%s", i, seed, workers, got.stats, want.stats)
				}
				if got.flows != want.flows {
					t.Errorf("fabric %d, seed %d: flows of %d workers differ from those of one", i, seed, workers)
				}
				for j := range want.taps {
					if !bytes.Equal(got.taps[j], want.taps[j]) {
						t.Errorf("fabric %d, seed %d: tap %d of %d workers differs from that of one", i, seed, j, workers)
					}
				}
			}
		}
	}
}

// A callback that never returns ends the run, and nobody is left waiting.
func TestReportsMayPanic(t *testing.T) {
	set := intent.DefaultSettings()
	set.AllHops = true
	w := newWorld(t, 1, topology.DefaultLeafSpine(), set, func(c *lab.Config) { c.Workers = 3 })
	lab.AlwaysTogether(w.Lab)
	w.mix(t, traffic.Mix{Seed: 1, PPS: 100000})
	w.until(t, 50*time.Millisecond)
	w.report = func(lab.Time, netip.AddrPort, []byte) { panic("enough") }
	defer func() {
		if recover() == nil {
			t.Error("the panic did not get through")
		}
	}()
	w.until(t, 100*time.Millisecond)
}
