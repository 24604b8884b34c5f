package p4src_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gopacket/gopacket/layers"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/p4src"
)

const (
	tcp  = layers.IPProtocolTCP
	udp  = layers.IPProtocolUDP
	icmp = layers.IPProtocolICMPv4
)

// One route out of port 2; node 17 reports what each test asks for.
const fabricRoute = `
	routes 10.2.0.0/16 -> set_nexthop(7)
	member 1 = forward(2, ` + ourMAC + `, ` + peerMAC + `)
	nexthops 7 -> member 1
`

var underlay = flow{"10.1.0.1", "10.2.0.2", udp, 50000, 4000}

// forwarded is what a fabric hop makes of packet(f, …): new MACs, one less TTL.
func forwarded(f flow, payload int, opts ...ipv4Opt) []byte {
	p := packet(f, payload, append(opts, func(ip *layers.IPv4) { ip.TTL-- })...)
	copy(p[0:6], mac(peerMAC))
	copy(p[6:12], mac(ourMAC))
	return p
}

func TestFabricForwards(t *testing.T) {
	f := func(name string, fl flow, payload int, opts ...ipv4Opt) {
		t.Helper()
		r := newRig(t, p4src.Fabric, fabricRoute)
		got := r.send(1, packet(fl, payload, opts...))
		t.Run(name, func(t *testing.T) {
			wantFrames(t, got, frame{port: 2, data: forwarded(fl, payload, opts...)})
		})
	}
	f("UDP", underlay, 100)
	f("TCP", flow{"10.1.0.1", "10.2.0.2", tcp, 1, 2}, 0)
	f("ICMP", flow{"10.1.0.1", "10.2.0.2", icmp, 0, 0}, 56)
	f("TTL 2 is the last that travels", underlay, 10, ttl(2))
	f("TTL 255", underlay, 10, ttl(255))
	f("IP options", underlay, 10, options(1, 2, 3, 4, 5, 6))
	f("a later fragment", underlay, 64, fragment(100))
	f("a large packet", underlay, 8900)
}

// Whatever stands in an IPv4 header, the checksum after the TTL is what a computation
// in full gives.
func TestFabricChecksumIsRightForAnyHeader(t *testing.T) {
	embeddedOnly(t, "takes too long for thousands of packets")
	r := newRig(t, p4src.Fabric, "routes 0.0.0.0/0 -> set_nexthop(7)"+fabricRoute)
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		fl := flow{fmt.Sprintf("10.%d.%d.%d", rnd.IntN(256), rnd.IntN(256), rnd.IntN(256)),
			fmt.Sprintf("%d.%d.%d.%d", 1+rnd.IntN(223), rnd.IntN(256), rnd.IntN(256), rnd.IntN(256)), icmp, 0, 0}
		opts := []ipv4Opt{ttl(uint8(2 + rnd.IntN(254))), ident(uint16(rnd.IntN(65536))), tos(uint8(rnd.IntN(256)))}
		payload := rnd.IntN(100)
		wantFrames(t, r.send(1, packet(fl, payload, opts...)), frame{port: 2, data: forwarded(fl, payload, opts...)})
		if t.Failed() {
			return
		}
	}
}

// ecmpRig has four equal paths, out of ports 1 to 4.
func ecmpRig(tb testing.TB, seed int) *rig {
	return newRig(tb, p4src.Fabric, fmt.Sprintf(`
		telemetry = telemetry_config(17, %d, 0, 0)
		routes 10.2.0.0/16 -> set_nexthop(7)
		member 1 = forward(1, %[2]s, %[3]s)
		member 2 = forward(2, %[2]s, %[3]s)
		member 3 = forward(3, %[2]s, %[3]s)
		member 4 = forward(4, %[2]s, %[3]s)
		group 9 = 1 2 3 4
		nexthops 7 -> group 9
	`, seed, ourMAC, peerMAC))
}

func TestECMPSpreadsFlowsAndKeepsEachOnItsPath(t *testing.T) {
	embeddedOnly(t, "takes too long for thousands of packets")
	r := ecmpRig(t, 1)
	const flows = 2000
	count := make(map[uint16]int)
	for i := range flows {
		// As VXLAN looks from outside: two addresses, and entropy in the source port.
		p := packet(flow{"10.1.0.1", "10.2.0.2", udp, uint16(49152 + i*7), 4789 + 1}, 20)
		first := r.send(9, p)[0].port
		if again := r.send(9, p)[0].port; again != first {
			t.Fatalf("flow %d left through port %d, then through %d", i, first, again)
		}
		count[first]++
	}
	for port := uint16(1); port <= 4; port++ {
		if got, mean := count[port], flows/4; got < mean*8/10 || got > mean*12/10 {
			t.Errorf("port %d carries %d of %d flows; want about %d", port, got, flows, mean)
		}
	}
}

// Neighbours must not choose alike: of the flows that one switch puts on a path, the
// next one, with another seed, uses all of its paths evenly.
func TestECMPSeedsDecorrelate(t *testing.T) {
	embeddedOnly(t, "takes too long for thousands of packets")
	const flows = 2000
	for _, seed := range []int{2, 3, 0x55, 0x1234} {
		a, b := ecmpRig(t, 1), ecmpRig(t, seed)
		var joint [5][5]int
		for i := range flows {
			p := packet(flow{"10.1.0.1", "10.2.0.2", udp, uint16(49152 + i*7), 4790}, 20)
			joint[a.send(9, p)[0].port][b.send(9, p)[0].port]++
		}
		for i := 1; i <= 4; i++ {
			for j := 1; j <= 4; j++ {
				if got, mean := joint[i][j], flows/16; got < mean/2 || got > mean*3/2 {
					t.Errorf("seeds 1 and %d: %d of %d flows use ports %d and %d; want about %d", seed, got, flows, i, j, mean)
				}
			}
		}
	}
}

// A route that says so sends the packet to the controller as it came.
func TestPacketIn(t *testing.T) {
	r := newRig(t, p4src.Fabric, collectorEntry+`
		telemetry = telemetry_config(17, 0, 1, 1)
		routes 10.2.0.2/32 -> to_cpu()
	`)
	p := packet(underlay, 30)
	// ingress_port 9 = 300, pad 7 = 0, reason 8 = 1
	wantFrames(t, r.send(300, p), frame{port: p4src.CPUPort, data: append([]byte{0x96, 0x00, 1}, p...)})
}

// A packet-out leaves where it says and as it is, whatever it is.
func TestPacketOut(t *testing.T) {
	for _, program := range []p4src.Program{p4src.Fabric, p4src.VSwitch} {
		r := newRig(t, program, collectorEntry+"telemetry = telemetry_config(17, 0, 1, 1)\nmtu 300 -> set_mtu(20)\nqueue_limit 300 -> limit_queue(0)")
		for _, body := range [][]byte{packet(underlay, 500, ttl(1)), {1}, []byte("no packet at all, but some twenty bytes and more")} {
			// egress_port 9 = 300, pad 7 = 0
			wantFrames(t, r.send(p4src.CPUPort, append([]byte{0x96, 0x00}, body...)), frame{port: 300, data: body})
		}
	}
}

func TestPortCounters(t *testing.T) {
	embeddedOnly(t, "takes no part: direct counters are read from the engine")
	r := newRig(t, p4src.Fabric, fabricRoute)
	r.send(1, packet(underlay, 50))
	r.send(1, packet(underlay, 50, ttl(1)))
	for _, c := range []struct {
		name string
		port int
		want uint64
	}{{"port_in", 1, 2}, {"port_in", 2, 0}, {"port_out", 2, 1}, {"port_out", 1, 0}} {
		got, err := r.sw.ReadCounter(c.name, c.port)
		if err != nil {
			t.Fatal(err)
		}
		if got.Packets != c.want {
			t.Errorf("%s[%d] = %d packets; want %d", c.name, c.port, got.Packets, c.want)
		}
	}
	entries, err := r.sw.Entries("routes")
	if err != nil {
		t.Fatal(err)
	}
	// The second packet was dropped before the route.
	if got := entries[0].Counter.Packets; got != 1 {
		t.Errorf("the route counts %d packets; want 1", got)
	}
}

// The MTU is that of the IP packet: one byte more is dropped and reported at egress.
func TestMTU(t *testing.T) {
	r := newRig(t, p4src.Fabric, collectorEntry+"telemetry = telemetry_config(17, 0, 0, 1)\nmtu 2 -> set_mtu(128)"+fabricRoute)
	wantFrames(t, r.send(1, packet(underlay, 100)), frame{port: 2, data: forwarded(underlay, 100)})
	now := r.now
	wantFrames(t, r.send(1, packet(underlay, 101)), frame{port: collectorPort, data: report{
		node: 17, d: true, in: 1, out: 2,
		ingress: usOf(now), hop: &hop{egress: usOf(now)}, reason: ptr(p4src.DropMTU),
		packetID: 7, hash: ptr(underlay.hash(0)), enqueued: ptr(uint32(0)),
		packet: forwarded(underlay, 101),
	}.frame(collector)})
	if got := r.dropped(p4src.DropMTU); got != 1 {
		t.Errorf("drop_counter[MTU] = %d; want 1", got)
	}
}

// usOf is a time as a v1model program knows it, in ns.
func usOf(t engine.Time) uint64 { return uint64(t) / 1000 * 1000 }

// A burst meets a limit of four: four are let through, the others dropped with the
// depth that was counted; when the queue has drained, there is room again.
func TestQueueLimit(t *testing.T) {
	embeddedOnly(t, "has port rates only on its own command line")
	r := newRig(t, p4src.Fabric, collectorEntry+"telemetry = telemetry_config(17, 0, 0, 1)\nqueue_limit 2 -> limit_queue(4)"+fabricRoute)
	r.sw.SetPort(2, engine.PortConfig{RatePps: 1000})
	burst := func(start uint32) {
		t.Helper()
		begin := r.now
		var want []frame
		for i := range 7 {
			r.sw.Receive(r.now, 1, packet(underlay, 40+i))
			if i < 4 {
				want = append(want, frame{port: 2, data: forwarded(underlay, 40+i)})
				continue
			}
			want = append(want, frame{port: collectorPort, data: report{
				node: 17, seq: start + uint32(i) - 4, d: true, in: 1, out: 2,
				ingress: usOf(begin), reason: ptr(p4src.DropTrafficManager),
				packetID: 7, hash: ptr(underlay.hash(0)), enqueued: ptr(uint32(4)),
				packet: packet(underlay, 40+i),
			}.frame(collector)})
		}
		wantFrames(t, r.drain(), want...)
	}
	burst(0)
	r.now += 10_000_000
	burst(3)
	if got := r.dropped(p4src.DropTrafficManager); got != 6 {
		t.Errorf("drop_counter[TRAFFIC_MANAGER] = %d; want 6", got)
	}
}

// A packet that leaves at least three others behind is reported with Q.
func TestQueueWatch(t *testing.T) {
	embeddedOnly(t, "has port rates only on its own command line")
	r := newRig(t, p4src.Fabric, collectorEntry+"telemetry = telemetry_config(17, 0, 0, 0)\nqueue_watch 2 -> watch_queue(3)"+fabricRoute)
	r.sw.SetPort(2, engine.PortConfig{RatePps: 1000})
	begin := r.now
	var want []frame
	for range 6 {
		r.sw.Receive(r.now, 1, packet(underlay, 40))
		want = append(want, frame{port: 2, data: forwarded(underlay, 40)})
	}
	got := r.drain()
	seq := uint32(0)
	var left int
	for _, f := range got {
		if f.port != 2 {
			continue
		}
		behind := 5 - left // packets still waiting when this one leaves
		if behind >= 3 {
			want = append(want, frame{port: collectorPort, data: report{
				node: 17, seq: seq, q: true, in: 1, out: 2,
				ingress: usOf(begin), hop: &hop{occupancy: uint32(behind), egress: usOf(f.at)},
				packetID: 7, hash: ptr(underlay.hash(0)), enqueued: ptr(uint32(left)),
				packet: forwarded(underlay, 40),
			}.frame(collector)})
			seq++
		}
		left++
	}
	wantFrames(t, got, want...)
	if seq != 3 {
		t.Errorf("%d packets found a long queue; want 3", seq)
	}
}

// What hop postcards are sent for: all, the watch list, a colour from the source; and
// what silences them.
func TestHopPostcards(t *testing.T) {
	inner := packet(flow{"10.9.0.1", "10.9.0.2", tcp, 1000, 80}, 70)
	tenant := flow{"10.9.0.1", "10.9.0.2", tcp, 1000, 80}
	outer := vxlan{smac: hostMAC, dmac: gatewayMAC, src: "10.1.0.1", dst: "10.2.0.2", id: 0xBEEF, ttl: 64,
		hash: tenant.hash(5000), vni: 5000, epoch: 1}
	coloured := outer
	coloured.colour = 2

	f := func(name, entries string, v vxlan, reported bool) {
		t.Helper()
		r := newRig(t, p4src.Fabric, collectorEntry+fabricRoute+entries)
		leaving := v
		leaving.smac, leaving.dmac, leaving.ttl = ourMAC, peerMAC, v.ttl-1
		want := []frame{{port: 2, data: leaving.wrap(inner)}}
		if reported {
			want = append(want, frame{port: collectorPort, data: report{
				node: 0xA0B0C0D0, f: true, in: 1, out: 2,
				ingress: usOf(r.now), hop: &hop{egress: usOf(r.now)},
				packetID: 0xBEEF, epoch: 1, colour: v.colour, hash: ptr(tenant.hash(5000)), vni: 5000,
				enqueued: ptr(uint32(0)), packet: leaving.wrap(inner),
			}.frame(collector)})
		}
		got := r.send(1, v.wrap(inner))
		t.Run(name, func(t *testing.T) { wantFrames(t, got, want...) })
	}
	const on, all, drops = "\ntelemetry = telemetry_config(0xA0B0C0D0, 0, 0, 0)\n", "\ntelemetry = telemetry_config(0xA0B0C0D0, 0, 1, 0)\n", "\ntelemetry = telemetry_config(0xA0B0C0D0, 0, 0, 1)\n"
	f("off", "", outer, false)
	f("on, but nobody asked", on, outer, false)
	f("drops only", drops, outer, false)
	f("all", all, outer, true)
	f("watched by the tenant's flow", on+"watch/1 5000 10.9.0.1 10.9.0.2 6 1000 80 -> watch_flow(0)", outer, true)
	f("watched by VNI", on+"watch/1 5000 * * * * * -> watch_flow(0)", outer, true)
	f("watched by prefix", on+"watch/1 * 10.9.0.0&0xffff0000 * * * * -> watch_flow(0)", outer, true)
	f("another VNI is watched", on+"watch/1 5001 10.9.0.1 10.9.0.2 6 1000 80 -> watch_flow(0)", outer, false)
	f("the underlay's addresses are not the flow", on+"watch/1 * 10.1.0.1 * * * * -> watch_flow(0)", outer, false)
	f("coloured by the source", on, coloured, true)
	f("a hop keeps the source's colour", on+"watch/1 * * * * * * -> watch_flow(3)", coloured, true)
	f("all, but ignored", all+"watch/1 * * * 6 * 80 -> ignore_flow()", outer, false)
	f("off beats a watch entry", "\nwatch/1 * * * * * * -> watch_flow(0)", outer, false)
}

// Reports of packets of any length are exact: lengths in every header, and the packet
// cut to whole words and to 128 bytes.
func TestReportLengths(t *testing.T) {
	r := newRig(t, p4src.Fabric, collectorEntry+"telemetry = telemetry_config(17, 0, 1, 1)"+fabricRoute)
	drop := newRig(t, p4src.Fabric, collectorEntry+"telemetry = telemetry_config(17, 0, 0, 1)")
	for length := 60; length <= 200; length++ {
		payload, seq := length-42, uint32(length-60)
		wantFrames(t, r.send(1, packet(underlay, payload)),
			frame{port: 2, data: forwarded(underlay, payload)},
			frame{port: collectorPort, data: report{
				node: 17, seq: seq, f: true, in: 1, out: 2,
				ingress: usOf(r.now), hop: &hop{egress: usOf(r.now)},
				packetID: 7, hash: ptr(underlay.hash(0)), enqueued: ptr(uint32(0)), packet: forwarded(underlay, payload),
			}.frame(collector)})
		wantFrames(t, drop.send(1, packet(underlay, payload)),
			frame{port: collectorPort, data: report{
				node: 17, seq: seq, d: true, in: 1,
				ingress: usOf(drop.now), reason: ptr(p4src.DropIPMiss),
				packetID: 7, hash: ptr(underlay.hash(0)), packet: packet(underlay, payload),
			}.frame(collector)})
		if t.Failed() {
			t.Fatalf("at a frame of %d bytes", length)
		}
	}
}

// The sequence number has 22 bits, counts the reports sent and nothing else.
func TestReportSequence(t *testing.T) {
	embeddedOnly(t, "shows no registers over P4Runtime")
	r := newRig(t, p4src.Fabric, "telemetry = telemetry_config(17, 0, 0, 1)")
	if got := r.send(1, packet(underlay, 20)); len(got) != 0 {
		t.Fatalf("without a report target %d frames leave; want none", len(got))
	}
	r.install(collectorEntry)
	want := func(seq uint32) {
		t.Helper()
		wantFrames(t, r.send(1, packet(underlay, 20)), frame{port: collectorPort, data: report{
			node: 17, seq: seq, d: true, in: 1, ingress: usOf(r.now), reason: ptr(p4src.DropIPMiss),
			packetID: 7, hash: ptr(underlay.hash(0)), packet: packet(underlay, 20),
		}.frame(collector)})
	}
	want(0)
	want(1)
	if err := r.sw.WriteRegister("report_seq", 0, []byte{0x3f, 0xff, 0xff}); err != nil {
		t.Fatal(err)
	}
	want(1<<22 - 1)
	want(0)
}

// Reports on their way through another switch can be kept out of its reports.
func TestReportsAreNotReported(t *testing.T) {
	r := newRig(t, p4src.Fabric, collectorEntry+`
		telemetry = telemetry_config(17, 0, 1, 1)
		watch/9 0 * 192.0.2.99 17 * 9555 -> ignore_flow()
	`)
	stream := flow{"192.0.2.7", "192.0.2.99", udp, 4242, 9555}
	if got := r.send(1, packet(stream, 100)); len(got) != 0 {
		t.Errorf("a dropped report is reported")
	}
	if got := r.dropped(p4src.DropIPMiss); got != 1 {
		t.Errorf("drop_counter[IP_MISS] = %d; want 1", got)
	}
	// A report leaves through the collector's port without being reported itself, even
	// where that port is watched.
	r.install("queue_watch 200 -> watch_queue(0)\nmtu 200 -> set_mtu(20)")
	if got := r.send(1, packet(underlay, 100)); len(got) != 1 {
		t.Errorf("a drop makes %d frames; want one report", len(got))
	}
}

// A group whose members are all gone is a miss, and says so.
func TestNexthopGroupWithoutMembers(t *testing.T) {
	embeddedOnly(t, "takes no empty groups")
	r := ecmpRig(t, 1)
	if err := r.sw.ModifyGroup("ecmp", device.Group{ID: 9, MaxSize: p4src.ProfileECMPSize}); err != nil {
		t.Skipf("the engine takes no empty group: %v", err)
	}
	if got := r.send(9, packet(underlay, 20)); len(got) != 0 {
		t.Errorf("%d frames left; want none", len(got))
	}
	if got := r.dropped(p4src.DropNexthopMiss); got != 1 {
		t.Errorf("drop_counter[NEXTHOP_MISS] = %d; want 1", got)
	}
}
