package gnmi

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/openconfig/gnmi/proto/gnmi"
	"github.com/openconfig/gnmic/pkg/api"
	"google.golang.org/grpc/codes"
)

func TestCapabilities(t *testing.T) {
	b := newBed(t, Config{})
	r, err := b.client.Capabilities(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if r.GNMIVersion != Version || !slices.Contains(r.SupportedEncodings, gnmi.Encoding_PROTO) || !slices.Contains(r.SupportedEncodings, gnmi.Encoding_JSON_IETF) {
		t.Errorf("got version %q, encodings %v", r.GNMIVersion, r.SupportedEncodings)
	}
	if !slices.ContainsFunc(r.SupportedModels, func(m *gnmi.ModelData) bool { return m.Name == "telltale" && m.Version != "" }) {
		t.Errorf("got models %v, want telltale among them", r.SupportedModels)
	}
}

func (b *bed) get(opts ...api.GNMIOption) (*gnmi.GetResponse, error) {
	b.t.Helper()
	req, err := api.NewGetRequest(opts...)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.client.Get(b.ctx, req)
}

func TestGetProto(t *testing.T) {
	b := newBed(t, Config{})
	r, err := b.get(api.Target("leaf1"), api.EncodingPROTO(), api.Path("/interfaces/interface[name=*]/state/counters/in-pkts"), api.Path("/qos"))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Notification) != 2 {
		t.Fatalf("got %d notifications, want one a path", len(r.Notification))
	}
	got := map[string]*gnmi.Update{}
	for _, n := range r.Notification {
		if n.Prefix.Target != "leaf1" || n.Timestamp != 1000 {
			t.Errorf("got prefix %v at %d, want target leaf1 at 1000", n.Prefix, n.Timestamp)
		}
		add(got, n)
	}
	for path, want := range map[string]uint64{
		"leaf1 openconfig:/interfaces/interface[name=eth0]/state/counters/in-pkts":                                      10,
		"leaf1 openconfig:/qos/interfaces/interface[interface-id=eth0]/output/queues/queue[name=0]/state/transmit-pkts": 7,
	} {
		if got[path].GetVal().GetUintVal() != want {
			t.Errorf("%s: got %v, want %d", path, got[path], want)
		}
	}
}

func TestGetJSONIETF(t *testing.T) {
	b := newBed(t, Config{})
	for _, c := range []struct{ target, path, want string }{
		{"leaf1", "/interfaces/interface[name=eth0]/state/counters/out-octets", `"1152921504606846976"`},
		{"leaf1", "/interfaces/interface[name=eth0]/state", `{"openconfig-interfaces:counters":{"in-pkts":"10","out-octets":"1152921504606846976"},"openconfig-interfaces:ifindex":1,"openconfig-interfaces:name":"eth0"}`},
		{"leaf2", "/interfaces", `{"openconfig-interfaces:interface":[{"name":"eth0","state":{"counters":{"in-pkts":"30"},"name":"eth0"}}]}`},
		{"leaf1", "/components", `{"openconfig-platform:component":[{"integrated-circuit":{"openconfig-platform-pipeline-counters:pipeline-counters":{"drop":{"lookup-block":{"counters":{"counter":[{"name":"acl-deny","state":{"count":"5","name":"acl-deny"}}]},"state":{"acl-drops":"5","lookup-aggregate":"5"}}}}},"name":"pipeline","state":{"name":"pipeline"}}]}`},
		{"", "telltale:/findings/finding[id=a]/state/confidence", `"0.875"`},
		{"", "telltale:/findings/finding[id=a]/state/evidence", `["one","two"]`},
		{"", "telltale:/findings/finding[id=a]/state/port", `1`},
	} {
		opts := []api.GNMIOption{api.EncodingJSON_IETF(), api.Path(c.path)}
		if c.target != "" {
			opts = append(opts, api.Target(c.target))
		}
		r, err := b.get(opts...)
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		got := string(r.Notification[0].Update[0].Val.GetJsonIetfVal())
		if got != c.want || !json.Valid([]byte(got)) {
			t.Errorf("%s: got\n%s\nwant\n%s", c.path, got, c.want)
		}
	}
}

func TestGetTypes(t *testing.T) {
	b := newBed(t, Config{})
	for _, c := range []struct {
		typ  string
		want int
	}{{"STATE", 1}, {"ALL", 1}, {"CONFIG", 0}, {"OPERATIONAL", 1}} {
		r, err := b.get(api.Target("leaf1"), api.EncodingPROTO(), api.DataType(c.typ), api.Path(inPkts))
		if err != nil {
			t.Errorf("%s: %v", c.typ, err)
		} else if got := len(r.Notification[0].Update); got != c.want {
			t.Errorf("%s: got %d updates, want %d", c.typ, got, c.want)
		}
	}
}

func TestGetWildcards(t *testing.T) {
	b := newBed(t, Config{})
	for _, c := range []struct {
		target, path string
		want         int
	}{
		{"*", inPkts, 2},
		{"leaf1", "/interfaces/interface/state/counters/in-pkts", 2},
		{"leaf1", "/interfaces/*/state/counters/in-pkts", 2},
		{"leaf1", "/interfaces/.../in-pkts", 2},
		{"leaf1", "/.../in-pkts", 2},
		{"leaf1", "/.../state/.../in-pkts", 2},
		{"leaf1", "/interfaces/interface[name=eth1]/...", 2},
		{"telltale", "telltale:/findings/finding[id=*]/state/kind", 1},
	} {
		r, err := b.get(api.Target(c.target), api.EncodingPROTO(), api.Path(c.path))
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		got := 0
		for _, n := range r.Notification {
			got += len(n.Update)
		}
		if got != c.want {
			t.Errorf("%s %s: got %d updates, want %d: %v", c.target, c.path, got, c.want, r)
		}
	}
}

func TestGetErrors(t *testing.T) {
	b := newBed(t, Config{})
	elem := func(names ...string) []*gnmi.PathElem {
		var all []*gnmi.PathElem
		for _, n := range names {
			all = append(all, &gnmi.PathElem{Name: n})
		}
		return all
	}
	leaf1 := &gnmi.Path{Target: "leaf1"}
	ok := []*gnmi.Path{{Elem: elem("interfaces")}}
	for name, c := range map[string]struct {
		req  *gnmi.GetRequest
		want codes.Code
	}{
		"absent":           {&gnmi.GetRequest{Prefix: leaf1, Path: []*gnmi.Path{{Elem: []*gnmi.PathElem{{Name: "interfaces"}, {Name: "interface", Key: map[string]string{"name": "eth9"}}}}}}, codes.NotFound},
		"unknown target":   {&gnmi.GetRequest{Prefix: &gnmi.Path{Target: "leaf9"}, Path: ok}, codes.NotFound},
		"not in schema":    {&gnmi.GetRequest{Prefix: leaf1, Path: []*gnmi.Path{{Elem: elem("system")}}}, codes.Unimplemented},
		"unknown origin":   {&gnmi.GetRequest{Prefix: leaf1, Path: []*gnmi.Path{{Origin: "cli", Elem: elem("interfaces")}}}, codes.Unimplemented},
		"empty name":       {&gnmi.GetRequest{Prefix: leaf1, Path: []*gnmi.Path{{Elem: elem("")}}}, codes.InvalidArgument},
		"wrong key":        {&gnmi.GetRequest{Prefix: leaf1, Path: []*gnmi.Path{{Elem: []*gnmi.PathElem{{Name: "interfaces"}, {Name: "interface", Key: map[string]string{"id": "1"}}}}}}, codes.InvalidArgument},
		"origin twice":     {&gnmi.GetRequest{Prefix: &gnmi.Path{Target: "leaf1", Origin: "openconfig"}, Path: []*gnmi.Path{{Origin: "openconfig", Elem: elem("interfaces")}}}, codes.InvalidArgument},
		"origin behind":    {&gnmi.GetRequest{Prefix: &gnmi.Path{Target: "leaf1", Elem: elem("interfaces")}, Path: []*gnmi.Path{{Origin: "openconfig"}}}, codes.InvalidArgument},
		"old form":         {&gnmi.GetRequest{Prefix: leaf1, Path: []*gnmi.Path{{Element: []string{"interfaces"}}}}, codes.InvalidArgument},
		"deep":             {&gnmi.GetRequest{Prefix: leaf1, Path: []*gnmi.Path{{Elem: elem("...", "*", "...", "*", "...", "*", "...", "*", "...")}}}, codes.InvalidArgument},
		"long":             {&gnmi.GetRequest{Prefix: leaf1, Path: []*gnmi.Path{{Elem: elem(strings.Split(strings.Repeat("*/", 40)+"*", "/")...)}}}, codes.InvalidArgument},
		"encoding":         {&gnmi.GetRequest{Prefix: leaf1, Path: ok, Encoding: gnmi.Encoding_ASCII}, codes.Unimplemented},
		"data type":        {&gnmi.GetRequest{Prefix: leaf1, Path: ok, Type: 9}, codes.InvalidArgument},
		"no path":          {&gnmi.GetRequest{Prefix: leaf1}, codes.InvalidArgument},
		"model":            {&gnmi.GetRequest{Prefix: leaf1, Path: ok, UseModels: []*gnmi.ModelData{{Name: "none"}}}, codes.InvalidArgument},
		"target in a path": {&gnmi.GetRequest{Path: []*gnmi.Path{{Target: "leaf1", Elem: elem("interfaces")}}}, codes.InvalidArgument},
		"fine":             {&gnmi.GetRequest{Prefix: leaf1, Path: ok}, codes.OK},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := b.client.Get(b.ctx, c.req)
			wantCode(t, err, c.want)
		})
	}
	_, err := b.client.Set(b.ctx, &gnmi.SetRequest{})
	wantCode(t, err, codes.Unimplemented)
}
