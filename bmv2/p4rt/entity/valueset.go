package entity

import (
	p4configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"

	"github.com/telltale-net/telltale/bmv2/device"
)

// DecodeMembers checks the members of a value set: every field matched, exactly,
// no two members the same, no more than the set holds. The model's value sets hold
// values only, so that ternary, range and lpm fields are UNIMPLEMENTED.
func (v *ValueSet) DecodeMembers(in []*p4v1.ValueSetMember) ([]device.ValueSetMember, error) {
	for _, f := range v.Fields {
		if f.Match != p4configv1.MatchField_EXACT {
			return nil, Errorf(codes.Unimplemented, "value set %s: field %s is matched %v; only exact is offered", v.Name, f.Name, f.Match)
		}
	}
	if len(in) > v.Size {
		return nil, Errorf(codes.ResourceExhausted, "value set %s: %d members, it holds %d", v.Name, len(in), v.Size)
	}
	seen := map[string]bool{}
	var out []device.ValueSetMember
	for i, m := range in {
		ms, err := decodeMatches(v.Fields, m.GetMatch())
		if err != nil {
			return nil, invalid("value set %s, member %d: %v", v.Name, i, err)
		}
		value := make([]byte, size(v.width()))
		at := len(value)*8 - v.width()
		for j, f := range v.Fields {
			putBits(value, at, ms[j].Value, f.Width)
			at += f.Width
		}
		if seen[string(value)] {
			return nil, Errorf(codes.AlreadyExists, "value set %s: member %d, 0x%x, comes twice", v.Name, i, value)
		}
		seen[string(value)] = true
		out = append(out, device.ValueSetMember{Value: value})
	}
	return out, nil
}

// EncodeMembers writes the members of a value set.
func (v *ValueSet) EncodeMembers(in []device.ValueSetMember) []*p4v1.ValueSetMember {
	var out []*p4v1.ValueSetMember
	for _, m := range in {
		o := &p4v1.ValueSetMember{}
		at := len(m.Value)*8 - v.width()
		for i := range v.Fields {
			f := &v.Fields[i]
			o.Match = append(o.Match, f.encode(device.Match{Kind: device.Exact, Value: getBits(m.Value, at, f.Width)}))
			at += f.Width
		}
		out = append(out, o)
	}
	return out
}

func (v *ValueSet) width() int {
	w := 0
	for _, f := range v.Fields {
		w += f.Width
	}
	return w
}
