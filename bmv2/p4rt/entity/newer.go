package entity

import (
	p4configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Fields of P4Runtime 1.5 that the stubs are older than. They arrive as unknown
// fields and are either understood here or refused: none is skipped in silence.
const (
	tableEntryIsConst  = protowire.Number(13) // TableEntry.is_const
	meterConfigEburst  = protowire.Number(5)  // MeterConfig.eburst
	replicaPort        = protowire.Number(3)  // Replica.port, bytes, in a oneof with egress_port
	replicaBackups     = protowire.Number(4)  // Replica.backup_replicas
	multicastMetadata  = protowire.Number(3)  // MulticastGroupEntry.metadata, bytes
	capabilitiesDevice = protowire.Number(1)  // CapabilitiesRequest.device_id

	profileSumOfMembers  = protowire.Number(7)  // ActionProfile.sum_of_members
	profileNoWeights     = protowire.Number(8)  // ActionProfile.weights_disallowed
	meterSpecType        = protowire.Number(2)  // MeterSpec.type
	pkgInfoPlatform      = protowire.Number(11) // PkgInfo.platform_properties
	platformGroupEntries = protowire.Number(1)  // PlatformProperties.multicast_group_table_size

	scopeGroupAction = p4configv1.ActionRef_Scope(3) // ActionRef.GROUP_ACTION
)

// newerValue is the value of an unknown field: a number, or bytes that are not nil.
type newerValue struct {
	number uint64
	bytes  []byte
}

// eachNewer calls f with every unknown field of m itself, in order, until f fails.
func eachNewer(m proto.Message, f func(protowire.Number, newerValue) error) error {
	for rest := m.ProtoReflect().GetUnknown(); len(rest) > 0; {
		num, typ, n := protowire.ConsumeTag(rest)
		if n < 0 {
			return invalid("%s: malformed unknown field", m.ProtoReflect().Descriptor().FullName())
		}
		rest = rest[n:]
		if n = protowire.ConsumeFieldValue(num, typ, rest); n < 0 {
			return invalid("%s: malformed unknown field %d", m.ProtoReflect().Descriptor().FullName(), num)
		}
		var v newerValue
		switch typ {
		case protowire.VarintType:
			v.number, _ = protowire.ConsumeVarint(rest)
		case protowire.BytesType:
			b, _ := protowire.ConsumeBytes(rest)
			v.bytes = append([]byte{}, b...)
		}
		if err := f(num, v); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// newer returns one unknown field of m, the last if it comes often; zero if it is
// not there or m is malformed.
func newer(m proto.Message, num protowire.Number) (v newerValue) {
	_ = eachNewer(m, func(n protowire.Number, x newerValue) error {
		if n == num {
			v = x
		}
		return nil
	})
	return v
}

// CheckUpdate refuses an update with fields these stubs do not know: a newer
// client asked for something that would be skipped. In a DELETE only the key
// counts, and is_const.
func CheckUpdate(u *p4v1.Update) error {
	if u.GetType() != p4v1.Update_DELETE {
		return CheckNewer(u)
	}
	if newer(u.GetEntity().GetTableEntry(), tableEntryIsConst).number != 0 {
		return newerField(u.GetEntity().GetTableEntry().ProtoReflect(), tableEntryIsConst)
	}
	return nil
}

// CheckNewer refuses a message that has, at any depth, a field that is not
// understood. Replicas are left to their own decoder.
func CheckNewer(m proto.Message) error { return checkNewer(m.ProtoReflect()) }

func checkNewer(m protoreflect.Message) error {
	name := m.Descriptor().FullName()
	if name == "p4.v1.Replica" {
		return nil
	}
	if len(m.GetUnknown()) > 0 {
		err := eachNewer(m.Interface(), func(num protowire.Number, v newerValue) error {
			if name == "p4.v1.MulticastGroupEntry" && num == multicastMetadata && v.bytes != nil ||
				name == "p4.v1.TableEntry" && num == tableEntryIsConst && v.number == 0 && v.bytes == nil {
				return nil
			}
			return newerField(m, num)
		})
		if err != nil {
			return err
		}
	}
	var err error
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.Message() == nil || fd.IsMap():
		case fd.IsList():
			for i := range v.List().Len() {
				if err = checkNewer(v.List().Get(i).Message()); err != nil {
					return false
				}
			}
		default:
			err = checkNewer(v.Message())
		}
		return err == nil
	})
	return err
}

func newerField(m protoreflect.Message, num protowire.Number) error {
	switch name := m.Descriptor().FullName(); {
	case name == "p4.v1.TableEntry" && num == tableEntryIsConst:
		return invalid("table entry with is_const set: only the program declares const entries")
	case name == "p4.v1.MeterConfig" && num == meterConfigEburst:
		return invalid("meter with eburst set: it is for single rate three color meters, which are not offered")
	default:
		return Errorf(codes.Unimplemented, "field %d of %s is newer than P4Runtime %s, which this server speaks", num, name, Version)
	}
}

// MarkConst sets is_const in an entry that is read.
func MarkConst(te *p4v1.TableEntry) {
	b := protowire.AppendTag(te.ProtoReflect().GetUnknown(), tableEntryIsConst, protowire.VarintType)
	te.ProtoReflect().SetUnknown(protowire.AppendVarint(b, 1))
}

// CapabilitiesDevice is the device that a request for capabilities names, 0 for none.
func CapabilitiesDevice(r *p4v1.CapabilitiesRequest) uint64 {
	return newer(r, capabilitiesDevice).number
}

// checkNewerProfile refuses selectors that the model's cannot be.
func checkNewerProfile(p *p4configv1.ActionProfile) error {
	switch name := p.GetPreamble().GetName(); {
	case newer(p, profileSumOfMembers).bytes != nil:
		return invalid("P4Info: action profile %s: selector_size_semantics sum_of_members is not offered, only sum_of_weights", name)
	case newer(p, profileNoWeights).number != 0:
		return invalid("P4Info: action profile %s: weights_disallowed is not offered", name)
	}
	return nil
}

// meterKind reads the type of a meter; spec may be nil.
func meterKind(where string, spec *p4configv1.MeterSpec) (MeterKind, error) {
	if spec == nil {
		return TwoRates, nil
	}
	switch t := newer(spec, meterSpecType).number; t {
	case 0:
		return TwoRates, nil
	case 2:
		return TwoColours, nil
	default:
		return 0, invalid("P4Info: %s: meter type %d is not offered, only two rate three color (0) and single rate two color (2)", where, t)
	}
}

// checkPlatform refuses a program that needs more multicast groups than there are.
func checkPlatform(info *p4configv1.P4Info) error {
	raw := newer(info.GetPkgInfo(), pkgInfoPlatform).bytes
	if info.GetPkgInfo() == nil || raw == nil {
		return nil
	}
	p := &p4v1.WriteResponse{} // any message without fields: all of raw's are unknown to it
	if err := proto.Unmarshal(raw, p); err != nil {
		return invalid("P4Info: platform_properties: %v", err)
	}
	if n := newer(p, platformGroupEntries).number; n > maxGroups {
		return invalid("P4Info: platform_properties: multicast_group_table_size is %d, there are %d groups", n, maxGroups)
	}
	return nil
}

// maxGroups is the number of multicast groups: mcast_grp is bit<16>, 0 is none.
const maxGroups = 1<<16 - 1
