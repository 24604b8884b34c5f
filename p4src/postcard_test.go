package p4src_test

import (
	"testing"

	"github.com/telltale-net/telltale/p4src"
)

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
