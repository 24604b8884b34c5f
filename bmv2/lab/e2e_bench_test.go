package lab_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/telltale-net/telltale/bmv2/lab"
	"github.com/telltale-net/telltale/bmv2/lab/traffic"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/controlplane/intent"
	"github.com/telltale-net/telltale/topology"
)

// BenchmarkLab is a whole fabric under load: programs, queues, links, hosts, and a
// collector that decodes. 16 switches are offered 100 000 packets/s. One operation is
// 10 ms of the lab's time; lab-s/s above 1 is faster than real time. The processor
// time per packet, which other users of the machine disturb less, is cpu-ns/packet;
// workers that wait for each other use some, too.
//
// speed-up is lab-s/s over that of one worker, measured before.
//
//	go test ./bmv2/lab -run '^$' -bench 'Lab/' -benchtime 20x -count 5
func BenchmarkLab(b *testing.B) {
	for _, reports := range []string{"drops", "every-hop"} {
		for _, delay := range trunks {
			alone := 0.0
			for _, workers := range []int{1, 2} {
				b.Run(fmt.Sprintf("reports=%s/trunks=%v/workers=%d", reports, delay, workers), func(b *testing.B) {
					speed := benchmark(b, benchWorld(b, delay, reports == "every-hop", workers))
					if workers == 1 {
						alone = speed
					}
					b.ReportMetric(speed/alone, "speed-up")
				})
			}
		}
	}
}

// The delays of BenchmarkLab's trunks: while a frame crosses one, 2.7 packets are taken
// in by some switch, or 50.
var trunks = []time.Duration{5 * time.Microsecond, 100 * time.Microsecond}

// How much faster several workers could be than one, processors and memory of no
// matter: what the causality of BenchmarkLab's fabric allows, for a packet that takes a
// switch 2 µs, and what is left of that when handing over takes 0.3 µs.
//
//	go test ./bmv2/lab -run Possible -v
func TestPossibleSpeed(t *testing.T) {
	if testing.Short() {
		t.Skip("a figure, and a minute of work for the race detector")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n%-8s %8s %10s %16s\n", "trunks", "workers", "possible", "with hand-over")
	for _, delay := range trunks {
		var alone [2]time.Duration
		for _, workers := range []int{1, 2, 4, 16} {
			var speed [2]float64
			w := benchWorld(t, delay, false, workers)
			lab.Paper{}.Run(w.Lab, lab.Time(30*time.Millisecond))
			for i, handover := range []time.Duration{0, 300 * time.Nanosecond} {
				p := lab.Paper{Hop: 2 * time.Microsecond, Other: 150 * time.Nanosecond, Handover: handover}
				took := p.Run(w.Lab, lab.Time(time.Duration(i+2)*40*time.Millisecond))
				if workers == 1 {
					alone[i] = took
				}
				speed[i] = float64(alone[i]) / float64(took)
			}
			fmt.Fprintf(&b, "%-8v %8d %10.2f %16.2f\n", delay, workers, speed[0], speed[1])
			if want := map[time.Duration]float64{5 * time.Microsecond: 1.75, 100 * time.Microsecond: 1.95}[delay]; workers == 2 && speed[0] < want {
				t.Errorf("trunks of %v: two workers could be %.2f times as fast as one, want %.2f", delay, speed[0], want)
			}
		}
	}
	t.Log(&b)
}

func benchWorld(tb testing.TB, delay time.Duration, all bool, workers int) *world {
	c := topology.DefaultLeafSpine()
	c.Spines, c.HostsPerVNET, c.Host.RateBps, c.Trunk.Delay = 4, 8, 1e9, delay
	return loaded(tb, c, all, workers)
}

// loaded is a fabric to which 100 000 packets/s are offered.
func loaded(tb testing.TB, c topology.LeafSpineConfig, all bool, workers int) *world {
	set := intent.DefaultSettings()
	set.AllHops = all
	w := newWorld(tb, 1, c, set, func(c *lab.Config) { c.Workers = workers })
	w.report = func(at lab.Time, src netip.AddrPort, payload []byte) {
		w.collector.Ingest(int64(at), src, payload, func(*postcard.Record) {})
	}
	w.mix(tb, traffic.Mix{Seed: 1, PPS: 100000})
	return w
}

// BenchmarkLargeLab is the same with 52 switches.
func BenchmarkLargeLab(b *testing.B) {
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			c := topology.DefaultLeafSpine()
			c.Spines, c.Leaves, c.HostsPerVNET, c.Host.RateBps = 4, 16, 32, 1e9
			benchmark(b, loaded(b, c, false, workers))
		})
	}
}

// benchmark returns the lab's seconds per second.
func benchmark(b *testing.B, w *world) (speed float64) {
	at := 200 * time.Millisecond
	w.until(b, at)
	before, sent, cpu := w.Stats(), w.totals().Sent, processorTime()
	b.ReportAllocs()
	for b.Loop() {
		at += 10 * time.Millisecond
		w.until(b, at)
	}
	cpu = processorTime() - cpu
	after, packets, seconds := w.Stats(), float64(w.totals().Sent-sent), b.Elapsed().Seconds()
	hops := uint64(0)
	for i := range after.Nodes {
		hops += after.Nodes[i].Received - before.Nodes[i].Received
	}
	speed = float64(after.Now-before.Now) / 1e9 / seconds
	b.ReportMetric(speed, "lab-s/s")
	b.ReportMetric(packets/seconds, "packets/s")
	b.ReportMetric(float64(hops)/seconds, "hops/s")
	b.ReportMetric(float64(after.Events-before.Events)/seconds, "events/s")
	b.ReportMetric(float64(after.Reports.Delivered-before.Reports.Delivered)/seconds, "reports/s")
	if cpu > 0 {
		b.ReportMetric(float64(cpu)/packets, "cpu-ns/packet")
	}
	return speed
}
