package p4rt

import (
	"encoding/json"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	p4configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/telltale-net/telltale/bmv2/p4rt/entity"
	"github.com/telltale-net/telltale/bmv2/p4rt/p4rttest"
)

// bendMessage changes one thing somewhere in m.
func bendMessage(d *dice, m protoreflect.Message) {
	var set []protoreflect.FieldDescriptor
	m.Range(func(f protoreflect.FieldDescriptor, _ protoreflect.Value) bool { set = append(set, f); return true })
	if len(set) == 0 {
		return
	}
	slices.SortFunc(set, func(a, b protoreflect.FieldDescriptor) int { return int(a.Number() - b.Number()) })
	f := set[d.n(len(set))]
	switch {
	case d.n(16) == 15:
		m.Clear(f)
	case f.IsMap():
	case f.IsList():
		l := m.Mutable(f).List()
		i := d.n(l.Len())
		switch {
		case d.n(8) == 7:
			l.Append(l.Get(i))
		case f.Message() != nil:
			bendMessage(d, l.Get(i).Message())
		default:
			l.Set(i, bendScalar(d, f, l.Get(i)))
		}
	case f.Message() != nil:
		bendMessage(d, m.Mutable(f).Message())
	default:
		m.Set(f, bendScalar(d, f, m.Get(f)))
	}
}

func bendScalar(d *dice, f protoreflect.FieldDescriptor, v protoreflect.Value) protoreflect.Value {
	switch f.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(!v.Bool())
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(pick(d, "", "routes", "acl", "forward", "ecmp", "x"))
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(d.n(8)))
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(pick(d, int32(0), -1, 1, 7, 9, math.MaxInt32))
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(pick(d, int64(0), -1, 1, 4, math.MaxInt64))
	case protoreflect.Uint32Kind:
		return protoreflect.ValueOfUint32(pick(d, uint32(0), 1, 2, 0x01000001, 0x02000002, 0x11000001, math.MaxUint32))
	}
	return v
}

// bendJSON changes one thing somewhere in v.
func bendJSON(d *dice, v any) any {
	switch x := v.(type) {
	case map[string]any:
		if len(x) == 0 {
			break
		}
		k := slices.Sorted(maps.Keys(x))[d.n(len(x))]
		if d.n(16) == 15 {
			delete(x, k)
		} else {
			x[k] = bendJSON(d, x[k])
		}
		return x
	case []any:
		if len(x) == 0 {
			break
		}
		i := d.n(len(x))
		switch d.n(8) {
		case 6:
			return slices.Delete(x, i, i+1)
		case 7:
			return append(x, x[i])
		}
		x[i] = bendJSON(d, x[i])
		return x
	}
	return pick[any](d, 0.0, -1.0, 8.0, 1e18, "", "x", "routes", "ternary", nil, true, []any{}, map[string]any{})
}

// bend makes a P4Info and JSON out of the test program's, changed as data says.
func bend(tb testing.TB, data []byte) (*p4configv1.P4Info, []byte) {
	d := &dice{data}
	info := proto.Clone(streamInfo).(*p4configv1.P4Info)
	both := d.n(2) == 0 // the JSON is made from the changed P4Info, so that they agree
	changes := 1 + d.n(3)
	for range changes {
		if both || d.n(2) == 0 {
			bendMessage(d, info.ProtoReflect())
		}
	}
	config := streamConfig
	if both {
		config = p4rttest.JSON(info)
	}
	if !both || d.n(4) == 3 {
		var v any
		if err := json.Unmarshal(config, &v); err != nil {
			tb.Fatal(err)
		}
		for range changes {
			v = bendJSON(d, v)
		}
		var err error
		if config, err = json.Marshal(v); err != nil {
			tb.Fatal(err)
		}
	}
	return info, config
}

// tryPipeline says whether a pipeline is taken. One that is not is INVALID_ARGUMENT;
// one that is can be written and read.
func tryPipeline(tb testing.TB, info *p4configv1.P4Info, config []byte) bool {
	schema, err := entity.New(info, config)
	if err != nil {
		if entity.CodeOf(err) != codes.InvalidArgument {
			tb.Fatalf("code %v of %v", entity.CodeOf(err), err)
		}
		return false
	}
	cells := 0
	for _, a := range slices.Concat(schema.Counters, schema.Meters, schema.Registers) {
		cells += a.Size
	}
	if cells > 1000 {
		return true
	}
	s := newStore(schema, p4rttest.New(info))
	rng := rand.New(rand.NewPCG(uint64(len(config)), 4))
	errs, _ := s.writeEach(randomUpdates(rng, 8))
	for _, err := range errs {
		if entity.CodeOf(err) == codes.Internal {
			tb.Fatal(err)
		}
	}
	for _, q := range wildcards(info) {
		_ = s.read(q, func(*p4v1.Entity) {})
	}
	return true
}

// FuzzPipeline: the test program, changed in a few places in P4Info or JSON or both,
// is refused or usable. The bytes choose the changes, which gets further than bytes
// that are the program.
func FuzzPipeline(f *testing.F) {
	for seed := range uint64(16) {
		f.Add(randomBytes(seed, 24))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		info, config := bend(t, data)
		tryPipeline(t, info, config)
	})
}

// FuzzPipelineBytes: the same for bytes that are no program at all.
func FuzzPipelineBytes(f *testing.F) {
	f.Add([]byte(nil), []byte(`{}`))
	f.Add([]byte("\x0a\x00"), []byte(`{"pipelines":[{"tables":[{"name":"t","key":[{"match_type":"exact","target":["h","f"]}]}]}]}`))
	f.Fuzz(func(t *testing.T, p4info, config []byte) {
		var info p4configv1.P4Info
		if proto.Unmarshal(p4info, &info) == nil {
			tryPipeline(t, &info, config)
		}
	})
}

// Some changes are taken and some are not, or there is nothing to learn from them.
func TestBentPipelines(t *testing.T) {
	taken := 0
	const tries = 2000
	for seed := range uint64(tries) {
		info, config := bend(t, randomBytes(seed, 24))
		if tryPipeline(t, info, config) {
			taken++
		}
	}
	if taken < tries/10 || taken > tries*9/10 {
		t.Errorf("%d of %d changed pipelines were taken", taken, tries)
	}
}
