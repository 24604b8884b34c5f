package report

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// AppendLegacy appends a datagram of version 0.5 or 1.0, by g.Version (0 or 1), to
// dst: the one report r with all that its version has a place for. Length and
// RepMdBits are derived. It refuses what has no place: other metadata, values wider
// than their field, an NProt that the metadata belies.
func AppendLegacy(dst []byte, g Group, r *Report) ([]byte, error) {
	switch {
	case g.HwID > 0x3f:
		return dst, &EncodeError{What: "hw_id", Got: int(g.HwID), Want: "at most 63"}
	case r.Flags&^(Dropped|Congested|Tracked) != 0:
		return dst, &EncodeError{What: "flags", Got: int(r.Flags), Want: "none but D, Q and F"}
	case r.QueueOccupancy > 0xffffff:
		return dst, &EncodeError{What: "occupancy", Got: int(r.QueueOccupancy), Want: "at most 24 bits"}
	case r.IngressTime > 0xffffffff:
		return dst, &EncodeError{What: "ingress timestamp", Got: int(r.IngressTime), Want: "at most 32 bits"}
	case r.EgressTime > 0xffffffff:
		return dst, &EncodeError{What: "egress timestamp", Got: int(r.EgressTime), Want: "at most 32 bits"}
	case g.Version == version05:
		return append05(dst, g, r)
	case g.Version == version10:
		return append10(dst, g, r)
	}
	return dst, &EncodeError{What: "version", Got: int(g.Version), Want: "0 or 1"}
}

func append10(dst []byte, g Group, r *Report) ([]byte, error) {
	var bitmap uint32
	all := MdIngressTime
	for i, bit := range mdBits10 {
		all |= bit
		if r.Has(bit) {
			bitmap |= 0x20 >> i
		}
	}
	size := size10 + bits.OnesCount32(bitmap)*wordSize + len(r.DSMetadata)
	switch {
	case r.MdBits&^all != 0 || !r.Has(MdIngressTime):
		return dst, &EncodeError{What: "metadata", Got: int(r.MdBits), Want: fmt.Sprintf("ingress timestamp and any of %#04x", uint16(all))}
	case size%wordSize != 0 || size > 15*wordSize:
		return dst, &EncodeError{What: "header", Got: size, Want: "whole words, at most 60 bytes"}
	case r.NProt > 7 || r.Rsvd > 0x3f:
		return dst, &EncodeError{What: "NProt or reserved bits", Got: int(max(uint16(r.NProt), r.Rsvd)), Want: "3 and 6 bits"}
	}
	o := binary.BigEndian
	dst = o.AppendUint32(dst, version10<<28|uint32(size/wordSize)<<24|uint32(r.NProt)<<21|bitmap<<15|uint32(r.Rsvd)<<9|uint32(r.Flags>>5)<<6|uint32(g.HwID))
	dst = o.AppendUint32(dst, g.NodeID)
	dst = o.AppendUint32(dst, g.Sequence)
	dst = o.AppendUint32(dst, uint32(r.IngressTime))
	for _, bit := range mdBits10 {
		if r.Has(bit) {
			dst = o.AppendUint32(dst, r.word(bit))
		}
	}
	return append(append(dst, r.DSMetadata...), r.Inner...), nil
}

func append05(dst []byte, g Group, r *Report) ([]byte, error) {
	want := MdIngressTime
	switch r.NProt {
	case nprotoDrop:
		want |= MdLevel1 | MdDrop
	case nprotoLocal:
		want |= MdLevel1 | MdQueue | MdEgressTime
	}
	switch {
	case r.MdBits != want:
		return dst, &EncodeError{What: "metadata", Got: int(r.MdBits), Want: fmt.Sprintf("%#04x for NProto %d", uint16(want), r.NProt)}
	case r.NProt > 15 || r.Rsvd > 0x7fff:
		return dst, &EncodeError{What: "NProto or reserved bits", Got: int(max(uint16(r.NProt), r.Rsvd)), Want: "4 and 15 bits"}
	case want == MdIngressTime && g.NodeID != 0:
		return dst, &EncodeError{What: "switch id", Got: int(g.NodeID), Want: fmt.Sprintf("0, for NProto %d has no place for it", r.NProt)}
	}
	o := binary.BigEndian
	dst = o.AppendUint32(dst, uint32(r.NProt)<<24|uint32(r.Flags)<<16|uint32(r.Rsvd)<<6|uint32(g.HwID))
	dst = o.AppendUint32(dst, g.Sequence)
	dst = o.AppendUint32(dst, uint32(r.IngressTime))
	if want != MdIngressTime {
		dst = o.AppendUint32(dst, g.NodeID)
		dst = o.AppendUint32(dst, r.word(MdLevel1))
	}
	for _, bit := range [...]MdBits{MdDrop, MdQueue, MdEgressTime} {
		if want&bit != 0 {
			dst = o.AppendUint32(dst, r.word(bit))
		}
	}
	return append(dst, r.Inner...), nil
}

// word returns the word that setWord reads.
func (r *Report) word(bit MdBits) uint32 {
	switch bit {
	case MdLevel1:
		return uint32(r.Level1In)<<16 | uint32(r.Level1Out)
	case MdHopLatency:
		return r.HopLatency
	case MdQueue:
		return uint32(r.QueueID)<<24 | r.QueueOccupancy
	case MdEgressTime:
		return uint32(r.EgressTime)
	case MdDrop:
		return uint32(r.DropQueueID)<<24 | uint32(r.DropReason)<<16 | uint32(r.DropPadding)
	case MdTxUtilization:
		return r.TxUtilization
	}
	return 0
}
