package p4rt

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	p4configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
)

// PacketIns delivers packet-ins in their order. Those that come while Config.PacketIns
// are waiting are dropped and counted. Close closes it.
func (s *Session) PacketIns() <-chan *p4v1.PacketIn { return s.packets }

// ErrNotConnected: there is no stream to send on, or the switch has another primary.
var ErrNotConnected = errors.New("not primary")

// SendPacketOut queues a packet-out; it waits while the queue is full. Whether the
// switch took it shows only in Events.StreamError.
func (s *Session) SendPacketOut(ctx context.Context, p *p4v1.PacketOut) error {
	if !s.Primary() {
		return fmt.Errorf("p4rt: packet-out to device %d: %w", s.cfg.DeviceID, ErrNotConnected)
	}
	return s.send(ctx, &p4v1.StreamMessageRequest{Update: &p4v1.StreamMessageRequest_Packet{Packet: p}}, "packet-out")
}

// AckDigest acknowledges a digest list, so that the switch may send the same data
// again.
func (s *Session) AckDigest(ctx context.Context, l *p4v1.DigestList) error {
	return s.send(ctx, &p4v1.StreamMessageRequest{Update: &p4v1.StreamMessageRequest_DigestAck{
		DigestAck: &p4v1.DigestListAck{DigestId: l.GetDigestId(), ListId: l.GetListId()},
	}}, "digest acknowledgement")
}

func (s *Session) send(ctx context.Context, m *p4v1.StreamMessageRequest, what string) error {
	select {
	case s.out <- m:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("p4rt: %s to device %d: %w", what, s.cfg.DeviceID, ctx.Err())
	}
}

// Metadata is the packet_in header of a packet-in by field name, as the P4Info
// has it.
func Metadata(info *p4configv1.P4Info, p *p4v1.PacketIn) (map[string]uint64, error) {
	h := header(info, "packet_in")
	out := make(map[string]uint64, len(p.GetMetadata()))
	for _, m := range p.GetMetadata() {
		f := field(h, m.GetMetadataId())
		if f == nil {
			return nil, fmt.Errorf("p4rt: packet-in with metadata id %d, which header packet_in does not have", m.GetMetadataId())
		}
		v := m.GetValue()
		for len(v) > 0 && v[0] == 0 {
			v = v[1:]
		}
		if len(v) > 8 {
			return nil, fmt.Errorf("p4rt: packet-in: %s is 0x%x, which does not fit 64 bits", f.GetName(), v)
		}
		var n [8]byte
		copy(n[8-len(v):], v)
		out[f.GetName()] = binary.BigEndian.Uint64(n[:])
	}
	return out, nil
}

// NewPacketOut makes a packet-out with its header's fields by name. Fields that
// are not named, padding above all, are zero.
func NewPacketOut(info *p4configv1.P4Info, payload []byte, fields map[string]uint64) (*p4v1.PacketOut, error) {
	h := header(info, "packet_out")
	out := &p4v1.PacketOut{Payload: payload}
	used := 0
	for _, f := range h.GetMetadata() {
		v, ok := fields[f.GetName()]
		if ok {
			used++
		}
		if bits.Len64(v) > int(f.GetBitwidth()) {
			return nil, fmt.Errorf("p4rt: packet-out: %s is %d, which does not fit %d bits", f.GetName(), v, f.GetBitwidth())
		}
		out.Metadata = append(out.Metadata, &p4v1.PacketMetadata{MetadataId: f.GetId(), Value: canonical(binary.BigEndian.AppendUint64(nil, v))})
	}
	if used != len(fields) {
		return nil, fmt.Errorf("p4rt: packet-out: header packet_out does not have all of %v", fields)
	}
	return out, nil
}

func header(info *p4configv1.P4Info, name string) *p4configv1.ControllerPacketMetadata {
	for _, h := range info.GetControllerPacketMetadata() {
		if h.GetPreamble().GetName() == name {
			return h
		}
	}
	return nil
}

func field(h *p4configv1.ControllerPacketMetadata, id uint32) *p4configv1.ControllerPacketMetadata_Metadata {
	for _, f := range h.GetMetadata() {
		if f.GetId() == id {
			return f
		}
	}
	return nil
}

// canonical is the shortest bytestring of a value.
func canonical(b []byte) []byte {
	for len(b) > 1 && b[0] == 0 {
		b = b[1:]
	}
	return b
}
