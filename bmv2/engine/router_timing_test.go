package engine_test

import (
	"encoding/binary"
	"testing"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/hash"
)

// router is testdata/router.p4 with that many routes and rules.
func router(tb testing.TB, routes, rules int) *engine.Switch {
	tb.Helper()
	s := engine.New(compileFile(tb, "testdata/router.json"), engine.Config{})
	fillRouter(tb, s, routes, rules)
	return s
}

func fillRouter(tb testing.TB, s *engine.Switch, routes, rules int) {
	tb.Helper()
	must := func(err error) {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
	}
	for i := range routes {
		dst := binary.BigEndian.AppendUint32(nil, 0x0a000000+uint32(i)<<8)
		must(s.Insert("I.routes", device.Entry{Matches: []device.Match{{Kind: device.LPM, Value: dst, PrefixLen: 24}},
			Target: action("I.set_nexthop", []byte{10, 0, 0, byte(i)}, []byte{0, byte(1 + i%8)})}))
	}
	for i := range 256 {
		must(s.Insert("I.neighbours", device.Entry{Matches: []device.Match{exact(10, 0, 0, byte(i))}, Target: action("I.set_dmac", []byte{2, 0, 0, 0, 0, byte(i)})}))
	}
	for i := range 8 {
		must(s.Insert("E.ports", device.Entry{Matches: []device.Match{exact(0, byte(1+i))}, Target: action("E.set_smac", []byte{2, 1, 0, 0, 0, byte(i)})}))
	}
	tern := func(mask byte, v ...byte) device.Match {
		m := make([]byte, len(v))
		for i := range m {
			m[i] = mask
			v[i] &= mask
		}
		return device.Match{Kind: device.Ternary, Value: v, Mask: m}
	}
	for i := range rules {
		masks := [2]byte{0xff, 0}
		must(s.Insert("I.acl", device.Entry{Priority: int32(1 + i), Target: action("I.drop"), Matches: []device.Match{
			tern(masks[i%2], 192, 168, byte(i>>8), byte(i)), tern(0xff, 172, 16, byte(i>>8), byte(i)),
			tern(masks[i/2%2], 6), tern(0, 0, 0), tern(masks[i/4%2], 0, 22)}}))
	}
}

// BenchmarkRouter is packets through a small IPv4 router.
func BenchmarkRouter(b *testing.B) {
	run := func(name string, routes, rules int) {
		b.Run(name, func(b *testing.B) {
			s, now, sent := router(b, routes, rules), engine.Time(0), 0
			out := func(engine.Tx) { sent++ }
			frames := make([][]byte, 64)
			for i := range frames {
				frames[i] = vxlanFrame(0)[:98]
				binary.BigEndian.PutUint32(frames[i][30:], 0x0a000001+uint32(i*7%routes)<<8)
				copy(frames[i][24:], "\x00\x00")
				binary.BigEndian.PutUint16(frames[i][24:], hash.Checksum(frames[i][14:34]))
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				now += 1000
				s.Receive(now, 1, frames[i%64])
				s.Run(now, out)
			}
			if sent != b.N {
				b.Fatalf("%d of %d packets left: %+v", sent, b.N, s.Stats())
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "packets/s")
		})
	}
	run("16 routes", 16, 4)
	run("10000 routes, 500 rules", 10000, 500)
}
