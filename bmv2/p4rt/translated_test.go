package p4rt

import (
	"bytes"
	"maps"
	"os"
	"strconv"
	"strings"
	"testing"

	p4configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/p4rt/entity"
	"github.com/telltale-net/telltale/bmv2/p4rt/p4rttest"
)

// translated is testdata/translated.p4 on the model.
func translated(t *testing.T) *store {
	t.Helper()
	text, err := os.ReadFile("testdata/translated.p4info.txtpb")
	if err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile("testdata/translated.json")
	if err != nil {
		t.Fatal(err)
	}
	return engineStore(t, text, config)
}

func readAll(t *testing.T, s *store, query string) (out []*p4v1.Entity) {
	t.Helper()
	q := &p4v1.Entity{}
	if err := prototext.Unmarshal([]byte(query), q); err != nil {
		t.Fatal(err)
	}
	if err := s.read(q, func(e *p4v1.Entity) { out = append(out, e) }); err != nil {
		t.Fatal(err)
	}
	return out
}

// Numbers of the controller are those of the switch, whatever the widths, and
// strings are decimal.
func TestTranslated(t *testing.T) {
	const send = `action { action { action_id: 29795013 params { param_id: 1 value: "\001\000" } params { param_id: 2 value: "99" } params { param_id: 3 value: "\377\000\000\001" } } }`
	s := translated(t)
	for _, c := range []struct {
		what, entity string
		want         codes.Code
	}{
		{"exact and optional", `table_id: 44264526 match { field_id: 1 exact { value: "\003" } } match { field_id: 2 optional { value: "127" } } priority: 1 ` + send, codes.OK},
		{"beyond the controller's type", `table_id: 44264526 match { field_id: 1 exact { value: "\003\000\000\000\000" } } priority: 2 ` + send, codes.InvalidArgument},
		{"string beyond the device's type", `table_id: 44264526 match { field_id: 1 exact { value: "\003" } } match { field_id: 2 optional { value: "128" } } priority: 1 ` + send, codes.InvalidArgument},
		{"string of another form", `table_id: 44264526 match { field_id: 1 exact { value: "\003" } } match { field_id: 2 optional { value: "07" } } priority: 1 ` + send, codes.InvalidArgument},
		{"empty string", `table_id: 44264526 match { field_id: 1 exact { value: "\003" } } match { field_id: 2 optional { value: "" } } priority: 1 ` + send, codes.InvalidArgument},
		{"beyond the device's type", `table_id: 44264526 match { field_id: 1 exact { value: "\004" } } priority: 3 ` + strings.Replace(send, `\001\000`, `\002\000`, 1), codes.InvalidArgument},
		{"whole prefix", `table_id: 38165049 match { field_id: 1 lpm { value: "\012\000\000\001" prefix_len: 32 } } ` + send, codes.OK},
		{"part of a prefix", `table_id: 38165049 match { field_id: 1 lpm { value: "\012\000\000\000" prefix_len: 24 } } ` + send, codes.InvalidArgument},
		{"prefix of the device's width", `table_id: 38165049 match { field_id: 1 lpm { value: "\012\000\000\000" prefix_len: 48 } } ` + send, codes.InvalidArgument},
		{"no prefix", `table_id: 38165049 ` + send, codes.OK},
		{"whole mask, range of one", `table_id: 43534882 match { field_id: 1 ternary { value: "\007" mask: "\377\377\377\377" } } match { field_id: 2 range { low: "\001\003" high: "\001\003" } } priority: 9 ` + send, codes.OK},
		{"part of a mask", `table_id: 43534882 match { field_id: 1 ternary { value: "\007" mask: "\377" } } priority: 9 ` + send, codes.InvalidArgument},
		{"range of two", `table_id: 43534882 match { field_id: 2 range { low: "\001\003" high: "\001\004" } } priority: 9 ` + send, codes.InvalidArgument},
	} {
		te := &p4v1.TableEntry{}
		if err := prototext.Unmarshal([]byte(c.entity), te); err != nil {
			t.Fatal(err)
		}
		e := &p4v1.Entity{Entity: &p4v1.Entity_TableEntry{TableEntry: te}}
		_, err := s.apply(&p4v1.Update{Type: p4v1.Update_INSERT, Entity: e}, noUndo)
		if entity.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
		if c.want != codes.OK {
			continue
		}
		got := readAll(t, s, `table_entry { table_id: `+strings.Fields(c.entity)[1]+` }`)
		if len(got) == 0 || !proto.Equal(got[len(got)-1], e) {
			t.Errorf("%s: reads as %v, want %v", c.what, got, e)
		}
	}
	es, err := s.dev.Entries("I.stations")
	if err != nil || len(es) != 1 || !bytes.Equal(es[0].Matches[0].Value, []byte{0, 0, 0, 0, 0, 3}) || !bytes.Equal(es[0].Matches[1].Value, []byte{127}) ||
		!bytes.Equal(es[0].Target.Action.Args[0], []byte{1, 0}) || !bytes.Equal(es[0].Target.Action.Args[2], []byte{0, 0, 0xff, 0, 0, 1}) {
		t.Errorf("the device has %+v, %v", es, err)
	}

	// packet_out { bit<9> port; bit<7> queue; bit<48> source }
	raw, err := s.schema.PacketOut.Join([]*p4v1.PacketMetadata{
		{MetadataId: 1, Value: []byte{5}}, {MetadataId: 2, Value: []byte("3")}, {MetadataId: 3, Value: []byte{0xaa, 0, 0, 1}},
	}, []byte{9})
	if want := []byte{2, 0x83, 0, 0, 0xaa, 0, 0, 1, 9}; err != nil || !bytes.Equal(raw, want) {
		t.Errorf("packet-out %x, %v; want %x", raw, err, want)
	}
	// packet_in { bit<48> source; bit<7> queue; bit<9> port }, the source too wide for its type.
	meta, payload, err := s.schema.PacketIn.Split([]byte{1, 2, 3, 4, 5, 6, 3<<1 | 1, 4, 9})
	if err != nil || !bytes.Equal(meta[0].GetValue(), []byte{1, 2, 3, 4, 5, 6}) || string(meta[1].GetValue()) != "3" || !bytes.Equal(meta[2].GetValue(), []byte{1, 4}) || len(payload) != 1 {
		t.Errorf("packet-in %v, %x, %v", meta, payload, err)
	}

	cell := &p4v1.Update{Type: p4v1.Update_MODIFY, Entity: &p4v1.Entity{}}
	if err := prototext.Unmarshal([]byte(`register_entry { register_id: 380918174 index { index: 2 } data { bitstring: "\012\000\000\001" } }`), cell.Entity); err != nil {
		t.Fatal(err)
	}
	if _, err := s.apply(cell, noUndo); err != nil {
		t.Fatal(err)
	}
	if got := readAll(t, s, `register_entry { register_id: 380918174 index { index: 2 } }`); len(got) != 1 || !proto.Equal(got[0], cell.Entity) {
		t.Errorf("register: %v, want %v", got, cell.Entity)
	}
	if err := s.schema.Digests[0].Usable(); err != nil {
		t.Error(err)
	}

	// What cannot be translated is refused by name.
	for _, c := range []struct {
		says []string
		bend func(*p4configv1.P4Info)
	}{
		{[]string{"I.last", "queue_t", "string"}, func(i *p4configv1.P4Info) { i.Registers[0].TypeSpec.GetNewType().Name = "queue_t" }},
		{[]string{"I.prefixes", "h.eth.src", "queue_t", "LPM"}, func(i *p4configv1.P4Info) {
			f := i.Tables[1].MatchFields[0]
			f.TypeName.Name, f.Bitwidth = "queue_t", 0
		}},
		{[]string{"I.prefixes", "h.eth.src", "48", "32"}, func(i *p4configv1.P4Info) { i.Tables[1].MatchFields[0].Bitwidth = 48 }},
		{[]string{"packet_in", "header type"}, func(i *p4configv1.P4Info) { i.ControllerPacketMetadata[1].Metadata[0].Name = "sender" }},
	} {
		info := proto.Clone(s.schema.Info()).(*p4configv1.P4Info)
		c.bend(info)
		config, err := os.ReadFile("testdata/translated.json")
		if err != nil {
			t.Fatal(err)
		}
		_, err = entity.New(info, config)
		for _, word := range c.says {
			if err == nil || !strings.Contains(err.Error(), word) {
				t.Errorf("%v does not say %q", err, word)
			}
		}
	}
}

// The device does not know a profile that no table uses; it can be filled all the same.
func TestUnusedProfile(t *testing.T) {
	s := translated(t)
	const member = `action_profile_member { action_profile_id: 291860212 member_id: %ID action { action_id: 23866358 } }`
	const group = `action_profile_group { action_profile_id: 291860212 group_id: 1 members { member_id: 1 weight: 2 } %MORE }`
	write := func(op p4v1.Update_Type, text string) codes.Code {
		u := &p4v1.Update{Type: op, Entity: &p4v1.Entity{}}
		if err := prototext.Unmarshal([]byte(text), u.Entity); err != nil {
			t.Fatal(err)
		}
		_, err := s.apply(u, noUndo)
		return entity.CodeOf(err)
	}
	id := func(n string) string { return strings.Replace(member, "%ID", n, 1) }
	more := func(m string) string { return strings.Replace(group, "%MORE", m, 1) }
	for i, c := range []struct {
		op   p4v1.Update_Type
		text string
		want codes.Code
	}{
		{p4v1.Update_MODIFY, id("1"), codes.NotFound},
		{p4v1.Update_INSERT, id("1"), codes.OK},
		{p4v1.Update_INSERT, id("1"), codes.AlreadyExists},
		{p4v1.Update_MODIFY, id("1"), codes.OK},
		{p4v1.Update_MODIFY, more(""), codes.NotFound},
		{p4v1.Update_INSERT, more("members { member_id: 2 weight: 1 }"), codes.NotFound},
		{p4v1.Update_INSERT, more(""), codes.OK},
		{p4v1.Update_INSERT, more(""), codes.AlreadyExists},
		{p4v1.Update_INSERT, id("2"), codes.OK},
		{p4v1.Update_MODIFY, more("members { member_id: 2 weight: 15 }"), codes.ResourceExhausted},
		{p4v1.Update_MODIFY, more("members { member_id: 2 weight: 14 }"), codes.OK},
		{p4v1.Update_DELETE, id("2"), codes.FailedPrecondition},
		{p4v1.Update_DELETE, id("3"), codes.NotFound},
	} {
		if got := write(c.op, c.text); got != c.want {
			t.Errorf("step %d, %v of %s: %v, want %v", i, c.op, c.text, got, c.want)
		}
	}
	if ms, gs := readAll(t, s, `action_profile_member {}`), readAll(t, s, `action_profile_group {}`); len(ms) != 2 || len(gs) != 1 {
		t.Errorf("%d members and %d groups, want 2 and 1", len(ms), len(gs))
	}
	if got := write(p4v1.Update_DELETE, more("")); got != codes.OK {
		t.Error(got)
	}
	if got := write(p4v1.Update_DELETE, id("2")); got != codes.OK {
		t.Error(got)
	}
	for i := range 16 {
		want := codes.OK
		if i == 15 { // the first is still there
			want = codes.ResourceExhausted
		}
		if got := write(p4v1.Update_INSERT, id(strconv.Itoa(100+i))); got != want {
			t.Errorf("member %d: %v, want %v", i, got, want)
		}
	}
}

// The counter of an entry that both programs declare is carried over.
func TestReconcileConst(t *testing.T) {
	info := p4rttest.Info()
	schema, err := entity.New(info, p4rttest.JSON(info))
	if err != nil {
		t.Fatal(err)
	}
	load := func(declared ...byte) *store {
		dev := p4rttest.New(info)
		for _, kind := range declared {
			dev.Declare("fixed", device.Entry{
				Matches: []device.Match{{Kind: device.Exact, Value: []byte{kind}}},
				Target:  device.Target{Action: &device.Action{Name: "drop"}}, Const: true,
			})
		}
		return newStore(schema, dev)
	}
	from, to := load(1, 2), load(1, 3)
	for _, kind := range []string{`\001`, `\002`} {
		u := &p4v1.Update{}
		if err := prototext.Unmarshal([]byte(`type: MODIFY entity { table_entry { table_id: 0x02000005
			match { field_id: 1 exact { value: "`+kind+`" } } counter_data { packet_count: 7 } } }`), u); err != nil {
			t.Fatal(err)
		}
		if _, err := from.apply(u, noUndo); err != nil {
			t.Fatal(err)
		}
	}
	if err := from.copyTo(to); err != nil {
		t.Fatal(err)
	}
	counts := map[byte]int64{}
	for _, e := range readAll(t, to, `table_entry { counter_data {} }`) {
		counts[e.GetTableEntry().GetMatch()[0].GetExact().GetValue()[0]] = e.GetTableEntry().GetCounterData().GetPacketCount()
	}
	if want := map[byte]int64{1: 7, 3: 0}; !maps.Equal(counts, want) {
		t.Errorf("counters of entries %v, want %v", counts, want)
	}
}
