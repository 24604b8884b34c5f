package p4src_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gopacket/gopacket/layers"

	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/p4src"
)

// Two vswitches with the same two VNETs behind them, which use the same addresses:
//
//	host A, PA 10.1.0.1                  host B, PA 10.2.0.2
//	port 1  VNI 5000  10.9.0.1           port 1  VNI 5000  10.9.0.2
//	port 2  VNI 6000  10.9.0.1           port 2  VNI 6000  10.9.0.2
//	port 3  VNI 5000  10.9.0.3
//	port 10 uplink                       port 10 uplink
const (
	hostA = `
		vtep = set_vtep(10.1.0.1)
		ports 1 -> tenant_port(5000)
		ports 2 -> tenant_port(6000)
		ports 3 -> tenant_port(5000)
		ports 10 -> uplink_port()
		source_guard 1 10.9.0.1 -> source_ok()
		source_guard 2 10.9.0.1 -> source_ok()
		source_guard 3 10.9.0.3 -> source_ok()
		overlay 5000 10.9.0.1 -> local(1, ` + gatewayMAC + `, 02:00:00:00:50:01)
		overlay 6000 10.9.0.1 -> local(2, ` + gatewayMAC + `, 02:00:00:00:60:01)
		overlay 5000 10.9.0.3 -> local(3, ` + gatewayMAC + `, 02:00:00:00:50:03)
		overlay 5000 10.9.0.2 -> remote(10.2.0.2)
		overlay 6000 10.9.0.2 -> remote(10.2.0.2)
		routes 10.0.0.0/8 -> set_nexthop(7)
		member 1 = forward(10, ` + ourMAC + `, ` + peerMAC + `)
		nexthops 7 -> member 1
	`
	hostB = `
		vtep = set_vtep(10.2.0.2)
		ports 1 -> tenant_port(5000)
		ports 2 -> tenant_port(6000)
		ports 10 -> uplink_port()
		source_guard 1 10.9.0.2 -> source_ok()
		source_guard 2 10.9.0.2 -> source_ok()
		overlay 5000 10.9.0.2 -> local(1, ` + gatewayMAC + `, 02:00:00:00:50:02)
		overlay 6000 10.9.0.2 -> local(2, ` + gatewayMAC + `, 02:00:00:00:60:02)
		overlay 5000 10.9.0.1 -> remote(10.1.0.1)
		overlay 6000 10.9.0.1 -> remote(10.1.0.1)
		routes 10.0.0.0/8 -> set_nexthop(7)
		member 1 = forward(10, ` + ourMAC + `, ` + peerMAC + `)
		nexthops 7 -> member 1
	`
)

var tenant = flow{"10.9.0.1", "10.9.0.2", tcp, 40000, 443}

// fromA is what host A makes of a tenant's packet to host B.
func fromA(f flow, vni uint32, id uint16) vxlan {
	return vxlan{smac: ourMAC, dmac: peerMAC, src: "10.1.0.1", dst: "10.2.0.2", id: id, ttl: 64, hash: f.hash(vni), vni: vni}
}

// delivered is a tenant's frame with the MACs of its delivery.
func delivered(frame []byte, dmac string) []byte {
	out := bytes.Clone(frame)
	copy(out[0:6], mac(dmac))
	copy(out[6:12], mac(gatewayMAC))
	return out
}

func TestEncapsulation(t *testing.T) {
	r := newRig(t, p4src.VSwitch, hostA)
	f := func(name string, port uint16, vni uint32, fl flow, id uint16, outerTOS uint8, payload int, opts ...ipv4Opt) {
		t.Helper()
		p := packet(fl, payload, opts...)
		v := fromA(fl, vni, id)
		v.tos = outerTOS
		if len(p) > 23 && p[20]&0x1f|p[21] != 0 { // a later fragment has no ports
			v.hash = flow{fl.src, fl.dst, fl.proto, 0, 0}.hash(vni)
		}
		got := r.send(port, p)
		t.Run(name, func(t *testing.T) { wantFrames(t, got, frame{port: 10, data: v.wrap(p)}) })
	}
	f("TCP", 1, 5000, tenant, 0, 0, 100)
	f("the packet id counts", 1, 5000, tenant, 1, 0, 0)
	f("the same addresses in another VNET", 2, 6000, tenant, 2, 0, 100)
	f("UDP", 1, 5000, flow{"10.9.0.1", "10.9.0.2", udp, 53, 53}, 3, 0, 10)
	f("ICMP", 1, 5000, flow{"10.9.0.1", "10.9.0.2", icmp, 0, 0}, 4, 0, 56)
	f("the inner TTL is the tenant's", 1, 5000, tenant, 5, 0, 10, ttl(1))
	f("DSCP and ECN are copied", 1, 5000, tenant, 6, 0xBB, 10, tos(0xBB))
	f("IP options", 1, 5000, tenant, 7, 0, 10, options(9, 8, 7, 6))
	f("a later fragment", 1, 5000, flow{"10.9.0.1", "10.9.0.2", udp, 53, 53}, 8, 0, 64, fragment(8))
	f("a large packet", 1, 5000, tenant, 9, 0, 8000)
}

// The packet id wraps; packets that are dropped take one too.
func TestPacketID(t *testing.T) {
	embeddedOnly(t, "shows no registers over P4Runtime")
	r := newRig(t, p4src.VSwitch, hostA)
	if err := r.sw.WriteRegister("packet_id", 0, []byte{0xff, 0xff}); err != nil {
		t.Fatal(err)
	}
	p := packet(tenant, 4)
	wantFrames(t, r.send(1, p), frame{port: 10, data: fromA(tenant, 5000, 0xffff).wrap(p)})
	r.send(1, packet(flow{"10.9.0.66", "10.9.0.2", tcp, 1, 1}, 0)) // spoofed: takes 0
	wantFrames(t, r.send(1, p), frame{port: 10, data: fromA(tenant, 5000, 1).wrap(p)})
}

// The epoch bit is bit 13 of the source's clock in µs.
func TestEpochBit(t *testing.T) {
	embeddedOnly(t, "has a clock of its own")
	r := newRig(t, p4src.VSwitch, hostA)
	p := packet(tenant, 4)
	for i, c := range []struct {
		us    int64
		epoch uint8
	}{{8191, 0}, {8192, 1}, {16383, 1}, {16384, 0}, {24576, 1}} {
		r.now = engine.Time(c.us)*1000 + 999
		v := fromA(tenant, 5000, uint16(i))
		v.epoch = c.epoch
		wantFrames(t, r.send(1, p), frame{port: 10, data: v.wrap(p)})
	}
}

func TestDecapsulation(t *testing.T) {
	r := newRig(t, p4src.VSwitch, hostB)
	f := func(name string, v vxlan, port uint16, dmac string, inner []byte) {
		t.Helper()
		got := r.send(10, v.wrap(inner))
		t.Run(name, func(t *testing.T) { wantFrames(t, got, frame{port: port, data: delivered(inner, dmac)}) })
	}
	v := fromA(tenant, 5000, 9)
	f("TCP", v, 1, "02:00:00:00:50:02", packet(tenant, 100))
	f("the other VNET", fromA(tenant, 6000, 9), 2, "02:00:00:00:60:02", packet(tenant, 100))
	f("ICMP", v, 1, "02:00:00:00:50:02", packet(flow{"10.9.0.1", "10.9.0.2", icmp, 0, 0}, 3))
	f("IP options", v, 1, "02:00:00:00:50:02", packet(tenant, 10, options(1, 2, 3, 4, 5, 6)))
	f("inner TTL 0 is none of our business", v, 1, "02:00:00:00:50:02", packet(tenant, 10, ttl(0)))
	last := v
	last.ttl = 0
	f("outer TTL 0 has arrived", last, 1, "02:00:00:00:50:02", packet(tenant, 10))
	colour := v
	colour.epoch, colour.colour = 1, 3
	f("epoch and colour", colour, 1, "02:00:00:00:50:02", packet(tenant, 10))
}

// Any packet of a tenant arrives as it was sent, whatever happens to it on the way, and
// in its own VNET only.
func TestOverlayRoundTrip(t *testing.T) {
	a, b := newRig(t, p4src.VSwitch, hostA), newRig(t, p4src.VSwitch, hostB)
	spine := newRig(t, p4src.Fabric, fabricRoute)
	rnd := rand.New(rand.NewPCG(3, 4))
	for range rounds(300) {
		vnet := rnd.IntN(2)
		fl := flow{"10.9.0.1", "10.9.0.2", []layers.IPProtocol{tcp, udp, icmp}[rnd.IntN(3)], uint16(rnd.IntN(65536)), uint16(rnd.IntN(4789))}
		opts := []ipv4Opt{ttl(uint8(1 + rnd.IntN(255))), tos(uint8(rnd.IntN(256))), ident(uint16(rnd.IntN(65536)))}
		if rnd.IntN(4) == 0 {
			opts = append(opts, options(make([]byte, 2+4*rnd.IntN(9))...))
		}
		if rnd.IntN(5) == 0 {
			opts = append(opts, fragment(uint16(1+rnd.IntN(8000))))
		}
		p := packet(fl, rnd.IntN(400), opts...)
		out := a.send(uint16(1+vnet), p)
		if len(out) != 1 || out[0].port != 10 {
			t.Fatalf("host A made %d frames of %x; want one to the uplink", len(out), p)
		}
		if out = spine.send(1, out[0].data); len(out) != 1 {
			t.Fatalf("the fabric made %d frames; want one", len(out))
		}
		got := b.send(10, out[0].data)
		wantFrames(t, got, frame{port: uint16(1 + vnet), data: delivered(p, fmt.Sprintf("02:00:00:00:%d0:02", 5+vnet))})
		if t.Failed() {
			return
		}
	}
}

// Between two VMs of one VNET on one host nothing is encapsulated.
func TestLocalDelivery(t *testing.T) {
	r := newRig(t, p4src.VSwitch, collectorEntry+"telemetry = telemetry_config(18, 0, 1, 1)"+hostA)
	fl := flow{"10.9.0.1", "10.9.0.3", udp, 1, 2}
	p := packet(fl, 30)
	want := delivered(p, "02:00:00:00:50:03")
	wantFrames(t, r.send(1, p), frame{port: 3, data: want}, frame{port: collectorPort, data: report{
		node: 18, f: true, in: 1, out: 3, ingress: usOf(r.now), hop: &hop{egress: usOf(r.now)},
		packetID: 0, hash: ptr(fl.hash(5000)), vni: 5000, enqueued: ptr(uint32(0)), packet: want,
	}.frame(collector)})
}

// Both ends report: the source the encapsulated packet, the destination what it
// delivers, with the same packet id, epoch, colour and flow hash.
func TestVSwitchHopPostcards(t *testing.T) {
	embeddedOnly(t, "shows no registers over P4Runtime")
	const watch = collectorEntry + "telemetry = telemetry_config(18, 0, 0, 0)\nwatch/1 5000 * * 6 * 443 -> watch_flow(1)"
	a := newRig(t, p4src.VSwitch, watch+hostA)
	b := newRig(t, p4src.VSwitch, collectorEntry+"telemetry = telemetry_config(19, 0, 0, 0)"+hostB)
	a.now = 8192 * 1000
	if err := a.sw.WriteRegister("packet_id", 0, []byte{0x12, 0x34}); err != nil {
		t.Fatal(err)
	}
	p := packet(tenant, 90)
	v := fromA(tenant, 5000, 0x1234)
	v.epoch, v.colour = 1, 1
	wantFrames(t, a.send(1, p), frame{port: 10, data: v.wrap(p)}, frame{port: collectorPort, data: report{
		node: 18, f: true, in: 1, out: 10, ingress: usOf(a.now), hop: &hop{egress: usOf(a.now)},
		packetID: 0x1234, epoch: 1, colour: 1, hash: ptr(tenant.hash(5000)), vni: 5000,
		enqueued: ptr(uint32(0)), packet: v.wrap(p),
	}.frame(collector)})
	at := delivered(p, "02:00:00:00:50:02")
	wantFrames(t, b.send(10, v.wrap(p)), frame{port: 1, data: at}, frame{port: collectorPort, data: report{
		node: 19, f: true, in: 10, out: 1, ingress: usOf(b.now), hop: &hop{egress: usOf(b.now)},
		packetID: 0x1234, epoch: 1, colour: 1, hash: ptr(tenant.hash(5000)), vni: 5000,
		enqueued: ptr(uint32(0)), packet: at,
	}.frame(collector)})
}

func TestACL(t *testing.T) {
	const rules = `
		acl/10 5000 0 * * 6 443 -> deny(71)
		acl/20 5000 0 10.9.0.1 10.9.0.2 6 443 -> permit(72)
		acl/10 6000 0 * 10.9.0.0&0xffffff00 17 * -> deny(73)
		acl/10 5000 1 10.9.0.2 * * 22 -> deny(74)
	`
	f := func(name string, port uint16, vni uint32, fl flow, rule uint32, denied bool) {
		t.Helper()
		r := newRig(t, p4src.VSwitch, collectorEntry+"telemetry = telemetry_config(18, 0, 0, 1)\nwatch/1 * * * * * * -> watch_flow(0)"+hostA+rules)
		p := packet(fl, 10)
		rep := report{node: 18, f: true, in: port, ingress: usOf(r.now), packetID: 0,
			hash: ptr(fl.hash(vni)), vni: vni, rule: rule}
		v := fromA(fl, vni, 0)
		var want []frame
		in := p
		if port == 10 { // from host B to the tenant on port 1
			v.src, v.dst, v.id = "10.2.0.2", "10.1.0.1", 77
			in, rep.packetID = v.wrap(p), 77
		}
		if denied {
			rep.d, rep.reason, rep.packet = true, ptr(p4src.DropACLDeny), in
		} else {
			want = append(want, frame{port: 10, data: v.wrap(p)})
			rep.out, rep.hop, rep.enqueued, rep.packet = 10, &hop{egress: usOf(r.now)}, ptr(uint32(0)), v.wrap(p)
			if port == 10 {
				rep.packet, rep.out = delivered(p, "02:00:00:00:50:01"), 1
				want[0] = frame{port: 1, data: rep.packet}
			}
		}
		want = append(want, frame{port: collectorPort, data: rep.frame(collector)})
		got := r.send(port, in)
		t.Run(name, func(t *testing.T) { wantFrames(t, got, want...) })
	}
	f("the rule of higher priority wins and is named", 1, 5000, tenant, 72, false)
	f("denied by port", 3, 5000, flow{"10.9.0.3", "10.9.0.2", tcp, 40000, 443}, 71, true)
	f("no rule permits", 3, 5000, flow{"10.9.0.3", "10.9.0.2", tcp, 40000, 444}, 0, false)
	f("another tenant's rules", 2, 6000, tenant, 0, false)
	f("denied by prefix and protocol", 2, 6000, flow{"10.9.0.1", "10.9.0.2", udp, 1, 2}, 73, true)
	f("rules to a tenant do not bind what it sends", 1, 5000, flow{"10.9.0.1", "10.9.0.2", tcp, 1, 22}, 0, false)
	f("denied on the way to the tenant", 10, 5000, flow{"10.9.0.2", "10.9.0.1", tcp, 1, 22}, 74, true)
	f("permitted on the way to the tenant", 10, 5000, flow{"10.9.0.2", "10.9.0.1", tcp, 1, 23}, 0, false)
}
