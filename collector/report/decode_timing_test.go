package report

import (
	"fmt"
	"testing"

	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/internal/dissect"
)

// hops is a datagram of n hop postcards as our switches send them.
func hops(tb testing.TB, n int) []byte {
	tb.Helper()
	packet := append([]byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0}, figureIPv4(6)...)
	r := &Report{RepType: INT, InType: InEthernet, Flags: Tracked, MdBits: 0x7c00, Inner: append(packet, make([]byte, 66)...)}
	r.SetExtension(&Extension{Bits: 0xf800}, nil)
	var e Encoder
	if err := e.Reset(Group{NodeID: 1}); err != nil {
		tb.Fatal(err)
	}
	for range n {
		if err := e.Add(r); err != nil {
			tb.Fatal(err)
		}
	}
	return e.Bytes()
}

func TestDecodingAllocatesNothing(t *testing.T) {
	data := hops(t, 15)
	d := Decoder{Domains: testDomains}
	var r Report
	var rec postcard.Record
	var p dissect.Packet
	if n := testing.AllocsPerRun(100, func() {
		g, err := d.Reset(data)
		for ok := err == nil; ok; {
			if ok, err = d.Next(&r); ok {
				r.Record(g, &rec, &p)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("got %v allocations per datagram, want none", n)
	}
}

func BenchmarkDecode(b *testing.B) {
	run := func(name string, n int, convert bool) {
		b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
			data := hops(b, n)
			d := Decoder{Domains: testDomains}
			var r Report
			var rec postcard.Record
			var p dissect.Packet
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				g, err := d.Reset(data)
				if err != nil {
					b.Fatal(err)
				}
				for {
					ok, err := d.Next(&r)
					if err != nil {
						b.Fatal(err)
					}
					if !ok {
						break
					}
					if convert {
						r.Record(g, &rec, &p)
					}
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "reports/s")
		})
	}
	for _, n := range []int{1, 15} {
		run("reports", n, false)
		run("records", n, true)
	}
}
