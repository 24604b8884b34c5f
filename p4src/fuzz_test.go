package p4src_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/telltale-net/telltale/p4src"
)

// Whatever comes in, one frame comes out: the packet, or a well-formed report of its
// drop that shows how it began and has a counted reason.
func FuzzAnyFrame(f *testing.F) {
	for _, c := range dropCases() {
		f.Add(c.program.Name == p4src.VSwitch.Name, c.port, c.packet)
	}
	f.Add(false, uint16(1), packet(underlay, 30))
	f.Add(true, uint16(1), packet(tenant, 30, options(1, 2)))
	f.Add(true, uint16(10), vxlan{smac: peerMAC, dmac: ourMAC, src: "10.2.0.2", dst: "10.1.0.1", ttl: 3, vni: 5000}.
		wrap(packet(flow{"10.9.0.2", "10.9.0.1", udp, 1, 2}, 9)))
	embeddedOnly(f, "takes too long for thousands of packets")
	const telemetry = collectorEntry + "telemetry = telemetry_config(21, 0, 0, 1)\n"
	fabric, vswitch := newRig(f, p4src.Fabric, telemetry+fabricRoute), newRig(f, p4src.VSwitch, telemetry+hostA)
	f.Fuzz(func(t *testing.T, isVSwitch bool, port uint16, data []byte) {
		if len(data) > 9000 {
			t.Skip("longer than any link's frame")
		}
		r := fabric
		if isVSwitch {
			r = vswitch
		}
		r.TB = t
		if port %= 510; port == collectorPort {
			port = 0
		}
		out := r.send(port, data)
		if len(out) != 1 {
			t.Fatalf("%d frames leave; want 1", len(out))
		}
		if out[0].port == collectorPort {
			checkDropReport(t, out[0].data, data)
		}
	})
}

// checkDropReport checks the lengths of a report against each other and what it shows
// against the packet that was dropped at ingress.
func checkDropReport(t *testing.T, p, dropped []byte) {
	t.Helper()
	const head = 14 + 20 + 8 + 8 // up to the individual report
	if len(p) < head+4 {
		t.Fatalf("the report has %d bytes", len(p))
	}
	if got, want := int(binary.BigEndian.Uint16(p[16:])), len(p)-14; got != want {
		t.Errorf("IPv4 total length = %d; want %d", got, want)
	}
	if got, want := int(binary.BigEndian.Uint16(p[38:])), len(p)-34; got != want {
		t.Errorf("UDP length = %d; want %d", got, want)
	}
	if got, want := 4*int(p[head+1]), len(p)-head-4; got != want {
		t.Errorf("report length = %d bytes; want %d", got, want)
	}
	if p[head+3]&0x80 == 0 {
		t.Errorf("D is not set: %08b", p[head+3])
	}
	inner := p[head+12+4*int(p[head+2]):]
	if want := dropped[:min(len(dropped), 128)&^3]; !bytes.Equal(inner, want) {
		t.Errorf("the report shows\n%x; want\n%x", inner, want)
	}
	reason := p[head+12+4+8+1] // after ports and ingress time: queue, reason
	if p4src.DropReasonDoc(reason) == "" || reason == p4src.DropNone {
		t.Errorf("drop reason %d means nothing", reason)
	}
}
