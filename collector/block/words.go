package block

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/telltale-net/telltale/collector/postcard"
)

// tenant is what the records of one inner flow share.
type tenant struct {
	VNI   uint32
	Hash  uint32
	Inner postcard.Flow
}

// shape is what the records of one place share.
type shape struct {
	Has        postcard.Fields
	Node       postcard.NodeID
	InPort     uint32
	OutPort    uint32
	Rule       uint32
	HwID       uint8
	Queue      uint8
	DropReason uint8
	Colour     uint8
	Stage      postcard.Stage
	Flags      postcard.Flags
}

func shapeOf(r *postcard.Record) shape {
	return shape{
		Has: r.Has, Node: r.Node, InPort: r.InPort, OutPort: r.OutPort, Rule: r.Rule, HwID: r.HwID,
		Queue: r.Queue, DropReason: r.DropReason, Colour: r.Colour, Stage: r.Stage, Flags: r.Flags,
	}
}

// is is *s == shapeOf(r).
func (s *shape) is(r *postcard.Record) bool {
	return s.Has == r.Has && s.Node == r.Node && s.InPort == r.InPort && s.OutPort == r.OutPort && s.Rule == r.Rule && s.HwID == r.HwID &&
		s.Queue == r.Queue && s.DropReason == r.DropReason && s.Colour == r.Colour && s.Stage == r.Stage && s.Flags == r.Flags
}

func (s *shape) to(r *postcard.Record) {
	r.Has, r.Node, r.InPort, r.OutPort, r.Rule, r.HwID = s.Has, s.Node, s.InPort, s.OutPort, s.Rule, s.HwID
	r.Queue, r.DropReason, r.Colour, r.Stage, r.Flags = s.Queue, s.DropReason, s.Colour, s.Stage, s.Flags
}

func (s *shape) appendTo(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(s.Has))
	b = binary.AppendUvarint(b, uint64(s.Node))
	b = binary.AppendUvarint(b, uint64(s.InPort))
	b = binary.AppendUvarint(b, uint64(s.OutPort))
	b = binary.AppendUvarint(b, uint64(s.Rule))
	return append(b, s.HwID, s.Queue, s.DropReason, s.Colour, byte(s.Stage), byte(s.Flags))
}

func (r *reader) shape() (s shape) {
	const word = 1<<32 - 1
	s.Has = postcard.Fields(r.max(word))
	s.Node = postcard.NodeID(r.max(word))
	s.InPort = uint32(r.max(word))
	s.OutPort = uint32(r.max(word))
	s.Rule = uint32(r.max(word))
	if b := r.bytes(6); b != nil {
		s.HwID, s.Queue, s.DropReason, s.Colour, s.Stage, s.Flags = b[0], b[1], b[2], b[3], postcard.Stage(b[4]), postcard.Flags(b[5])
	}
	return s
}

// An address is 4 or 6 and its bytes, or 0 alone for none.
func appendAddress(b []byte, a *postcard.Addr) []byte {
	switch ip := a.Netip(); {
	case !ip.IsValid():
		return append(b, 0)
	case ip.Is4():
		return append(append(b, 4), a[12:]...)
	default:
		return append(append(b, 6), a[:]...)
	}
}

func (r *reader) address() (a postcard.Addr) {
	switch kind := r.byte(); kind {
	case 0:
	case 4:
		a[10], a[11] = 0xff, 0xff
		copy(a[12:], r.bytes(4))
	case 6:
		copy(a[:], r.bytes(16))
	default:
		r.fail("got address of kind %d, want 0, 4 or 6", kind)
	}
	return a
}

// A flow is its addresses' indexes, ports and protocol.
func appendFlow(b []byte, f *postcard.Flow, src, dst uint32) []byte {
	b = binary.AppendUvarint(b, uint64(src))
	b = binary.AppendUvarint(b, uint64(dst))
	b = binary.BigEndian.AppendUint16(b, f.SrcPort)
	b = binary.BigEndian.AppendUint16(b, f.DstPort)
	return append(b, f.Proto)
}

func (r *reader) flow(addresses []postcard.Addr) (f postcard.Flow) {
	src, dst := r.index(len(addresses)), r.index(len(addresses))
	b := r.bytes(5)
	if b == nil {
		return f
	}
	f.Src, f.Dst = addresses[src], addresses[dst]
	f.SrcPort, f.DstPort, f.Proto = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:]), b[4]
	return f
}

// expectedHash is the flow hash that our own switches report for an IPv4 flow
// (p4src, flow_hash): CRC-32 over VNI, addresses, protocol, ports.
func expectedHash(t *tenant) uint32 {
	var b [16]byte
	binary.BigEndian.PutUint32(b[:], t.VNI<<8)
	copy(b[3:], t.Inner.Src[12:])
	copy(b[7:], t.Inner.Dst[12:])
	b[11] = t.Inner.Proto
	binary.BigEndian.PutUint16(b[12:], t.Inner.SrcPort)
	binary.BigEndian.PutUint16(b[14:], t.Inner.DstPort)
	return crc32.ChecksumIEEE(b[:])
}

// A hash is 0 and nothing where it is zero, 1 where it is the expected one, else 2
// and its bytes.
func appendHash(b []byte, t *tenant) []byte {
	switch t.Hash {
	case 0:
		return append(b, 0)
	case expectedHash(t):
		return append(b, 1)
	}
	return binary.BigEndian.AppendUint32(append(b, 2), t.Hash)
}

func (r *reader) hash(t *tenant) {
	switch kind := r.byte(); kind {
	case 0:
	case 1:
		t.Hash = expectedHash(t)
	case 2:
		if b := r.bytes(4); b != nil {
			t.Hash = binary.BigEndian.Uint32(b)
		}
	default:
		r.fail("got flow hash of kind %d, want 0, 1 or 2", kind)
	}
}
