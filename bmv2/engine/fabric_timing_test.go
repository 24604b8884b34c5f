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

// vxlanFrame is a tenant's TCP packet in VXLAN: what a fabric switch carries.
func vxlanFrame(payload int) []byte {
	ipv4 := func(b []byte, proto byte, src, dst uint32) {
		b[0], b[8], b[9] = 0x45, 64, proto
		binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
		binary.BigEndian.PutUint32(b[12:], src)
		binary.BigEndian.PutUint32(b[16:], dst)
		binary.BigEndian.PutUint16(b[10:], hash.Checksum(b[:20]))
	}
	f := make([]byte, 14+20+8+8+14+20+20+payload)
	copy(f, "\x02\x00\x00\x00\x00\xfe\x02\x00\x00\x00\x00\x01\x08\x00")
	udp := f[34:]
	binary.BigEndian.PutUint16(udp[0:], 50000)
	binary.BigEndian.PutUint16(udp[2:], 4789)
	binary.BigEndian.PutUint16(udp[4:], uint16(len(udp)))
	copy(udp[8:], "\x08\x00\x00\x00\x00\x13\x88\x80")
	inner := udp[16:]
	copy(inner, "\x02\x00\x00\x00\x01\x02\x02\x00\x00\x00\x01\x01\x08\x00")
	binary.BigEndian.PutUint16(inner[34:], 1000)
	binary.BigEndian.PutUint16(inner[36:], 80)
	inner[46] = 0x50
	ipv4(inner[14:], 6, 0x0a090001, 0x0a090002)
	ipv4(f[14:], 17, 0x0a010001, 0x0a020002)
	return f
}

func fabric(tb testing.TB, postcards byte) *engine.Switch {
	tb.Helper()
	sp, err := spec.Load(p4src.Fabric.JSON)
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
	group := uint32(9)
	for i := range 4 {
		must(s.InsertMember("ecmp", device.Member{ID: uint32(i), Action: device.Action{Name: "forward",
			Args: [][]byte{{0, byte(i + 1)}, []byte("\x02\xaa\x00\x00\x00\x01"), []byte("\x02\xbb\x00\x00\x00\x02")}}}))
	}
	must(s.InsertGroup("ecmp", device.Group{ID: group, Members: []device.GroupMember{{Member: 0, Weight: 1}, {Member: 1, Weight: 1}, {Member: 2, Weight: 1}, {Member: 3, Weight: 1}}}))
	must(s.Insert("nexthops", device.Entry{Matches: []device.Match{{Kind: device.Exact, Value: []byte{0, 7}}}, Target: device.Target{Group: &group}}))
	for i := range 250 {
		must(s.Insert("routes", device.Entry{Matches: []device.Match{{Kind: device.LPM, Value: []byte{10, byte(i), 0, 0}, PrefixLen: 16}},
			Target: device.Target{Action: &device.Action{Name: "set_nexthop", Args: [][]byte{{0, 7}}}}}))
	}
	must(s.SetDefault("telemetry", &device.Target{Action: &device.Action{Name: "telemetry_config", Args: [][]byte{{0, 0, 0, 17}, {0, 1}, {postcards}, {1}}}}))
	must(s.SetDefault("report_target", &device.Target{Action: &device.Action{Name: "set_report_target", Args: [][]byte{
		[]byte("\x02\xaa\x00\x00\x00\x01"), []byte("\x02\xcc\x00\x00\x00\x01"), {10, 0, 0, 1}, {10, 0, 0, 2}, {0x25, 0x53}, {1}}}}))
	must(s.SetCloneSession(device.CloneSession{ID: p4src.ReportSession, Replicas: []device.Replica{{Port: 200, Instance: 1}}}))
	for i := range 4 {
		port := device.Match{Kind: device.Exact, Value: []byte{0, byte(i + 1)}}
		must(s.Insert("queue_limit", device.Entry{Matches: []device.Match{port}, Target: device.Target{Action: &device.Action{Name: "limit_queue", Args: [][]byte{{0, 0, 60}}}}}))
		must(s.Insert("mtu", device.Entry{Matches: []device.Match{port}, Target: device.Target{Action: &device.Action{Name: "set_mtu", Args: [][]byte{{5, 220}}}}}))
	}
	return s
}

// BenchmarkFabric is packets through our fabric.p4, without and with a postcard each.
func BenchmarkFabric(b *testing.B) {
	run := func(name string, postcards byte, want int) {
		b.Run(name, func(b *testing.B) {
			s, frame, now, sent := fabric(b, postcards), vxlanFrame(100), engine.Time(0), 0
			out := func(engine.Tx) { sent++ }
			b.ReportAllocs()
			for b.Loop() {
				now += 1000
				s.Receive(now, 1, frame)
				s.Run(now, out)
			}
			if sent != want*b.N {
				b.Fatalf("%d packets left; want %d: %+v", sent, want*b.N, s.Stats())
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "packets/s")
		})
	}
	run("forward", 0, 1)
	run("postcard", 1, 2)
}

// A packet's walk allocates nothing once the pools are warm.
func TestFabricAllocates(t *testing.T) {
	for postcards := range byte(2) {
		s, frame, now := fabric(t, postcards), vxlanFrame(100), engine.Time(0)
		out := func(engine.Tx) {}
		walk := func() {
			now += 1000
			s.Receive(now, 1, frame)
			s.Run(now, out)
		}
		for range 100 {
			walk()
		}
		if n := testing.AllocsPerRun(1000, walk); n != 0 {
			t.Errorf("with %d postcards: %v allocations per packet; want 0", postcards, n)
		}
	}
}
