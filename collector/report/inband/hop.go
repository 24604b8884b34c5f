package inband

import "math/bits"

// Hop is the metadata of one hop. A field whose bit in Has is clear was not asked
// for or is not valid. Slices point into the packet.
type Hop struct {
	Has     Bits // of the bitmap: valid
	Invalid Bits // of the bitmap: all-ones

	NodeID              uint32
	Level1In, Level1Out uint16
	HopLatency          uint32
	QueueID, BufferID   uint8
	QueueOccupancy      uint32 // 24 bits
	BufferOccupancy     uint32 // 24 bits
	Congestion          uint32 // 24 bits: queue congestion status of version 0.5, of queue CongestionQueue
	CongestionQueue     uint8
	IngressTime         uint64
	EgressTime          uint64
	Level2In, Level2Out uint32
	TxUtilization       uint32
	Reserved            []byte // the words of reserved bits, one each
	DSMetadata          []byte // of the domain; with what no bit explains
	SourceOnly          []byte // of the last hop: what only the source inserted
	Complement          uint32 // all-ones: the node updated the checksum itself
}

const (
	ones32 = 0xffffffff
	ones64 = 0xffffffffffffffff
)

// Hop sets hop to the i-th hop of the stack, the newest being 0, and reports
// whether there is one.
func (h *Header) Hop(i int, hop *Hop) bool {
	if i < 0 || i >= h.hops {
		return false
	}
	size := int(h.HopML) * wordSize
	b := h.Stack[i*size:]
	last := i == h.hops-1 && h.whole && h.extra > 0
	if last {
		b = b[:size+h.extra]
	} else {
		b = b[:size:size]
	}
	*hop = Hop{}
	if h.Version > 0 && h.Bitmap&Complement != 0 {
		end := len(b) - wordSize
		hop.Complement = be32(b[end:])
		hop.valid(Complement, hop.Complement == ones32)
		b = b[:end:end]
	}
	b = h.baseline(b, hop)
	if last {
		hop.SourceOnly = b[len(b)-h.extra:]
		b = b[: len(b)-h.extra : len(b)-h.extra]
	}
	if len(b) > 0 {
		hop.DSMetadata = b
	}
	return true
}

func (hop *Hop) valid(bit Bits, ones bool) {
	if ones {
		hop.Invalid |= bit
	} else {
		hop.Has |= bit
	}
}

// baseline takes the baseline metadata from b and returns the rest.
func (h *Header) baseline(b []byte, hop *Hop) []byte {
	m := h.Bitmap
	if m&NodeID != 0 {
		hop.NodeID = be32(b)
		hop.valid(NodeID, hop.NodeID == ones32)
		b = b[4:]
	}
	if m&Level1 != 0 {
		hop.Level1In, hop.Level1Out = be16(b), be16(b[2:])
		hop.valid(Level1, be32(b) == ones32)
		b = b[4:]
	}
	if m&HopLatency != 0 {
		hop.HopLatency = be32(b)
		hop.valid(HopLatency, hop.HopLatency == ones32)
		b = b[4:]
	}
	if m&Queue != 0 {
		hop.QueueID, hop.QueueOccupancy = b[0], be32(b)&0xffffff
		hop.valid(Queue, be32(b) == ones32)
		b = b[4:]
	}
	if m&IngressTime != 0 {
		hop.IngressTime, b = h.time(b, IngressTime, hop)
	}
	if m&EgressTime != 0 {
		hop.EgressTime, b = h.time(b, EgressTime, hop)
	}
	if m&Level2 != 0 {
		b = h.level2(b, hop)
	}
	if m&TxUtilization != 0 {
		hop.TxUtilization = be32(b)
		hop.valid(TxUtilization, hop.TxUtilization == ones32)
		b = b[4:]
	}
	reserved := m & Reserved
	if h.Version == 2 && m&Buffer != 0 {
		hop.BufferID, hop.BufferOccupancy = b[0], be32(b)&0xffffff
		hop.valid(Buffer, be32(b) == ones32)
		b = b[4:]
	} else if h.Version < 2 {
		reserved |= m & Buffer
	}
	if h.Version == 0 {
		reserved |= m & Complement
	}
	if n := bits.OnesCount16(uint16(reserved)) * wordSize; n > 0 {
		hop.Reserved, b = b[:n:n], b[n:]
	}
	return b
}

func (h *Header) time(b []byte, bit Bits, hop *Hop) (uint64, []byte) {
	if h.Version == 2 || h.Wide {
		t := be64(b)
		hop.valid(bit, t == ones64)
		return t, b[8:]
	}
	t := be32(b)
	hop.valid(bit, t == ones32)
	return uint64(t), b[4:]
}

func (h *Header) level2(b []byte, hop *Hop) []byte {
	switch {
	case h.Version == 0:
		hop.CongestionQueue, hop.Congestion = b[0], be32(b)&0xffffff
		hop.valid(Congestion, be32(b) == ones32)
		return b[4:]
	case h.Narrow:
		hop.Level2In, hop.Level2Out = uint32(be16(b)), uint32(be16(b[2:]))
		hop.valid(Level2, be32(b) == ones32)
		return b[4:]
	}
	hop.Level2In, hop.Level2Out = be32(b), be32(b[4:])
	hop.valid(Level2, be64(b) == ones64)
	return b[8:]
}
