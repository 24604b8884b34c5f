package engine_test

import (
	"encoding/binary"
	"testing"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/hash"
	"github.com/telltale-net/telltale/bmv2/spec"
	"github.com/telltale-net/telltale/p4src"
)

// vswitch is a virtual switch with the tenant's host 10.9.0.1 on port 1, that VNET's
// other hosts behind port 10, and 200 ACL rules that deny what nobody sends.
func vswitch(tb testing.TB) *engine.Switch {
	tb.Helper()
	sp, err := spec.Load(p4src.VSwitch.JSON)
	if err != nil {
		tb.Fatal(err)
	}
	prog, err := engine.Compile(sp)
	if err != nil {
		tb.Fatal(err)
	}
	s := engine.New(prog, engine.Config{CPUPort: p4src.CPUPort, DropPort: p4src.DropPort, Seed: 1})
	must := func(err error) {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
	}
	add := func(table string, a device.Target, matches ...device.Match) {
		tb.Helper()
		must(s.Insert(table, device.Entry{Matches: matches, Target: a}))
	}
	any := func(n int) device.Match {
		return device.Match{Kind: device.Ternary, Value: make([]byte, n), Mask: make([]byte, n)}
	}
	smac, dmac := []byte("\x02\xaa\x00\x00\x00\x01"), []byte("\x02\xbb\x00\x00\x00\x02")
	vni := []byte{0, 0x13, 0x88}
	set := func(table string, t device.Target) { tb.Helper(); must(s.SetDefault(table, &t)) }
	set("telemetry", action("telemetry_config", []byte{0, 0, 0, 17}, []byte{0, 1}, []byte{0}, []byte{1}))
	set("vtep", action("set_vtep", []byte{10, 1, 0, 1}))
	add("ports", action("tenant_port", vni), exact(0, 1))
	add("ports", action("uplink_port"), exact(0, 10))
	add("source_guard", action("source_ok"), exact(0, 1), exact(10, 9, 0, 1))
	add("overlay", action("local", []byte{0, 1}, smac, dmac), exact(vni...), exact(10, 9, 0, 1))
	for i := range 64 {
		add("overlay", action("remote", []byte{10, 2, 0, byte(i)}), exact(vni...), exact(10, 9, 1, byte(i)))
	}
	must(s.InsertMember("ecmp", device.Member{ID: 1, Action: *action("forward", []byte{0, 10}, smac, dmac).Action}))
	member := uint32(1)
	add("nexthops", device.Target{Member: &member}, exact(0, 7))
	add("routes", action("set_nexthop", []byte{0, 7}), device.Match{Kind: device.LPM, Value: []byte{10, 0, 0, 0}, PrefixLen: 8})
	for i := range 200 {
		port := device.Match{Kind: device.Ternary, Value: []byte{0x80, byte(i)}, Mask: []byte{0xff, 0xff}}
		must(s.Insert("acl", device.Entry{Priority: int32(1 + i), Target: action("deny", []byte{0, 0, 1, byte(i)}),
			Matches: []device.Match{exact(vni...), exact(byte(i % 2)), any(4), any(4), any(1), port}}))
	}
	for _, port := range []byte{1, 10} {
		add("queue_limit", action("limit_queue", []byte{0, 0, 60}), exact(0, port))
		add("mtu", action("set_mtu", []byte{5, 220}), exact(0, port))
	}
	return s
}

// tenantFrames are what a tenant's host sends, and what comes back in VXLAN.
func tenantFrames() (bare, vxlan []byte) {
	vxlan = vxlanFrame(100)
	copy(vxlan[30:], "\x0a\x01\x00\x01") // to our VTEP
	fixIPv4(vxlan[14:34])
	bare = append([]byte(nil), vxlan[50:]...)
	copy(bare[26:], "\x0a\x09\x00\x01\x0a\x09\x01\x05")
	fixIPv4(bare[14:34])
	inner := vxlan[50:]
	copy(inner[26:], "\x0a\x09\x01\x05\x0a\x09\x00\x01")
	fixIPv4(inner[14:34])
	return bare, vxlan
}

// BenchmarkVSwitch is packets through our vswitch.p4: into the overlay and out of it.
func BenchmarkVSwitch(b *testing.B) {
	bare, vxlan := tenantFrames()
	run := func(name string, in, out uint16, frame []byte, grows int) {
		b.Run(name, func(b *testing.B) {
			s, now, sent := vswitch(b), engine.Time(0), 0
			take := func(tx engine.Tx) {
				if tx.Port == out && len(tx.Data) == len(frame)+grows {
					sent++
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				now += 1000
				s.Receive(now, in, frame)
				s.Run(now, take)
			}
			if sent != b.N {
				b.Fatalf("%d of %d packets left: %+v", sent, b.N, s.Stats())
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "packets/s")
		})
	}
	run("encap", 1, 10, bare, 50)
	run("decap", 10, 1, vxlan, -50)
}

// Neither way allocates once the pools are warm.
func TestVSwitchAllocates(t *testing.T) {
	bare, vxlan := tenantFrames()
	s, now := vswitch(t), engine.Time(0)
	out := func(engine.Tx) {}
	walk := func() {
		now += 1000
		s.Receive(now, 1, bare)
		s.Receive(now, 10, vxlan)
		s.Run(now, out)
	}
	for range 100 {
		walk()
	}
	if n := testing.AllocsPerRun(1000, walk); n != 0 {
		t.Errorf("%v allocations per two packets; want 0", n)
	}
	if st := s.Stats(); st.Transmitted != st.Received {
		t.Errorf("not all packets left: %+v", st)
	}
}

// fixIPv4 writes the checksum of a header without options.
func fixIPv4(h []byte) {
	h[10], h[11] = 0, 0
	binary.BigEndian.PutUint16(h[10:], hash.Checksum(h))
}
