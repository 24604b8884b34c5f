package gnmi

import (
	"context"
	"testing"

	"github.com/openconfig/gnmi/proto/gnmi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/telltale-net/telltale/collector/gnmi/model"
	"github.com/telltale-net/telltale/collector/gnmi/tree"
)

// FuzzRequests gives the server requests as they may arrive: it answers or refuses,
// with a code that says whose fault it is.
func FuzzRequests(f *testing.F) {
	for _, p := range []string{"interfaces", "...", "*", "none"} {
		path := &gnmi.Path{Target: "leaf1", Elem: []*gnmi.PathElem{{Name: p}, {Name: "interface", Key: map[string]string{"name": "*"}}}}
		for _, m := range []proto.Message{
			&gnmi.GetRequest{Prefix: &gnmi.Path{Target: "leaf1"}, Path: []*gnmi.Path{path}},
			&gnmi.SubscriptionList{Prefix: path, Subscription: []*gnmi.Subscription{{Path: &gnmi.Path{}, Mode: 2, SampleInterval: 1 << 40}}},
		} {
			seed, err := proto.Marshal(m)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(seed)
		}
	}
	t := tree.New(model.Schema(), limits)
	if err := t.Update(inPackets("eth0"), tree.Count(1), 1); err != nil {
		f.Fatal(err)
	}
	s, err := New(Config{}, t)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var errs []error
		var get gnmi.GetRequest
		if proto.Unmarshal(b, &get) == nil {
			_, err := s.Get(context.Background(), &get)
			errs = append(errs, err)
		}
		var list gnmi.SubscriptionList
		if proto.Unmarshal(b, &list) == nil {
			_, err := s.plan(&list)
			errs = append(errs, err)
		}
		for _, err := range errs {
			switch c := status.Code(err); c {
			case codes.OK, codes.InvalidArgument, codes.NotFound, codes.Unimplemented:
			default:
				t.Errorf("got %v: %v", c, err)
			}
		}
	})
}
