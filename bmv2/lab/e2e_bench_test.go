package lab_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/telltale-net/telltale/bmv2/lab"
	"github.com/telltale-net/telltale/bmv2/lab/traffic"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/controlplane/intent"
	"github.com/telltale-net/telltale/topology"
)

// BenchmarkFabric is a whole fabric under load: programs, queues, links, hosts, and a
// collector that decodes. One operation is 10 ms of the lab's time.
func BenchmarkFabric(b *testing.B) {
	for _, size := range []struct{ spines, leaves int }{{2, 4}, {4, 16}} {
		for _, all := range []bool{false, true} {
			c := topology.DefaultLeafSpine()
			c.Spines, c.Leaves = size.spines, size.leaves
			c.HostsPerVNET = 2 * size.leaves
			reports := "drops"
			if all {
				reports = "every-hop"
			}
			b.Run(fmt.Sprintf("switches=%d/reports=%s", size.spines+3*size.leaves, reports), func(b *testing.B) {
				set := intent.DefaultSettings()
				set.AllHops = all
				w := newWorld(b, 1, c, set)
				w.report = func(at lab.Time, src netip.AddrPort, payload []byte) {
					w.collector.Ingest(int64(at), src, payload, func(*postcard.Record) {})
				}
				w.mix(b, traffic.Mix{Seed: 1, PPS: 20000})
				at := 200 * time.Millisecond
				w.until(b, at)
				before, sent := w.Stats(), w.totals().Sent
				b.ReportAllocs()
				for b.Loop() {
					at += 10 * time.Millisecond
					w.until(b, at)
				}
				after, seconds := w.Stats(), b.Elapsed().Seconds()
				hops := uint64(0)
				for i := range after.Nodes {
					hops += after.Nodes[i].Received - before.Nodes[i].Received
				}
				b.ReportMetric(float64(after.Events-before.Events)/seconds, "events/s")
				b.ReportMetric(float64(hops)/seconds, "hops/s")
				b.ReportMetric(float64(w.totals().Sent-sent)/seconds, "packets/s")
				b.ReportMetric(float64(after.Now-before.Now)/1e9/seconds, "lab-s/s")
			})
		}
	}
}
