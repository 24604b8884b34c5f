package p4src_test

import (
	"bytes"
	"encoding/binary"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// destination is where the reports of the tests go, as report_target says.
type destination struct {
	smac, dmac, src, dst string
	dport                uint16
	hwID                 uint8
}

var collector = destination{ourMAC, "02:cc:00:00:00:09", "192.0.2.1", "192.0.2.99", 9555, 3}

const collectorEntry = "report_target = set_report_target(02:aa:00:00:00:01, 02:cc:00:00:00:09, 192.0.2.1, 192.0.2.99, 9555, 3)\n"

// A report is a Telemetry Report v2.0 as a test expects it. Pointers are metadata that
// may be absent.
type report struct {
	node, seq     uint32
	d, q, f       bool
	in, out       uint16
	hop           *hop   // what is known after the queue
	ingress       uint64 // ns
	reason        *uint8 // with the queue
	packetID      uint16
	epoch, colour uint8
	hash          *uint32
	vni           uint32 // 0 = absent
	enqueued      *uint32
	rule          uint32 // 0 = absent
	packet        []byte // the reported packet, whole
}

type hop struct {
	occupancy uint32
	egress    uint64 // ns
}

func ptr[T any](v T) *T { return &v }

func bit(b bool, v uint8) uint8 {
	if b {
		return v
	}
	return 0
}

// frame encodes the report, word by word as the specification lists them.
func (r report) frame(to destination) []byte {
	var bits, ds uint16
	var md []byte
	word := func(v uint32) { md = binary.BigEndian.AppendUint32(md, v) }

	bits |= 0x4000
	word(uint32(r.in)<<16 | uint32(r.out))
	if r.hop != nil {
		bits |= 0x2000 | 0x1000
		word(uint32(r.hop.egress - r.ingress))
		word(0<<24 | r.hop.occupancy)
	}
	bits |= 0x0800
	md = binary.BigEndian.AppendUint64(md, r.ingress)
	if r.hop != nil {
		bits |= 0x0400
		md = binary.BigEndian.AppendUint64(md, r.hop.egress)
	}
	if r.reason != nil {
		bits |= 0x0001
		word(0<<24 | uint32(*r.reason)<<16)
	}

	ds |= 0x8000
	stage := uint32(1)
	if r.hop == nil {
		stage = 0
	}
	word(uint32(r.packetID)<<16 | uint32(r.epoch)<<15 | uint32(r.colour)<<13 | stage)
	if r.hash != nil {
		ds |= 0x4000
		word(*r.hash)
	}
	if r.vni != 0 {
		ds |= 0x2000
		word(r.vni << 8)
	}
	ds |= 0x1000
	word(uint32(len(r.packet)) << 16)
	if r.enqueued != nil {
		ds |= 0x0800
		word(*r.enqueued)
	}
	if r.rule != 0 {
		ds |= 0x0400
		word(r.rule)
	}

	captured := r.packet[:min(len(r.packet), 128)&^3]
	var b []byte
	b = binary.BigEndian.AppendUint32(b, 2<<28|uint32(to.hwID)<<22|r.seq)
	b = binary.BigEndian.AppendUint32(b, r.node)
	b = append(b, 1<<4|3, uint8(2+len(md)/4+len(captured)/4), uint8(len(md)/4), bit(r.d, 0x80)|bit(r.q, 0x40)|bit(r.f, 0x20))
	b = binary.BigEndian.AppendUint16(b, bits)
	b = binary.BigEndian.AppendUint16(b, 0x7474)
	b = binary.BigEndian.AppendUint16(b, ds)
	b = binary.BigEndian.AppendUint16(b, 0)
	b = append(b, md...)
	b = append(b, captured...)

	var udp []byte
	var sport uint16
	if r.hash != nil {
		sport = uint16(*r.hash)
	}
	udp = binary.BigEndian.AppendUint16(udp, sport)
	udp = binary.BigEndian.AppendUint16(udp, to.dport)
	udp = binary.BigEndian.AppendUint16(udp, uint16(8+len(b)))
	udp = binary.BigEndian.AppendUint16(udp, 0)
	eth := &layers.Ethernet{SrcMAC: mac(to.smac), DstMAC: mac(to.dmac), EthernetType: layers.EthernetTypeIPv4}
	ip := &layers.IPv4{Version: 4, TTL: 64, Flags: layers.IPv4DontFragment, Protocol: layers.IPProtocolUDP,
		SrcIP: ip4(to.src), DstIP: ip4(to.dst)}
	return serialize(eth, ip, gopacket.Payload(append(udp, b...)))
}

// withoutTimes blanks what a real switch's clock decides.
func withoutTimes(f frame) []byte {
	p := bytes.Clone(f.data)
	for i, bits := range clockBits(f) {
		p[i] &^= bits
	}
	return p
}

// clockBits marks the bits of a frame that depend on the switch's clock: the times and
// the latency in reports, and the epoch bit there and in the VXLAN header of host A.
func clockBits(f frame) []byte {
	const (
		fixed = 14 + 20 + 8 + 8 + 12 // bytes before the metadata of a report
		epoch = 14 + 20 + 8 + 7      // byte of VXLAN with the epoch bit
	)
	p, mask := f.data, make([]byte, len(f.data))
	at := 0
	if f.port == collectorPort && len(p) > fixed {
		bits := binary.BigEndian.Uint16(p[54:])
		at = fixed
		for _, m := range []struct {
			bit   uint16
			bytes int
			time  byte
		}{{0x4000, 4, 0}, {0x2000, 4, 0xff}, {0x1000, 4, 0}, {0x0800, 8, 0xff}, {0x0400, 8, 0xff}, {0x0001, 4, 0}} {
			if bits&m.bit == 0 {
				continue
			}
			for i := range m.bytes {
				mask[at+i] = m.time
			}
			at += m.bytes
		}
		mask[at+2] = 0x80
		at = fixed + 4*int(p[52])
	}
	if inner := p[at:]; len(inner) > epoch && inner[23] == 17 && binary.BigEndian.Uint16(inner[36:]) == 4789 {
		mask[at+epoch] = 0x80
	}
	return mask
}
