package intent

import (
	"slices"
	"strings"
	"testing"

	p4config "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/protobuf/proto"

	"github.com/telltale-net/telltale/p4src"
)

// TestSchemaRefuses changes one thing of a right P4Info at a time.
func TestSchemaRefuses(t *testing.T) {
	right := schemas(t)["vswitch"].P4Info()
	table := func(info *p4config.P4Info, name string) *p4config.Table {
		return info.Tables[slices.IndexFunc(info.Tables, func(t *p4config.Table) bool { return t.Preamble.Name == name })]
	}
	action := func(info *p4config.P4Info, name string) *p4config.Action {
		return info.Actions[slices.IndexFunc(info.Actions, func(a *p4config.Action) bool { return a.Preamble.Name == name })]
	}
	f := func(change func(*p4config.P4Info), want ...string) {
		t.Helper()
		info := proto.Clone(right).(*p4config.P4Info)
		change(info)
		s, err := NewSchema("vswitch", info)
		if err == nil || s != nil {
			t.Fatalf("got no error, want %q", want)
		}
		if got := strings.Split(err.Error(), "\n"); !slices.Equal(got, want) {
			t.Fatalf("got\n%q\nwant\n%q", got, want)
		}
	}
	f(func(i *p4config.P4Info) { table(i, "mtu").Preamble = nil },
		"program vswitch: table mtu: it is not in the P4Info")
	f(func(i *p4config.P4Info) { table(i, "routes").MatchFields[0].Bitwidth = 24 },
		"program vswitch: table routes: key ipv4_dst: got 24 bits, want 32")
	f(func(i *p4config.P4Info) {
		table(i, "routes").MatchFields[0].Match = &p4config.MatchField_MatchType_{MatchType: p4config.MatchField_EXACT}
	}, "program vswitch: table routes: key ipv4_dst: got match type EXACT, want LPM")
	f(func(i *p4config.P4Info) { table(i, "acl").MatchFields[1].Name = "stage" },
		"program vswitch: table acl: key direction: it is not in the P4Info",
		`program vswitch: table acl: key "stage": the P4Info has it, and no entry would set it`)
	f(func(i *p4config.P4Info) {
		action(i, "deny").Preamble.Name, action(i, "deny").Preamble.Alias = "refuse", ""
	},
		"program vswitch: table acl: action deny: it is not in the P4Info")
	f(func(i *p4config.P4Info) { table(i, "overlay").ActionRefs = table(i, "overlay").ActionRefs[:1] },
		"program vswitch: table overlay: action remote: the table does not have it")
	f(func(i *p4config.P4Info) { action(i, "forward").Params[1].Bitwidth = 32 },
		"program vswitch: action forward: parameter smac: got 32 bits, want 48")
	f(func(i *p4config.P4Info) { action(i, "forward").Params[2].Name = "mac" },
		"program vswitch: action forward: parameter dmac: it is not in the P4Info")
	f(func(i *p4config.P4Info) {
		a := action(i, "source_ok")
		a.Params = append(a.Params, &p4config.Action_Param{Id: 1, Name: "x", Bitwidth: 1})
	}, "program vswitch: action source_ok: got 1 parameters, want 0")
	f(func(i *p4config.P4Info) { i.ActionProfiles = nil },
		"program vswitch: action profile ecmp: it is not in the P4Info")
	f(func(i *p4config.P4Info) { i.ActionProfiles[0].WithSelector = false },
		"program vswitch: action profile ecmp: it has no selector")
	f(func(i *p4config.P4Info) { table(i, "nexthops").ImplementationId = 0 },
		"program vswitch: table nexthops: got implementation 0x0, want action profile ecmp (0x11000101)")
	f(func(i *p4config.P4Info) { table(i, "overlay").ImplementationId = 0x11000101 },
		"program vswitch: table overlay: got implementation 0x11000101, want none")

	if _, err := NewSchema("vswitch", nil); err == nil || strings.Count(err.Error(), "\n") != len(contract)-1 {
		t.Fatalf("got error %v, want one line for each of %d tables", err, len(contract))
	}
	if _, err := NewSchema("gateway", right); err == nil || err.Error() != `unknown program "gateway", want fabric or vswitch` {
		t.Fatalf("got error %v", err)
	}
	if _, err := ParseSchema("fabric", []byte("tables {")); err == nil || !strings.Contains(err.Error(), "program fabric: cannot read its P4Info") {
		t.Fatalf("got error %v", err)
	}
	if _, err := ParseSchema("vswitch", p4src.Fabric.P4Info); err == nil || !strings.Contains(err.Error(), "table overlay: it is not in the P4Info") {
		t.Fatalf("got error %v", err)
	}
}

// TestTextIsTotal: what does not fit the schema is shown all the same.
func TestTextIsTotal(t *testing.T) {
	s := schemas(t)["vswitch"]
	f := func(e *p4v1.Entity, want string) {
		t.Helper()
		if got := s.Text(e); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
	entry := func(e *p4v1.TableEntry) *p4v1.Entity {
		return &p4v1.Entity{Entity: &p4v1.Entity_TableEntry{TableEntry: e}}
	}
	acl, src := s.tables["acl"].id, s.tables["acl"].keys["src"]
	ternary := func(field uint32, value, mask []byte) []*p4v1.FieldMatch {
		return []*p4v1.FieldMatch{{FieldId: field, FieldMatchType: &p4v1.FieldMatch_Ternary_{Ternary: &p4v1.FieldMatch_Ternary{Value: value, Mask: mask}}}}
	}
	f(nil, "<nil>")
	f(&p4v1.Entity{}, "")
	f(entry(nil), "table 0x0: any → nothing")
	f(entry(&p4v1.TableEntry{TableId: 9, Match: ternary(3, []byte{1}, []byte{1})}), "table 0x9: 0x3=1&&&0x01 → nothing")
	f(entry(&p4v1.TableEntry{TableId: acl, Match: ternary(src, []byte{10, 0, 0, 1}, []byte{0xff, 0, 0, 0xff})}), "table acl: src=10.0.0.1&&&0xff0000ff → nothing")
	f(entry(&p4v1.TableEntry{TableId: acl, Match: ternary(src, []byte{1, 2, 3, 4, 5}, []byte{1, 0, 0, 0, 0})}), "table acl: src=4328719365&&&0x0100000000 → nothing")
	f(entry(&p4v1.TableEntry{TableId: acl, Action: direct(&p4v1.Action{ActionId: 7, Params: []*p4v1.Action_Param{{ParamId: 1, Value: []byte{1, 0}}}})}), "table acl: any → 0x7(0x1=256)")
	f(&p4v1.Entity{Entity: &p4v1.Entity_ActionProfileMember{}}, "profile 0x0: member 0 → 0x0()")
	f(&p4v1.Entity{Entity: &p4v1.Entity_ActionProfileGroup{ActionProfileGroup: &p4v1.ActionProfileGroup{
		ActionProfileId: 0x11000101, GroupId: 5, Members: []*p4v1.ActionProfileGroup_Member{{MemberId: 2, Weight: 3}},
	}}}, "profile ecmp: group 5 → member 2 ×3")
	f(&p4v1.Entity{Entity: &p4v1.Entity_ActionProfileGroup{}}, "profile 0x0: group 0 → nothing")
}

// FuzzText: any entity that can arrive has a text.
func FuzzText(f *testing.F) {
	ss := schemas(f)
	ix := demo(f)
	for _, node := range []string{"spine1", "leaf1", "vs1"} {
		n, _ := ix.Node(node)
		entities, err := For(ix, node, DefaultSettings(), ss[n.Program])
		if err != nil {
			f.Fatal(err)
		}
		for _, e := range entities {
			data, err := proto.Marshal(e)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e := new(p4v1.Entity)
		if proto.Unmarshal(data, e) == nil {
			ss["vswitch"].Text(e)
			ss["fabric"].Text(e)
		}
	})
}

// FuzzParseSchema: any P4Info gives a schema or an error.
func FuzzParseSchema(f *testing.F) {
	f.Add(string(p4src.Fabric.P4Info))
	f.Add(string(p4src.VSwitch.P4Info))
	f.Fuzz(func(t *testing.T, data string) {
		for _, program := range []string{"fabric", "vswitch"} {
			if s, err := ParseSchema(program, []byte(data)); (s == nil) == (err == nil) {
				t.Fatalf("got schema %v and error %v", s, err)
			}
		}
	})
}
