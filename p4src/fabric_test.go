package p4src_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gopacket/gopacket/layers"

	"github.com/telltale-net/telltale/bmv2/device"
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
	r := newRig(t, p4src.Fabric, "routes 0.0.0.0/0 -> set_nexthop(7)"+fabricRoute)
	rnd := rand.New(rand.NewPCG(1, 2))
	for range rounds(3000) {
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

// A group whose members are all gone is a miss, and says so.
func TestNexthopGroupWithoutMembers(t *testing.T) {
	embeddedOnly(t, "takes no empty groups")
	r := ecmpRig(t, 1)
	if err := r.sw.ModifyGroup("ecmp", device.Group{ID: 9, MaxSize: int32(p4src.ProfileECMPSize)}); err != nil {
		t.Fatal(err)
	}
	if got := r.send(9, packet(underlay, 20)); len(got) != 0 {
		t.Errorf("%d frames left; want none", len(got))
	}
	if got := r.dropped(p4src.DropNexthopMiss); got != 1 {
		t.Errorf("drop_counter[NEXTHOP_MISS] = %d; want 1", got)
	}
}
