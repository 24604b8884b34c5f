package entity

import (
	"encoding/binary"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/telltale-net/telltale/bmv2/device"
)

// Limits of v1model: ports are bit<9>, egress_rid is bit<16>, the queue's
// priority bit<3>.
const (
	MaxPort     = 1<<9 - 1
	maxInstance = 1<<16 - 1
	maxClass    = 1<<3 - 1
)

// decodePort reads an SDN port number. There is no port translation: a port is
// the device's port.
func decodePort(b []byte) (uint32, error) {
	v, err := Unsigned(b, 32)
	if err != nil {
		return 0, invalid("port: %v", err)
	}
	p := binary.BigEndian.Uint32(v)
	if p > MaxPort {
		return 0, invalid("port %d, want 0 to %d", p, MaxPort)
	}
	return p, nil
}

func encodePort(p uint32) []byte {
	return Canonical(binary.BigEndian.AppendUint32(nil, p))
}

// DecodeMulticastGroup checks a multicast group. For DELETE only the id counts.
func DecodeMulticastGroup(op p4v1.Update_Type, g *p4v1.MulticastGroupEntry) (device.MulticastGroup, error) {
	out := device.MulticastGroup{ID: g.GetMulticastGroupId()}
	if out.ID == 0 {
		return out, invalid("multicast group id is 0")
	}
	if op == p4v1.Update_DELETE {
		return out, nil
	}
	seen := map[device.Replica]bool{}
	for i, r := range g.GetReplicas() {
		d, err := decodeReplica(r)
		if err != nil {
			return out, Errorf(CodeOf(err), "multicast group %d, replica %d: %v", out.ID, i, err)
		}
		if seen[d] {
			return out, invalid("multicast group %d: port %d with instance %d comes twice", out.ID, d.Port, d.Instance)
		}
		seen[d] = true
		out.Replicas = append(out.Replicas, d)
	}
	return out, nil
}

// DecodeCloneSession checks a clone session. For DELETE only the id counts.
func DecodeCloneSession(op p4v1.Update_Type, c *p4v1.CloneSessionEntry) (device.CloneSession, error) {
	out := device.CloneSession{ID: c.GetSessionId(), ClassOfSvc: c.GetClassOfService(), PacketLength: c.GetPacketLengthBytes()}
	if out.ID == 0 {
		return out, invalid("clone session id is 0")
	}
	if op == p4v1.Update_DELETE {
		return out, nil
	}
	if out.ClassOfSvc > maxClass {
		return out, invalid("clone session %d: class_of_service %d, want 0 to %d", out.ID, out.ClassOfSvc, maxClass)
	}
	if out.PacketLength < 0 {
		return out, invalid("clone session %d: packet_length_bytes is %d", out.ID, out.PacketLength)
	}
	for i, r := range c.GetReplicas() {
		d, err := decodeReplica(r)
		if err != nil {
			return out, Errorf(CodeOf(err), "clone session %d, replica %d: %v", out.ID, i, err)
		}
		out.Replicas = append(out.Replicas, d)
	}
	return out, nil
}

// decodeReplica also reads the port as clients of P4Runtime 1.5 send it. A replica
// without a port is refused; to these stubs one with egress_port 0 is such a
// replica, so that port 0 must be sent as bytes.
func decodeReplica(r *p4v1.Replica) (device.Replica, error) {
	out := device.Replica{Port: r.GetEgressPort(), Instance: r.GetInstance()}
	named := out.Port != 0
	err := eachNewer(r, func(num protowire.Number, v newerValue) error {
		switch {
		case num == replicaPort && v.bytes != nil:
			p, err := decodePort(v.bytes)
			out.Port, named = p, true
			return err
		case num == replicaBackups:
			return Errorf(codes.Unimplemented, "backup replicas are not offered")
		}
		return newerField(r.ProtoReflect(), num)
	})
	switch {
	case err != nil:
		return out, err
	case !named:
		return out, invalid("the port is missing; port 0 is sent as bytes")
	case out.Port > MaxPort:
		return out, invalid("egress port %d, want 0 to %d", out.Port, MaxPort)
	case out.Instance > maxInstance:
		return out, invalid("instance %d, want 0 to %d", out.Instance, maxInstance)
	}
	return out, nil
}

// Restated is a valid entry as it will be read: as it was written, ports in the
// field the client chose, in canonical form. plain says that encoding the device's
// object gives the same.
func Restated(p *p4v1.PacketReplicationEngineEntry) (e *p4v1.Entity, plain bool) {
	out := proto.Clone(p).(*p4v1.PacketReplicationEngineEntry)
	plain = len(out.GetMulticastGroupEntry().ProtoReflect().GetUnknown()) == 0
	for _, r := range append(out.GetMulticastGroupEntry().GetReplicas(), out.GetCloneSessionEntry().GetReplicas()...) {
		// decodeReplica took it: the one newer field there can be is the port.
		_ = eachNewer(r, func(_ protowire.Number, v newerValue) error {
			b := protowire.AppendTag(nil, replicaPort, protowire.BytesType)
			r.EgressPort = 0
			r.ProtoReflect().SetUnknown(protowire.AppendBytes(b, Canonical(v.bytes)))
			plain = false
			return nil
		})
	}
	return pre(out), plain
}

// EncodeMulticastGroup writes a multicast group.
func EncodeMulticastGroup(g device.MulticastGroup) *p4v1.Entity {
	return pre(&p4v1.PacketReplicationEngineEntry{Type: &p4v1.PacketReplicationEngineEntry_MulticastGroupEntry{
		MulticastGroupEntry: &p4v1.MulticastGroupEntry{MulticastGroupId: g.ID, Replicas: encodeReplicas(g.Replicas)},
	}})
}

// EncodeCloneSession writes a clone session.
func EncodeCloneSession(c device.CloneSession) *p4v1.Entity {
	return pre(&p4v1.PacketReplicationEngineEntry{Type: &p4v1.PacketReplicationEngineEntry_CloneSessionEntry{
		CloneSessionEntry: &p4v1.CloneSessionEntry{
			SessionId: c.ID, Replicas: encodeReplicas(c.Replicas), ClassOfService: c.ClassOfSvc, PacketLengthBytes: c.PacketLength,
		},
	}})
}

func pre(e *p4v1.PacketReplicationEngineEntry) *p4v1.Entity {
	return &p4v1.Entity{Entity: &p4v1.Entity_PacketReplicationEngineEntry{PacketReplicationEngineEntry: e}}
}

func encodeReplicas(rs []device.Replica) []*p4v1.Replica {
	var out []*p4v1.Replica
	for _, r := range rs {
		e := &p4v1.Replica{EgressPort: r.Port, Instance: r.Instance}
		if r.Port == 0 {
			b := protowire.AppendTag(nil, replicaPort, protowire.BytesType)
			e.ProtoReflect().SetUnknown(protowire.AppendBytes(b, encodePort(0)))
		}
		out = append(out, e)
	}
	return out
}
