package report

import (
	"encoding/binary"
	"math/bits"
)

// ExtensionID is the Domain Specific ID of our own switches' metadata.
const ExtensionID = 0x7474

// ExtensionDomain is the extension as a row of a decoder's table.
var ExtensionDomain = Domain{ID: ExtensionID, Words: [16]uint8{1, 1, 1, 1, 1, 1}}

// ExtBits are DSMdBits of domain 0x7474.
type ExtBits uint16

// The bits of ExtBits, one word each.
//
//	bit  mask  word
//	 0   8000  packet id 16 | epoch 1 | colour 2 | reserved 5 | stage 8
//	 1   4000  flow hash 32
//	 2   2000  VNI 24 | reserved 8
//	 3   1000  packet length 16 | reserved 16
//	 4   0800  enqueue depth 32
//	 5   0400  rule id 32
const (
	ExtPacketID ExtBits = 0x8000 // PacketID, Epoch, Colour, Stage
	ExtFlowHash ExtBits = 0x4000
	ExtVNI      ExtBits = 0x2000
	ExtLength   ExtBits = 0x1000
	ExtEnqDepth ExtBits = 0x0800
	ExtRule     ExtBits = 0x0400
	extAll      ExtBits = 0xfc00
)

// Extension is our own domain-specific metadata. A field whose bit is clear was
// not reported.
type Extension struct {
	Bits     ExtBits
	PacketID uint16 // outer IPv4 identification given by the source vswitch
	Epoch    uint8  // 1 bit
	Colour   uint8  // 2 bits
	Stage    uint8  // 0 ingress, 1 egress
	FlowHash uint32
	VNI      uint32 // 24 bits
	Length   uint16 // bytes of the packet at this hop
	EnqDepth uint32 // packets found in the queue at enqueue
	Rule     uint32 // id of the rule that decided
}

// Extension reads the metadata of domain 0x7474 from a report. It returns false
// for every other domain. Bits it does not know come behind those it knows and
// are left out of Bits.
func (r *Report) Extension(x *Extension) bool {
	b, md := ExtBits(r.DSMdBits)&extAll, r.DSMetadata
	if r.RepType != INT || r.DomainID != ExtensionID || len(md) < bits.OnesCount16(uint16(b))*wordSize {
		return false
	}
	*x = Extension{Bits: b}
	if b&ExtPacketID != 0 {
		x.PacketID, x.Epoch, x.Colour, x.Stage = be16(md), md[2]>>7, md[2]>>5&3, md[3]
		md = md[4:]
	}
	if b&ExtFlowHash != 0 {
		x.FlowHash, md = be32(md), md[4:]
	}
	if b&ExtVNI != 0 {
		x.VNI, md = be32(md)>>8, md[4:]
	}
	if b&ExtLength != 0 {
		x.Length, md = be16(md), md[4:]
	}
	if b&ExtEnqDepth != 0 {
		x.EnqDepth, md = be32(md), md[4:]
	}
	if b&ExtRule != 0 {
		x.Rule = be32(md)
	}
	return true
}

// SetExtension makes x the domain-specific metadata of r, appended to buf, which
// it returns grown. Values wider than their field lose their upper bits.
func (r *Report) SetExtension(x *Extension, buf []byte) []byte {
	o := binary.BigEndian
	at := len(buf)
	if x.Bits&ExtPacketID != 0 {
		buf = append(o.AppendUint16(buf, x.PacketID), x.Epoch<<7|x.Colour&3<<5, x.Stage)
	}
	if x.Bits&ExtFlowHash != 0 {
		buf = o.AppendUint32(buf, x.FlowHash)
	}
	if x.Bits&ExtVNI != 0 {
		buf = o.AppendUint32(buf, x.VNI<<8)
	}
	if x.Bits&ExtLength != 0 {
		buf = o.AppendUint32(buf, uint32(x.Length)<<16)
	}
	if x.Bits&ExtEnqDepth != 0 {
		buf = o.AppendUint32(buf, x.EnqDepth)
	}
	if x.Bits&ExtRule != 0 {
		buf = o.AppendUint32(buf, x.Rule)
	}
	r.DomainID, r.DSMdBits, r.DSMetadata = ExtensionID, uint16(x.Bits&extAll), buf[at:]
	return buf
}
