package incident

import (
	"testing"

	"github.com/telltale-net/telltale/collector/postcard"
)

// TestSampled: of one packet in four, all hops of it, the same faults are found, as far
// as a quarter of the packets shows them, and nothing else is: the holes in the sequence
// numbers are no lost reports.
func TestSampled(t *testing.T) {
	const level = 2
	right, due := 0, 0
	for _, name := range []string{"healthy", "acl-deny", "blackhole", "slow-port", "link-loss", "congestion", "small-mtu"} {
		for seed := uint64(1); seed <= 4; seed++ {
			w := healthy(t, seed, regimes[seed%2])
			tr := scenarioOf(t, name).build(w, regimes[seed%2])
			a, err := New(w.fabric, Config{})
			if err != nil {
				t.Fatal(err)
			}
			a.SetSampling(level)
			for name, share := range w.reportLoss {
				a.SetReportLoss(postcard.NodeID(w.nodes[name].ID), share)
			}
			var evs []Event
			next := int64(0)
			for i := range w.run() {
				r := &w.records[i]
				if (r.FlowHash*0x9e3779b1^uint32(r.PacketID)*0x85ebca6b)>>16&(1<<level-1) != 0 {
					continue
				}
				for ; r.Received >= next; next += 50 * ms {
					evs = append(evs, a.Advance(next)...)
				}
				a.Observe(r)
			}
			for ; next < worldEnd+3000*ms; next += 50 * ms {
				evs = append(evs, a.Advance(next)...)
			}
			checkEvents(t, evs)
			v := judge(evs, tr)
			if v.wrong {
				t.Errorf("%s, seed %d: want %s at %s, got", name, seed, tr.kind, tr.text)
				for i := range v.opened {
					t.Log(Text(&v.opened[i], 0))
				}
			}
			if tr.kind != "" {
				due++
			}
			if v.right {
				right++
			} else if tr.kind != "" {
				t.Logf("%s, seed %d: %s not found; %d packets hurt", name, seed, tr.text, w.hurt)
			}
		}
	}
	t.Logf("%d of %d faults found", right, due)
	if 10*right < 6*due {
		t.Errorf("%d of %d faults found, want 60 %%", right, due)
	}
}
