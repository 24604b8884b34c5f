package send

import (
	"encoding/binary"

	"github.com/telltale-net/telltale/collector/report"
)

// Where in a report what changes stands.
const (
	groupSize  = 8
	reportSize = 92
	ingressAt  = 24 // ingress timestamp, then egress timestamp
	packetAt   = 40 // the extension's packet id
	sourceAt   = 84 // UDP source port of the reported packet
	latency    = 1000
	flows      = 1024
)

// template returns a datagram of n reports.
func template(n int) ([]byte, error) {
	packet := []byte{
		0x45, 0, 0, 100, 0, 0, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
		0, 0, 0, 53, 0, 80, 0, 0,
	}
	r := report.Report{
		RepType: report.INT, InType: report.InIPv4, Flags: report.Tracked,
		MdBits:   report.MdLevel1 | report.MdHopLatency | report.MdQueue | report.MdIngressTime | report.MdEgressTime,
		Level1In: 1, Level1Out: 2, HopLatency: latency, QueueID: 3, QueueOccupancy: 4, Inner: packet,
	}
	r.SetExtension(&report.Extension{Bits: 0xfc00, Stage: 1, FlowHash: 5, VNI: 6, Length: 100, EnqDepth: 7, Rule: 8}, nil)
	var e report.Encoder
	if err := e.Reset(report.Group{}); err != nil {
		return nil, err
	}
	for range n {
		if err := e.Add(&r); err != nil {
			return nil, err
		}
	}
	return e.Bytes(), nil
}

// stamp makes a template the datagram of a source that begins with its report number
// first.
func stamp(b []byte, node, sequence uint32, first, ns uint64) {
	o := binary.BigEndian
	o.PutUint32(b, report.Version<<28|sequence&(1<<report.SequenceBits-1))
	o.PutUint32(b[4:], node)
	for at := groupSize; at < len(b); at += reportSize {
		r := b[at : at+reportSize]
		o.PutUint64(r[ingressAt:], ns)
		o.PutUint64(r[ingressAt+8:], ns+latency)
		o.PutUint16(r[packetAt:], uint16(first))
		o.PutUint16(r[sourceAt:], uint16(first%flows))
		first++
	}
}
