package client

import (
	"maps"
	"slices"
	"testing"

	proto "github.com/openconfig/gnmi/proto/gnmi"
	goproto "google.golang.org/protobuf/proto"

	"github.com/telltale-net/telltale/collector/gnmi/model"
	"github.com/telltale-net/telltale/collector/gnmi/tree"
)

// decode returns the leaves that a notification sets, and how many values it could not
// use.
func decode(n *proto.Notification) (map[string]string, uint64) {
	d := decoder{schema: model.Schema()}
	c := d.read(n)
	out := map[string]string{}
	for i := range c.sets {
		out[tree.Path{Elems: c.sets[i].elems}.String()] = c.sets[i].value.String()
	}
	return out, d.unknown
}

func path(names ...string) *proto.Path {
	p := &proto.Path{}
	for _, n := range names {
		p.Elem = append(p.Elem, &proto.PathElem{Name: n})
	}
	return p
}

func jsonIETF(text string) *proto.TypedValue {
	return &proto.TypedValue{Value: &proto.TypedValue_JsonIetfVal{JsonIetfVal: []byte(text)}}
}

func TestDecodeJSON(t *testing.T) {
	f := func(text string, unknown uint64, want map[string]string) {
		t.Helper()
		got, bad := decode(&proto.Notification{Update: []*proto.Update{{Path: path("qos"), Val: jsonIETF(text)}}})
		if !maps.Equal(got, want) || bad != unknown {
			t.Errorf("%s: got %v and %d unknown, want %v and %d", text, got, bad, want, unknown)
		}
	}
	const q = "/qos/interfaces/interface[interface-id=e]/output/queues/queue[name=3]/state/"
	wrap := func(state string) string {
		return `{"openconfig-qos:interfaces":{"interface":[{"interface-id":"e","output":{"queues":{"queue":[{"name":"3","state":` + state + `}]}}}]}}`
	}
	f(wrap(`{"transmit-pkts":"7","avg-queue-len":8}`), 0, map[string]string{q + "transmit-pkts": "7", q + "avg-queue-len": "8"})
	f(wrap(`{"transmit-pkts":"18446744073709551616"}`), 1, map[string]string{})
	f(wrap(`{"transmit-pkts":-1}`), 1, map[string]string{})
	f(wrap(`{"transmit-pkts":1.5}`), 1, map[string]string{})
	f(wrap(`{"transmit-pkts":null,"none":[1,{}],"other":true}`), 4, map[string]string{})
	f(`{"interfaces":{"interface":[{"output":1},2]}}`, 2, map[string]string{})
	f(`{"interfaces"`, 1, map[string]string{})
	f(`{} {}`, 1, map[string]string{})
}

func TestDecodeValues(t *testing.T) {
	counter := &proto.Path{Elem: []*proto.PathElem{{Name: "interfaces"}, {Name: "oc:interface", Key: map[string]string{"name": "e"}}, {Name: "state"}, {Name: "counters"}, {Name: "in-pkts"}}}
	any := &proto.Path{Elem: slices.Clone(counter.Elem)}
	any.Elem[1] = &proto.PathElem{Name: "interface", Key: map[string]string{"name": "*"}}
	index := &proto.Path{Elem: append(slices.Clone(counter.Elem[:3]), &proto.PathElem{Name: "ifindex"})}
	for _, c := range []struct {
		path *proto.Path
		v    *proto.TypedValue
		want string // "" = refused
	}{
		{counter, &proto.TypedValue{Value: &proto.TypedValue_UintVal{UintVal: 1 << 63}}, "9223372036854775808"},
		{counter, &proto.TypedValue{Value: &proto.TypedValue_IntVal{IntVal: 5}}, "5"},
		{counter, &proto.TypedValue{Value: &proto.TypedValue_IntVal{IntVal: -5}}, ""},
		{counter, &proto.TypedValue{Value: &proto.TypedValue_StringVal{StringVal: "5"}}, "5"},
		{counter, &proto.TypedValue{Value: &proto.TypedValue_DoubleVal{DoubleVal: 5}}, ""},
		{counter, nil, ""},
		{counter, jsonIETF(`"6"`), "6"},
		{any, jsonIETF(`"6"`), ""},
		{index, jsonIETF("4294967295"), "4294967295"},
		{index, jsonIETF("4294967296"), ""},
		{&proto.Path{Origin: "cli", Elem: counter.Elem}, jsonIETF("1"), ""},
		{&proto.Path{Element: []string{"interfaces"}}, jsonIETF("1"), ""}, //lint:ignore SA1019 the old form is refused
	} {
		got, unknown := decode(&proto.Notification{Update: []*proto.Update{{Path: c.path, Val: c.v}}})
		ok := len(got) == 1 && unknown == 0
		for _, v := range got {
			ok = ok && v == c.want
		}
		if c.want == "" {
			ok = len(got) == 0 && unknown == 1
		}
		if !ok {
			t.Errorf("%v = %v: got %v and %d unknown, want %q", c.path, c.v, got, unknown, c.want)
		}
	}
}

// Whatever a device sends, what is taken fits the schema, and nothing panics.
func FuzzDecode(f *testing.F) {
	add := func(n *proto.Notification) {
		b, err := goproto.Marshal(n)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	add(&proto.Notification{Prefix: path("interfaces"), Delete: []*proto.Path{path("...", "*")}, Atomic: true,
		Update: []*proto.Update{{Path: path("interface"), Val: jsonIETF(`{"name":"e","state":{"ifindex":3}}`)}}})
	add(&proto.Notification{Update: []*proto.Update{{Path: path(), Val: jsonIETF(`{"oc:interfaces":{"interface":[{"name":"e","state":{"counters":{"in-pkts":"3"}}}]}}`)}}})
	schema := model.Schema()
	f.Fuzz(func(t *testing.T, b []byte) {
		var n proto.Notification
		if goproto.Unmarshal(b, &n) != nil {
			return
		}
		d := decoder{schema: schema}
		c := d.read(&n)
		to := newTree()
		for i := range c.sets {
			l := &c.sets[i]
			if err := to.Update(tree.Path{Target: "d", Origin: origin, Elems: l.elems}, l.value, 1); err != nil {
				t.Fatalf("the tree refuses what was decoded: %v", err)
			}
		}
		for _, p := range c.deletes {
			to.Delete(tree.Path{Target: "d", Origin: origin, Elems: p}, 2)
		}
	})
}
