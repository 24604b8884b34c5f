package collector

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/telltale-net/telltale/collector/postcard"
)

// BenchmarkLoopback sends datagrams as fast as one goroutine can, one system call
// each, and reports what came out at the sink; sender and kernel share the cores.
func BenchmarkLoopback(b *testing.B) {
	for _, n := range []int{1, 15} {
		b.Run(fmt.Sprintf("coalesced%d", n), func(b *testing.B) {
			ready := make(chan netip.AddrPort, 1)
			var given int
			c := collectorFor(b, nil, Deps{
				Sink:  func(batch []postcard.Record) { given += len(batch) },
				Ready: func(a netip.AddrPort) { ready <- a },
			})
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			done := make(chan error, 1)
			go func() { done <- c.Run(ctx) }()
			conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(<-ready))
			if err != nil {
				b.Fatal(err)
			}
			defer conn.Close()
			data := datagram(b, 4, 0, n)
			seq, start := uint32(0), time.Now()
			b.ReportAllocs()
			for b.Loop() {
				data[1], data[2], data[3] = data[1]&0xc0|byte(seq>>16&0x3f), byte(seq>>8), byte(seq)
				seq++
				if _, err := conn.Write(data); err != nil {
					b.Fatal(err)
				}
			}
			elapsed := time.Since(start)
			for idle, last := 0, uint64(0); idle < 20; idle++ { // until nothing comes any more
				time.Sleep(time.Millisecond)
				if now := c.Snapshot().Datagrams; now != last {
					idle, last = 0, now
				}
			}
			cancel()
			if err := <-done; err != nil {
				b.Fatal(err)
			}
			s := c.Snapshot()
			if s.Sum.Reports != s.Given+s.Sum.Shed || s.Given != uint64(given) || s.Datagrams*uint64(n) != s.Sum.Reports {
				b.Fatalf("%d datagrams, %d reports, %d given (sink: %d), %d shed", s.Datagrams, s.Sum.Reports, s.Given, given, s.Sum.Shed)
			}
			b.ReportMetric(float64(s.Sum.Reports)/elapsed.Seconds(), "reports/s")
			b.ReportMetric(100*(1-float64(s.Datagrams)/float64(seq)), "%lost")
		})
	}
}
