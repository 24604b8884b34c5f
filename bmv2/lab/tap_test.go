package lab

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/gopacket/gopacket/pcapgo"

	"github.com/telltale-net/telltale/bmv2/lab/frame"
	"github.com/telltale-net/telltale/bmv2/lab/traffic"
)

func TestTap(t *testing.T) {
	fab := small(t)
	from, to := far(t, fab)
	l := fakes(t, Config{Fabric: fab})
	add(t, l, traffic.Flow{From: from.Name, To: to.Name, Proto: frame.UDP, SrcPort: 1, DstPort: 2,
		Sizes: traffic.Fixed(125), Arrivals: traffic.Arrivals{PPS: 1000}, Stop: 10 * time.Millisecond})
	var up, down bytes.Buffer
	stopUp, err := l.Tap(from.At.Node, 1, &up)
	if err != nil {
		t.Fatal(err)
	}
	stopDown, err := l.Tap(from.At.Node, from.At.Port, &down)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Tap(from.At.Node, 77, io.Discard); err == nil {
		t.Error("a port without a link could be tapped")
	}
	runUntil(t, l, 5500*time.Microsecond)
	if err := stopUp(); err != nil {
		t.Fatal(err)
	}
	runUntil(t, l, time.Second)
	if err := stopDown(); err != nil {
		t.Fatal(err)
	}
	f := func(name string, b *bytes.Buffer, frames int) {
		t.Helper()
		r, err := pcapgo.NewReader(b)
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; ; n++ {
			data, ci, err := r.ReadPacketData()
			if err == io.EOF {
				if n != frames {
					t.Errorf("%s: %d frames, want %d", name, n, frames)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			p, d := frame.ParseTenant(data)
			// 125 bytes at 100 Mb/s and 1 µs: the vswitch has it 11 µs after it was sent.
			if d != frame.OK || p.Stamp.Seq != uint64(n) || ci.Timestamp.UnixNano() != p.Stamp.Sent+11000 {
				t.Errorf("%s: frame %d: defect %v, sequence %d, at %v, sent at %v", name, n, d, p.Stamp.Seq, ci.Timestamp.UnixNano(), p.Stamp.Sent)
			}
		}
	}
	f("uplink", &up, 6)
	f("tenant port", &down, 10)
}
