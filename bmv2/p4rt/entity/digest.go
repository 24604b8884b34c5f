package entity

import (
	"fmt"

	p4configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"
)

// Digest is what digest() sends up: one value, or a struct or tuple of values.
type Digest struct {
	ID   uint32
	Name string

	cells []*Array // the members' types; only the type counts
	shape digestShape
	why   error // why this digest cannot be sent, nil if it can
}

type digestShape uint8

const (
	digestScalar digestShape = iota
	digestStruct
	digestTuple
)

// newDigest resolves the type of a digest. A type that cannot be sent is kept
// with the reason: the program is fine, only enabling the digest is not.
func (b *builder) newDigest(d *p4configv1.Digest) *Digest {
	out := &Digest{ID: d.GetPreamble().GetId(), Name: d.GetPreamble().GetName()}
	var members []*p4configv1.P4DataTypeSpec
	switch t := d.GetTypeSpec().GetTypeSpec().(type) {
	case *p4configv1.P4DataTypeSpec_Struct:
		out.shape = digestStruct
		s := b.info.GetTypeInfo().GetStructs()[t.Struct.GetName()]
		if s == nil {
			out.why = fmt.Errorf("struct %s is not in the P4Info", t.Struct.GetName())
		}
		for _, m := range s.GetMembers() {
			members = append(members, m.GetTypeSpec())
		}
	case *p4configv1.P4DataTypeSpec_Tuple:
		out.shape = digestTuple
		members = t.Tuple.GetMembers()
	default:
		members = []*p4configv1.P4DataTypeSpec{d.GetTypeSpec()}
	}
	for i, m := range members {
		c := &Array{Name: out.Name}
		var err error
		if c.sdn, c.Width, c.Signed, c.Bool, err = b.scalar(m, 0); err != nil && out.why == nil {
			out.why = fmt.Errorf("member %d: %v", i, err)
		}
		out.cells = append(out.cells, c)
	}
	return out
}

// Usable says why a digest cannot be enabled: UNIMPLEMENTED for types that are
// not offered.
func (d *Digest) Usable() error {
	if d.why != nil {
		return Errorf(codes.Unimplemented, "digest %s: %v", d.Name, d.why)
	}
	return nil
}

// Encode writes one message out of the values that the program gave.
func (d *Digest) Encode(values [][]byte) (*p4v1.P4Data, error) {
	if err := d.Usable(); err != nil {
		return nil, err
	}
	if len(values) != len(d.cells) {
		return nil, Errorf(codes.Internal, "digest %s: the device sent %d values, the P4Info has %d", d.Name, len(values), len(d.cells))
	}
	members := make([]*p4v1.P4Data, len(values))
	for i, v := range values {
		members[i] = d.cells[i].EncodeCell(append([]byte(nil), v...))
	}
	switch d.shape {
	case digestStruct:
		return &p4v1.P4Data{Data: &p4v1.P4Data_Struct{Struct: &p4v1.P4StructLike{Members: members}}}, nil
	case digestTuple:
		return &p4v1.P4Data{Data: &p4v1.P4Data_Tuple{Tuple: &p4v1.P4StructLike{Members: members}}}, nil
	}
	return members[0], nil
}
