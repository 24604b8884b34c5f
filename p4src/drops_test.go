package p4src_test

import (
	"bytes"
	"testing"

	"github.com/telltale-net/telltale/p4src"
)

// A dropCase is a packet that must be dropped at ingress.
type dropCase struct {
	name    string
	program p4src.Program
	entries string
	port    uint16
	packet  []byte
	reason  uint8
	want    report // what depends on the packet: flow hash, VNI, packet id, …
}

// edit returns a copy of the packet with a byte changed.
func edit(p []byte, at int, to byte) []byte {
	out := bytes.Clone(p)
	out[at] = to
	return out
}

func dropCases() []dropCase {
	var (
		ours                                    = ptr(underlay.hash(0))
		theirs                                  = ptr(tenant.hash(5000))
		fab, vsw                                = p4src.Fabric, p4src.VSwitch
		toA                                     = flow{"10.9.0.2", "10.9.0.1", tcp, 1, 2}
		fromB                                   = vxlan{smac: peerMAC, dmac: ourMAC, src: "10.2.0.2", dst: "10.1.0.1", id: 77, ttl: 60, hash: toA.hash(5000), vni: 5000}
		elsewhere, foreign, unhosted, unflagged = fromB, fromB, fromB, fromB
		nested                                  = flow{"10.9.0.1", "10.9.0.2", udp, 50000, 4789}
		spoofed                                 = flow{"10.9.0.66", "10.9.0.2", tcp, 1, 2}
		nowhere                                 = flow{"10.9.0.1", "10.9.0.77", tcp, 1, 2}
		arp                                     = append(append(append([]byte(nil), mac("ff:ff:ff:ff:ff:ff")...), mac(hostMAC)...), 8, 6, 0, 1, 8, 0, 6, 4, 0, 1)
	)
	elsewhere.dst = "10.1.0.2"
	foreign.vni, foreign.hash = 7000, toA.hash(7000)
	unflagged.flags = 1
	toUnhosted := flow{"10.9.0.2", "10.9.0.88", tcp, 1, 2}
	unhosted.hash = toUnhosted.hash(5000)
	toRemote := flow{"10.9.0.2", "10.9.0.2", tcp, 1, 2} // hosted, but elsewhere
	return []dropCase{
		{"fabric: TTL 1", fab, fabricRoute, 1, packet(underlay, 20, ttl(1)), p4src.DropIPTTLZero, report{hash: ours, packetID: 7}},
		{"fabric: TTL 0", fab, fabricRoute, 1, packet(underlay, 20, ttl(0)), p4src.DropIPTTLZero, report{hash: ours, packetID: 7}},
		{"fabric: no route", fab, "", 1, packet(underlay, 20), p4src.DropIPMiss, report{hash: ours, packetID: 7}},
		{"fabric: wrong checksum", fab, fabricRoute, 1, edit(packet(underlay, 20), 24, 0x5a), p4src.DropIPChecksum, report{hash: ours, packetID: 7}},
		{"fabric: wrong checksum over options", fab, fabricRoute, 1, edit(packet(underlay, 20, options(1, 2)), 37, 0x5a), p4src.DropIPChecksum, report{hash: ours, packetID: 7}},
		{"fabric: the next hop is missing", fab, "routes 10.2.0.0/16 -> set_nexthop(8)", 1, packet(underlay, 20), p4src.DropNexthopMiss, report{hash: ours, packetID: 7}},
		{"fabric: ARP", fab, fabricRoute, 1, arp, p4src.DropNotIPv4, report{}},
		{"fabric: a frame of five bytes", fab, fabricRoute, 1, []byte{1, 2, 3, 4, 5}, p4src.DropParserError, report{}},
		{"fabric: cut in the IPv4 header", fab, fabricRoute, 1, packet(underlay, 20)[:33], p4src.DropParserError, report{}},
		{"fabric: cut in the ports", fab, fabricRoute, 1, packet(underlay, 20)[:37], p4src.DropParserError,
			report{hash: ptr(flow{underlay.src, underlay.dst, udp, 0, 0}.hash(0)), packetID: 7}},
		{"fabric: IPv4 header length 4", fab, fabricRoute, 1, edit(packet(underlay, 20), 14, 0x44), p4src.DropParserError,
			report{hash: ptr(flow{underlay.src, underlay.dst, udp, 0, 0}.hash(0)), packetID: 7}},
		{"fabric: IP version 5", fab, fabricRoute, 1, edit(packet(underlay, 20), 14, 0x55), p4src.DropParserError,
			report{hash: ptr(flow{underlay.src, underlay.dst, udp, 0, 0}.hash(0)), packetID: 7}},
		{"fabric: VXLAN cut in the tenant's frame", fab, fabricRoute, 1, fromB.wrap(packet(toA, 20))[:55], p4src.DropParserError,
			report{vni: 5000, packetID: 77}},
		{"fabric: no route for VXLAN", fab, "", 1, fromB.wrap(packet(toA, 200)), p4src.DropIPMiss, report{hash: ptr(toA.hash(5000)), vni: 5000, packetID: 77}},

		{"vswitch: unknown port", vsw, hostA, 4, packet(tenant, 20), p4src.DropPortUnknown, report{hash: ptr(tenant.hash(0)), packetID: 7}},
		{"vswitch: TTL 0 from a tenant", vsw, hostA, 1, packet(tenant, 20, ttl(0)), p4src.DropIPTTLZero, report{hash: theirs, vni: 5000}},
		{"vswitch: ARP from a tenant", vsw, hostA, 1, arp, p4src.DropNotIPv4, report{vni: 5000}},
		{"vswitch: wrong checksum from a tenant", vsw, hostA, 1, edit(packet(tenant, 20), 24, 0x5a), p4src.DropIPChecksum, report{hash: theirs, vni: 5000}},
		{"vswitch: wrong checksum inside", vsw, hostA, 10, fromB.wrap(edit(packet(toA, 20), 24, 0x5a)), p4src.DropIPChecksum, report{hash: ptr(toA.hash(5000)), vni: 5000, packetID: 77}},
		{"vswitch: cut in the ports", vsw, hostA, 1, packet(tenant, 20)[:36], p4src.DropParserError,
			report{hash: ptr(flow{tenant.src, tenant.dst, tcp, 0, 0}.hash(5000)), vni: 5000}},
		{"vswitch: the tenant sends VXLAN", vsw, hostA, 1, packet(nested, 50), p4src.DropNestedOverlay, report{hash: ptr(nested.hash(5000)), vni: 5000}},
		{"vswitch: spoofed source", vsw, hostA, 1, packet(spoofed, 20), p4src.DropSourceSpoofed, report{hash: ptr(spoofed.hash(5000)), vni: 5000}},
		{"vswitch: the source of another port", vsw, hostA, 3, packet(tenant, 20), p4src.DropSourceSpoofed, report{hash: theirs, vni: 5000}},
		{"vswitch: denied", vsw, hostA + "acl/1 5000 0 * * * * -> deny(9)", 1, packet(tenant, 20), p4src.DropACLDeny, report{hash: theirs, vni: 5000, rule: 9}},
		{"vswitch: no mapping", vsw, hostA, 1, packet(nowhere, 20), p4src.DropMappingMiss, report{hash: ptr(nowhere.hash(5000)), vni: 5000}},
		{"vswitch: no address of our own", vsw, hostA + "vtep = no_vtep()", 1, packet(tenant, 20), p4src.DropMappingMiss, report{hash: theirs, vni: 5000}},
		{"vswitch: no route to the PA", vsw, hostA + "overlay 5000 10.9.0.77 -> remote(172.16.0.1)", 1, packet(nowhere, 20), p4src.DropIPMiss, report{hash: ptr(nowhere.hash(5000)), vni: 5000}},
		{"vswitch: the queue is at its limit", vsw, hostA + "queue_limit 10 -> limit_queue(0)", 1, packet(tenant, 20), p4src.DropTrafficManager,
			report{hash: theirs, vni: 5000, out: 10, enqueued: ptr(uint32(0))}},
		{"vswitch: not VXLAN", vsw, hostA, 10, packet(underlay, 20), p4src.DropNotOurs, report{hash: ours, packetID: 7}},
		{"vswitch: VXLAN for another VTEP", vsw, hostA, 10, elsewhere.wrap(packet(toA, 20)), p4src.DropNotOurs, report{hash: ptr(toA.hash(5000)), vni: 5000, packetID: 77}},
		{"vswitch: a VNI that nobody has here", vsw, hostA, 10, foreign.wrap(packet(toA, 20)), p4src.DropVNIUnknown, report{hash: ptr(toA.hash(7000)), vni: 7000, packetID: 77}},
		{"vswitch: an address that nobody has here", vsw, hostA, 10, unhosted.wrap(packet(toUnhosted, 20)), p4src.DropVNIUnknown, report{hash: ptr(toUnhosted.hash(5000)), vni: 5000, packetID: 77}},
		{"vswitch: never back into the fabric", vsw, hostA, 10, fromB.wrap(packet(toRemote, 20)), p4src.DropVNIUnknown, report{hash: ptr(toRemote.hash(5000)), vni: 5000, packetID: 77}},
		{"vswitch: VXLAN without the VNI flag", vsw, hostA, 10, unflagged.wrap(packet(toA, 20)), p4src.DropVNIUnknown, report{hash: ptr(toA.hash(5000)), vni: 5000, packetID: 77}},
		{"vswitch: ARP inside", vsw, hostA, 10, fromB.wrap(arp), p4src.DropNotIPv4, report{vni: 5000, packetID: 77}},
	}
}

// Every reason is reached, counted, and reported with the packet as it came; without
// telemetry it is only counted.
func TestIngressDrops(t *testing.T) {
	reached := map[uint8]bool{p4src.DropMTU: true} // at egress: TestMTU
	for _, c := range dropCases() {
		reached[c.reason] = true
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, c.program, collectorEntry+"telemetry = telemetry_config(21, 0, 0, 1)\n"+c.entries)
			want := c.want
			want.node, want.d, want.in, want.reason, want.ingress, want.packet = 21, true, c.port, &c.reason, usOf(r.now), c.packet
			wantFrames(t, r.send(c.port, c.packet), frame{port: collectorPort, data: want.frame(collector)})
			if got := r.dropped(c.reason); got != 1 {
				t.Errorf("drop_counter[%s] = %d; want 1", p4src.DropReasonName(c.reason), got)
			}

			quiet := newRig(t, c.program, collectorEntry+c.entries)
			wantFrames(t, quiet.send(c.port, c.packet))
			if got := quiet.dropped(c.reason); got != 1 {
				t.Errorf("without telemetry drop_counter[%s] = %d; want 1", p4src.DropReasonName(c.reason), got)
			}
		})
	}
	for _, reason := range p4src.DropReasons() {
		if !reached[reason] {
			t.Errorf("no test drops a packet with %s", p4src.DropReasonName(reason))
		}
	}
}

// A watched flow's drop is reported also where drops in general are not, with F.
func TestDropOfAWatchedFlow(t *testing.T) {
	r := newRig(t, p4src.Fabric, collectorEntry+"telemetry = telemetry_config(21, 0, 0, 0)\nwatch/1 * 10.1.0.1 * * * * -> watch_flow(2)")
	wantFrames(t, r.send(1, packet(underlay, 20)), frame{port: collectorPort, data: report{
		node: 21, d: true, f: true, in: 1, ingress: usOf(r.now), reason: ptr(p4src.DropIPMiss),
		packetID: 7, colour: 2, hash: ptr(underlay.hash(0)), packet: packet(underlay, 20),
	}.frame(collector)})
	wantFrames(t, r.send(1, packet(flow{"10.1.0.2", "10.2.0.2", udp, 1, 2}, 20)))
}

// A packet cut anywhere is dropped once, with a report, or forwarded: never both, never
// neither, and never with bytes that were not in it.
func TestCutPackets(t *testing.T) {
	v := fromA(tenant, 5000, 3)
	v.smac, v.dmac = peerMAC, ourMAC
	f := func(name string, program p4src.Program, entries string, port uint16, whole []byte) {
		t.Helper()
		r := newRig(t, program, collectorEntry+"telemetry = telemetry_config(21, 0, 0, 1)\n"+entries)
		for n := 1; n <= len(whole); n++ {
			if got := r.send(port, whole[:n]); len(got) != 1 {
				t.Errorf("%s: of the first %d bytes the switch makes %d frames; want 1", name, n, len(got))
			}
		}
	}
	f("fabric", p4src.Fabric, fabricRoute, 1, v.wrap(packet(tenant, 30, options(1, 2))))
	f("from a tenant", p4src.VSwitch, hostA, 1, packet(tenant, 30, options(1, 2)))
	f("to a tenant", p4src.VSwitch, hostB, 10, v.wrap(packet(tenant, 30, options(1, 2))))
}
