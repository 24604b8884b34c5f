package p4src_test

import (
	"testing"

	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/p4src"
)

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
