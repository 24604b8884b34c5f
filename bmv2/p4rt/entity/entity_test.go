package entity

import (
	"bytes"
	"fmt"
	"math/big"
	"testing"

	p4configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/telltale-net/telltale/bmv2/device"
)

// The tables "Examples of Valid Bytestring Encoding" and "… Invalid …" of the
// specification, row by row.
func TestBytestringExamples(t *testing.T) {
	for _, c := range []struct {
		width  int
		signed bool
		in     string
		want   string // what the device sees, "" = refused
		back   string // what is read
	}{
		{8, false, "\x63", "\x63", "\x63"},
		{16, false, "\x00\x63", "\x00\x63", "\x63"},
		{16, false, "\x63", "\x00\x63", "\x63"},
		{16, false, "\x30\x64", "\x30\x64", "\x30\x64"},
		{16, false, "\x00\x30\x64", "\x30\x64", "\x30\x64"},
		{12, false, "\x00\x63", "\x00\x63", "\x63"},
		{12, false, "\x00\x00\x63", "\x00\x63", "\x63"},
		{8, true, "\x63", "\x63", "\x63"},
		{8, true, "\x9d", "\x9d", "\x9d"},
		{8, true, "\xff\x9d", "\x9d", "\x9d"},
		{12, true, "\xfd\x1d", "\x0d\x1d", "\xfd\x1d"},
		{16, true, "\x00\x00", "\x00\x00", "\x00"},
		{16, true, "\x00", "\x00\x00", "\x00"},

		{8, false, "\x01\x63", "", ""},
		{8, false, "", "", ""},
		{16, false, "\x01\x00\x63", "", ""},
		{12, false, "\x10\x63", "", ""},
		{12, false, "\x01\x00\x63", "", ""},
		{12, false, "\x00\x40\x63", "", ""},
		{8, true, "\x00\x9d", "", ""},
		{12, true, "\x8d\x1d", "", ""},
		{16, true, "", "", ""},
	} {
		decode, encode := Unsigned, func(b []byte, _ int) []byte { return Canonical(b) }
		if c.signed {
			decode, encode = Signed, CanonicalSigned
		}
		got, err := decode([]byte(c.in), c.width)
		if (err != nil) != (c.want == "") || string(got) != c.want {
			t.Errorf("width %d signed %v: %x became %x, %v; want %x", c.width, c.signed, c.in, got, err, c.want)
			continue
		}
		if err == nil {
			if back := encode(got, c.width); string(back) != c.back {
				t.Errorf("width %d signed %v: %x is read as %x, want %x", c.width, c.signed, c.in, back, c.back)
			}
		}
	}
}

// Against big integers.
func TestBytestringProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(1, 70).Draw(t, "width")
		in := rapid.SliceOfN(rapid.Byte(), 1, 11).Draw(t, "in")
		u := new(big.Int).SetBytes(in)
		got, err := Unsigned(in, width)
		if (err == nil) != (u.BitLen() <= width) {
			t.Fatalf("bit<%d> %x: %v", width, in, err)
		}
		if err == nil && (new(big.Int).SetBytes(got).Cmp(u) != 0 || len(got) != (width+7)/8 || !bytes.Equal(Canonical(got), canonicalOf(u))) {
			t.Fatalf("bit<%d> %x became %x", width, in, got)
		}
		s := new(big.Int).Set(u)
		if in[0]&0x80 != 0 {
			s.Sub(s, new(big.Int).Lsh(big.NewInt(1), uint(8*len(in))))
		}
		limit := new(big.Int).Lsh(big.NewInt(1), uint(width-1))
		fits := s.Cmp(limit) < 0 && s.Cmp(new(big.Int).Neg(limit)) >= 0
		got, err = Signed(in, width)
		if (err == nil) != fits {
			t.Fatalf("int<%d> %x (%v): %v", width, in, s, err)
		}
		if err != nil {
			return
		}
		mod := new(big.Int).Mod(s, new(big.Int).Lsh(big.NewInt(1), uint(width)))
		if new(big.Int).SetBytes(got).Cmp(mod) != 0 || len(got) != (width+7)/8 {
			t.Fatalf("int<%d> %x became %x, want %x", width, in, got, mod)
		}
		back := CanonicalSigned(got, width)
		again, err := Signed(back, width)
		if err != nil || !bytes.Equal(again, got) || len(back) > len(in) {
			t.Fatalf("int<%d> %x is read as %x: %x, %v", width, got, back, again, err)
		}
	})
}

func canonicalOf(u *big.Int) []byte {
	if u.Sign() == 0 {
		return []byte{0}
	}
	return u.Bytes()
}

// Splitting and joining are inverse, for any layout of fields.
func TestHeaderProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := &Header{Name: "packet_out"}
		for i := range rapid.IntRange(1, 6).Draw(t, "fields") {
			w := rapid.IntRange(1, 40).Draw(t, "width")
			h.fields = append(h.fields, Param{ID: uint32(i + 1), Width: w})
			h.bits += w
		}
		if pad := (8 - h.bits%8) % 8; pad > 0 {
			h.fields = append(h.fields, Param{ID: 99, Width: pad})
			h.bits += pad
		}
		raw := rapid.SliceOfN(rapid.Byte(), h.Len(), h.Len()+5).Draw(t, "raw")
		meta, payload, err := h.Split(raw)
		if err != nil {
			t.Fatal(err)
		}
		// The oracle: the header as one big number.
		n := new(big.Int).SetBytes(raw[:h.Len()])
		for i := len(h.fields) - 1; i >= 0; i-- {
			w := uint(h.fields[i].Width)
			want := new(big.Int).And(n, new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), w), big.NewInt(1)))
			if !bytes.Equal(meta[i].GetValue(), canonicalOf(want)) {
				t.Fatalf("field %d is %x, want %x", i, meta[i].GetValue(), want)
			}
			n.Rsh(n, w)
		}
		meta = rapid.Permutation(meta).Draw(t, "order")
		back, err := h.Join(meta, payload)
		if err != nil || !bytes.Equal(back, raw) {
			t.Fatalf("%x became %x, %v", raw, back, err)
		}
	})
}

func TestNoHeader(t *testing.T) {
	var h *Header
	if meta, p, err := h.Split([]byte{1}); len(meta) != 0 || len(p) != 1 || err != nil {
		t.Errorf("got %v %v %v", meta, p, err)
	}
	if raw, err := h.Join(nil, []byte{1}); !bytes.Equal(raw, []byte{1}) || err != nil {
		t.Errorf("got %v %v", raw, err)
	}
	if _, err := h.Join([]*p4v1.PacketMetadata{{MetadataId: 1}}, nil); CodeOf(err) != codes.InvalidArgument {
		t.Errorf("metadata without a header: %v", err)
	}
}

// Messages of a newer P4Runtime are understood where there is a meaning for them
// and refused otherwise.
func TestNewerFields(t *testing.T) {
	field := func(num protowire.Number, v []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, num, protowire.BytesType), v)
	}
	replica := func(unknown []byte) *p4v1.MulticastGroupEntry {
		r := &p4v1.Replica{Instance: 1}
		r.ProtoReflect().SetUnknown(unknown)
		return &p4v1.MulticastGroupEntry{MulticastGroupId: 1, Replicas: []*p4v1.Replica{r}}
	}
	for _, c := range []struct {
		what    string
		unknown []byte
		want    codes.Code
	}{
		{"port", field(3, []byte{0, 7}), codes.OK},
		{"port beyond its type", field(3, []byte{2, 0}), codes.InvalidArgument},
		{"backup replicas", field(4, nil), codes.Unimplemented},
		{"something else", field(9, nil), codes.Unimplemented},
		{"rubbish", []byte{0xff}, codes.InvalidArgument},
	} {
		g, err := DecodeMulticastGroup(p4v1.Update_INSERT, replica(c.unknown))
		if CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
		if c.want == codes.OK && g.Replicas[0] != (device.Replica{Port: 7, Instance: 1}) {
			t.Errorf("%s: %v", c.what, g)
		}
	}
	te := &p4v1.TableEntry{TableId: 1}
	u := &p4v1.Update{Entity: &p4v1.Entity{Entity: &p4v1.Entity_TableEntry{TableEntry: te}}}
	if err := CheckNewer(u); err != nil {
		t.Error(err)
	}
	te.ProtoReflect().SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, 13, protowire.VarintType), 1))
	if err := CheckNewer(u); CodeOf(err) != codes.InvalidArgument {
		t.Errorf("is_const: %v", err)
	}
	te.ProtoReflect().SetUnknown(field(50, nil))
	if err := CheckNewer(u); CodeOf(err) != codes.Unimplemented {
		t.Errorf("unknown field: %v", err)
	}
}

func TestCodes(t *testing.T) {
	for err, want := range map[error]codes.Code{
		nil:                  codes.OK,
		device.ErrNotFound:   codes.NotFound,
		device.ErrExists:     codes.AlreadyExists,
		device.ErrInvalid:    codes.InvalidArgument,
		device.ErrExhausted:  codes.ResourceExhausted,
		device.ErrInUse:      codes.FailedPrecondition,
		device.ErrConst:      codes.PermissionDenied,
		fmt.Errorf("others"): codes.Internal,
		fmt.Errorf("x: %w", Errorf(codes.OutOfRange, "y")): codes.OutOfRange,
	} {
		if err != nil {
			err = fmt.Errorf("wrapped: %w", err)
		}
		if got := CodeOf(err); got != want {
			t.Errorf("%v: %v, want %v", err, got, want)
		}
	}
}

// A digest whose type cannot be sent does not spoil the program, only its use.
func TestDigestTypes(t *testing.T) {
	bit := func(w int32) *p4configv1.P4DataTypeSpec {
		return &p4configv1.P4DataTypeSpec{TypeSpec: &p4configv1.P4DataTypeSpec_Bitstring{Bitstring: &p4configv1.P4BitstringLikeTypeSpec{TypeSpec: &p4configv1.P4BitstringLikeTypeSpec_Bit{Bit: &p4configv1.P4BitTypeSpec{Bitwidth: w}}}}}
	}
	info := &p4configv1.P4Info{
		TypeInfo: &p4configv1.P4TypeInfo{NewTypes: map[string]*p4configv1.P4NewTypeSpec{"port_t": {Representation: &p4configv1.P4NewTypeSpec_OriginalType{OriginalType: bit(9)}}}},
		Digests: []*p4configv1.Digest{
			{Preamble: &p4configv1.Preamble{Id: 1, Name: "scalar"}, TypeSpec: bit(9)},
			{Preamble: &p4configv1.Preamble{Id: 2, Name: "tuple"}, TypeSpec: &p4configv1.P4DataTypeSpec{TypeSpec: &p4configv1.P4DataTypeSpec_Tuple{Tuple: &p4configv1.P4TupleTypeSpec{Members: []*p4configv1.P4DataTypeSpec{
				bit(9), {TypeSpec: &p4configv1.P4DataTypeSpec_Bool{}}, {TypeSpec: &p4configv1.P4DataTypeSpec_NewType{NewType: &p4configv1.P4NamedType{Name: "port_t"}}},
			}}}}},
			{Preamble: &p4configv1.Preamble{Id: 3, Name: "strange"}, TypeSpec: &p4configv1.P4DataTypeSpec{TypeSpec: &p4configv1.P4DataTypeSpec_Header{Header: &p4configv1.P4NamedType{Name: "h"}}}},
		},
	}
	s, err := New(info, []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	want := &p4v1.P4Data{Data: &p4v1.P4Data_Tuple{Tuple: &p4v1.P4StructLike{Members: []*p4v1.P4Data{
		{Data: &p4v1.P4Data_Bitstring{Bitstring: []byte{1, 0}}}, {Data: &p4v1.P4Data_Bool{Bool: true}}, {Data: &p4v1.P4Data_Bitstring{Bitstring: []byte{3}}},
	}}}}
	if got, err := s.Digests[1].Encode([][]byte{{1, 0}, {1}, {0, 3}}); err != nil || !proto.Equal(got, want) {
		t.Errorf("tuple: %v, %v", got, err)
	}
	if got, err := s.Digests[0].Encode([][]byte{{0, 5}}); err != nil || string(got.GetBitstring()) != "\x05" {
		t.Errorf("scalar: %v, %v", got, err)
	}
	if err := s.Digests[2].Usable(); CodeOf(err) != codes.Unimplemented {
		t.Errorf("header: %v", err)
	}
}

// Entries declared in a program may have value bits outside the mask; what is read
// must be writable.
func TestEncodeMasks(t *testing.T) {
	tab := &Table{Name: "t", Fields: []Field{{ID: 1, Name: "k", Width: 16, Match: p4configv1.MatchField_TERNARY, kind: device.Ternary}}}
	fm, err := tab.FieldMatches([]device.Match{{Kind: device.Ternary, Value: []byte{0x11, 0x11}, Mask: []byte{0, 0x0f}}})
	if err != nil {
		t.Fatal(err)
	}
	back, err := tab.Matches(fm)
	if err != nil || !bytes.Equal(back[0].Value, []byte{0, 1}) || !bytes.Equal(back[0].Mask, []byte{0, 0x0f}) {
		t.Errorf("got %v, %v", back, err)
	}
	if _, err := tab.FieldMatches(nil); err == nil {
		t.Error("a key of the wrong length")
	}
}

// Members of a value set come back as they were, whatever the widths.
func TestValueSetProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := &ValueSet{Name: "v", Size: 1}
		m := &p4v1.ValueSetMember{}
		n := new(big.Int) // the oracle: the fields as one number
		for i := range rapid.IntRange(1, 4).Draw(t, "fields") {
			w := rapid.IntRange(1, 20).Draw(t, "width")
			x := big.NewInt(int64(rapid.IntRange(0, 1<<w-1).Draw(t, "value")))
			v.Fields = append(v.Fields, Field{ID: uint32(i + 1), Width: w, Match: p4configv1.MatchField_EXACT, kind: device.Exact})
			m.Match = append(m.Match, &p4v1.FieldMatch{FieldId: uint32(i + 1), FieldMatchType: &p4v1.FieldMatch_Exact_{Exact: &p4v1.FieldMatch_Exact{Value: canonicalOf(x)}}})
			n.Lsh(n, uint(w)).Or(n, x)
		}
		got, err := v.DecodeMembers([]*p4v1.ValueSetMember{m})
		if err != nil || new(big.Int).SetBytes(got[0].Value).Cmp(n) != 0 || len(got[0].Value) != size(v.width()) {
			t.Fatalf("%v became %x, %v; want %x", m, got, err, n)
		}
		if back := v.EncodeMembers(got); !proto.Equal(back[0], m) {
			t.Fatalf("%v came back as %v", m, back[0])
		}
	})
}

// Value sets of the model hold values: other kinds of fields cannot be written.
func TestValueSetKinds(t *testing.T) {
	member := []*p4v1.ValueSetMember{{Match: []*p4v1.FieldMatch{{FieldId: 1, FieldMatchType: &p4v1.FieldMatch_Exact_{Exact: &p4v1.FieldMatch_Exact{Value: []byte{1}}}}}}}
	for kind, want := range map[p4configv1.MatchField_MatchType]codes.Code{
		p4configv1.MatchField_EXACT: codes.OK, p4configv1.MatchField_TERNARY: codes.Unimplemented, p4configv1.MatchField_RANGE: codes.Unimplemented,
		p4configv1.MatchField_LPM: codes.Unimplemented, p4configv1.MatchField_OPTIONAL: codes.Unimplemented,
	} {
		v := &ValueSet{Name: "v", Size: 4, Fields: []Field{{ID: 1, Name: "f", Width: 8, Match: kind}}}
		if _, err := v.DecodeMembers(member); CodeOf(err) != want {
			t.Errorf("%v: %v, want %v", kind, err, want)
		}
	}
}
