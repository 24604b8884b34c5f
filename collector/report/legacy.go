package report

import "math/bits"

// Versions 0.5 and 1.0 have one report per datagram and no length of it: whatever
// is behind the header is the truncated packet. They are read into the same Report,
// as if version 2.0 had said it:
//
//   - RepType is INT and InType the kind of packet that NProt names.
//   - MdBits has the bit of 2.0 for everything that the header carries; the ingress
//     timestamp is always there. Both timestamps have 32 bits and wrap every 4.29 s.
//   - Group.NodeID is the switch id (0 in a 0.5 report without an inner header) and
//     Group.Sequence has 32 bits.
//   - Length is that of 1.0 (0 in 0.5), NProt as on the wire. Packets of a reserved
//     NProt are handed out raw, with InType InNone.
//
// Version 1.0 (2018-04-20, "Telemetry Report Header", Ver = 1):
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-------+-------+-----+-----------+-----------+-+-+-+-----------+
//	| Ver=1 |Length |NProt| RepMdBits | Reserved  |D|Q|F|   hw_id   |
//	+-------+-------+-----+-----------+-----------+-+-+-+-----------+
//	|                           Switch id                           |
//	+---------------------------------------------------------------+
//	|                        Sequence Number                        |
//	+---------------------------------------------------------------+
//	|                       Ingress Timestamp                       |
//	+---------------------------------------------------------------+
//	|  a word per RepMdBits bit: ports, hop latency, queue, egress  |
//	|  timestamp, drop, egress port TX utilisation …                |
//
// Length counts the words of the header, metadata included; NProt 0 Ethernet, 1
// IPv4, 2 IPv6.
//
// Version 0.5 (2017-11-10, Ver = 0):
//
//	+-------+-------+-+-+-+-----------------------------+-----------+
//	| Ver=0 | NProto|D|Q|F|          Reserved           |   hw_id   |
//	+-------+-------+-+-+-+-----------------------------+-----------+
//	|                        Sequence Number                        |
//	+---------------------------------------------------------------+
//	|                       Ingress Timestamp                       |
//	+---------------------------------------------------------------+
//
// and by NProto nothing (0), 12 octets (1, "Telemetry Drop Header": switch id 32,
// ports 16+16, queue id 8, drop reason 8, padding 16) or 16 octets (2, "Telemetry
// Switch Local Report Header": switch id 32, ports 16+16, queue id 8, queue
// occupancy 24, egress timestamp 32), then an Ethernet packet.
const (
	version05 = 0
	version10 = 1

	size10 = 16
	size05 = 12
)

// The kinds of inner header of version 0.5.
const (
	nprotoEthernet = 0
	nprotoDrop     = 1
	nprotoLocal    = 2

	dropSize  = 12
	localSize = 16
)

// resetLegacy starts on a datagram of version 0.5 or 1.0. The switch id of 0.5
// stands behind the header, so that too must be there.
func (d *Decoder) resetLegacy(b []byte) (Group, error) {
	size, node := size10, 4
	if b[0]>>4 == version05 {
		switch size, node = size05, 0; b[0] & 15 {
		case nprotoDrop, nprotoLocal:
			size, node = size05+wordSize, size05
		}
	}
	if len(b) < size {
		return Group{}, &Error{Cause: GroupShort, Got: len(b), Want: size}
	}
	d.data = b
	g := Group{Version: b[0] >> 4, HwID: b[3] & 0x3f, Sequence: be32(b[4:])}
	if g.Version == version10 {
		g.Sequence = be32(b[8:])
	}
	if node > 0 {
		g.NodeID = be32(b[node:])
	}
	return g, nil
}

// nextLegacy reads the one report of a datagram of version 0.5 or 1.0.
func (d *Decoder) nextLegacy(r *Report) (bool, error) {
	if d.n > 0 {
		return false, nil
	}
	d.n++
	d.off = len(d.data)
	*r = Report{}
	r.RepType = INT
	read := r.read10
	if d.data[0]>>4 == version05 {
		read = r.read05
	}
	if err := read(d.data); err != nil {
		return false, err
	}
	return true, nil
}

// read10 reads a datagram of version 1.0, which holds at least the fixed header.
func (r *Report) read10(b []byte) error {
	w := be32(b)
	r.Length, r.NProt, r.Rsvd = uint8(w>>24&15), uint8(w>>21&7), uint16(w>>9&0x3f)
	r.Flags = Flags(w>>6&7) << 5
	r.setPacketKind(r.NProt)
	size := int(r.Length) * wordSize
	if size < size10 {
		return &Error{Cause: MainShort, Got: size, Want: size10}
	}
	if size > len(b) {
		return &Error{Cause: LengthBeyond, Offset: size10, Got: len(b), Want: size}
	}
	bitmap := w >> 15 & 0x3f
	if want := size10 + bits.OnesCount32(bitmap)*wordSize; want > size {
		return &Error{Cause: MetadataBeyond, Offset: size10, Got: size - size10, Want: want - size10}
	}
	r.MdBits = MdIngressTime
	r.IngressTime = uint64(be32(b[12:]))
	md := b[size10:size:size]
	r.Inner = b[size:]
	for _, bit := range mdBits10 {
		bitmap <<= 1
		if bitmap&0x40 == 0 {
			continue
		}
		r.MdBits |= bit
		r.setWord(bit, be32(md))
		md = md[wordSize:]
	}
	if len(md) > 0 {
		r.DSMetadata = md // words that Length has and no bit explains
	}
	return nil
}

// mdBits10 are the six RepMdBits of version 1.0, the most significant first.
var mdBits10 = [6]MdBits{MdLevel1, MdHopLatency, MdQueue, MdEgressTime, MdDrop, MdTxUtilization}

// read05 reads a datagram of version 0.5, which holds at least the fixed header.
func (r *Report) read05(b []byte) error {
	r.NProt = b[0] & 15
	r.Flags = Flags(b[1] & 0xe0)
	r.Rsvd = uint16(be32(b) >> 6 & 0x7fff)
	r.MdBits = MdIngressTime
	r.IngressTime = uint64(be32(b[8:]))
	head := b[size05:]
	size := 0
	switch r.NProt {
	case nprotoEthernet:
	case nprotoDrop:
		size = dropSize
	case nprotoLocal:
		size = localSize
	default:
		r.Inner = head
		return nil
	}
	if len(head) < size {
		return &Error{Cause: MainShort, Offset: size05, Got: len(head), Want: size}
	}
	r.InType = InEthernet
	r.Inner = head[size:]
	if size == 0 {
		return nil
	}
	r.MdBits |= MdLevel1
	r.setWord(MdLevel1, be32(head[4:]))
	if r.NProt == nprotoDrop {
		r.MdBits |= MdDrop
		r.setWord(MdDrop, be32(head[8:]))
		return nil
	}
	r.MdBits |= MdQueue | MdEgressTime
	r.setWord(MdQueue, be32(head[8:]))
	r.setWord(MdEgressTime, be32(head[12:]))
	return nil
}

func (r *Report) setPacketKind(nprot uint8) {
	switch nprot {
	case 0:
		r.InType = InEthernet
	case 1:
		r.InType = InIPv4
	case 2:
		r.InType = InIPv6
	}
}

// setWord sets the fields that one word of metadata stands for.
func (r *Report) setWord(bit MdBits, w uint32) {
	switch bit {
	case MdLevel1:
		r.Level1In, r.Level1Out = uint16(w>>16), uint16(w)
	case MdHopLatency:
		r.HopLatency = w
	case MdQueue:
		r.QueueID, r.QueueOccupancy = uint8(w>>24), w&0xffffff
	case MdEgressTime:
		r.EgressTime = uint64(w)
	case MdDrop:
		r.DropQueueID, r.DropReason, r.DropPadding = uint8(w>>24), uint8(w>>16), uint16(w)
	case MdTxUtilization:
		r.TxUtilization = w
	}
}
