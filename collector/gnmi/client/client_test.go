package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/openconfig/gnmi/cache"
	proto "github.com/openconfig/gnmi/proto/gnmi"
	"github.com/openconfig/gnmi/subscribe"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/telltale-net/telltale/collector/gnmi"
	"github.com/telltale-net/telltale/collector/gnmi/model"
	"github.com/telltale-net/telltale/collector/gnmi/tree"
)

func TestMain(m *testing.M) {
	// OpenConfig's server brings the goroutine of its log.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/golang/glog.(*fileSink).flushDaemon"))
}

func newTree() *tree.Tree {
	return tree.New(model.Schema(), tree.Limits{Leaves: 10_000, Subscribers: 100, Backlog: 100_000})
}

// bench is a collector's tree and a client that fills it.
type bench struct {
	t      *testing.T
	tree   *tree.Tree
	client *Client
}

// ask starts a client that is in a hurry.
func ask(t *testing.T, c Config) *bench {
	t.Helper()
	c.Name, c.Sample, c.Retry, c.MaxRetry = "leaf1", 20*time.Millisecond, 5*time.Millisecond, 20*time.Millisecond
	if c.Refused == 0 {
		c.Refused = 30 * time.Millisecond
	}
	b := &bench{t: t, tree: newTree()}
	var err error
	if b.client, err = New(c, b.tree); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.client.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if n := b.tree.Leaves(); n != 0 {
			t.Errorf("%d leaves are left after the end", n)
		}
	})
	return b
}

// values returns what the tree holds of the device, by path.
func (b *bench) values() map[string]string {
	out := map[string]string{}
	for _, s := range b.tree.Select(tree.Path{Target: "leaf1", Origin: origin}) {
		out[tree.Path{Elems: s.Unit.Path.Elems}.String()] = s.Leaves[0].Value.String()
	}
	return out
}

// until waits until the tree holds these values ("" = nothing), and status is as wanted.
func (b *bench) until(want map[string]string, ok func(Status) bool) {
	b.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		got, missing := b.values(), ""
		for p, v := range want {
			if got[p] != v {
				missing += fmt.Sprintf("\n%s: got %q, want %q", p, got[p], v)
			}
		}
		s := b.client.Status()
		if missing == "" && (ok == nil || ok(s)) {
			return
		}
		if time.Now().After(end) {
			b.t.Fatalf("never so: %+v%s", s, missing)
		}
	}
}

// served is a gRPC server of a device.
type served struct {
	addr string
	stop func()
}

func serve(t *testing.T, addr string, s proto.GNMIServer) served {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer(grpc.WaitForHandlers(true))
	proto.RegisterGNMIServer(g, s)
	done := make(chan struct{})
	go func() { defer close(done); _ = g.Serve(l) }() // Stop is its end
	stop := func() { g.Stop(); <-done }
	t.Cleanup(stop)
	return served{l.Addr().String(), stop}
}

const (
	counters = "/interfaces/interface[name=eth0]/state/counters/"
	queue    = "/qos/interfaces/interface[interface-id=eth0]/output/queues/queue[name=3]/state/"
	drops    = "/components/component[name=pipeline]/integrated-circuit/pipeline-counters/drop/lookup-block/state/"
)

func n(v uint64) *uint64 { return &v }

// Our own server stands for a device: it comes, changes, forgets, goes, and comes back.
func TestOwnServer(t *testing.T) {
	there := newTree()
	tell := func(packets uint64, interfaces ...model.Interface) {
		t.Helper()
		d := model.Device{Target: "dev", Interfaces: append(interfaces, model.Interface{Name: "eth0", Index: 7, OutPackets: &packets, OutDiscards: n(2)}),
			Queues: []model.Queue{{Interface: "eth0", Name: "3", Packets: n(5), DroppedPackets: n(1)}},
			Drops:  []model.Drop{{Reason: "acl", Block: model.Lookup, Leaf: "acl-drops", Packets: 4}}}
		if err := model.Devices([]model.Device{d}).Apply(there, time.Now().UnixNano()); err != nil {
			t.Fatal(err)
		}
	}
	start := func(addr string) (string, func()) {
		t.Helper()
		server, err := gnmi.New(gnmi.Config{MinSample: 10 * time.Millisecond, Models: model.Models()}, there)
		if err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- server.Run(ctx, l) }()
		stop := func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
			done <- nil
		}
		t.Cleanup(stop)
		return l.Addr().String(), stop
	}
	tell(10, model.Interface{Name: "eth1", Index: 8, OutPackets: n(1)})
	addr, stop := start("127.0.0.1:0")
	b := ask(t, Config{Address: addr, Target: "dev", Keep: time.Second})
	alive := func(s Status) bool { return s.Alive == len(subscriptions) && !s.Stale }
	eth1 := strings.ReplaceAll(counters, "eth0", "eth1")
	b.until(map[string]string{
		counters + "out-pkts": "10", counters + "out-discards": "2", queue + "transmit-pkts": "5", queue + "dropped-pkts": "1", queue + "name": "3",
		drops + "acl-drops": "4", "/interfaces/interface[name=eth0]/state/ifindex": "7", eth1 + "out-pkts": "1",
	}, alive)
	tell(11) // eth1 is gone: the stream on change says so, samples do not
	b.until(map[string]string{counters + "out-pkts": "11", "/interfaces/interface[name=eth1]/state/ifindex": ""}, alive)
	stop()
	b.until(map[string]string{counters + "out-pkts": "11"}, func(s Status) bool { return s.Alive == 0 && s.Stale && s.Error != "" })
	tell(12)
	_, stop = start(addr)
	b.until(map[string]string{counters + "out-pkts": "12", eth1 + "out-pkts": ""}, alive) // eth1 was not repeated
	stop()
	b.until(map[string]string{counters + "out-pkts": "", queue + "name": ""}, func(s Status) bool { return s.Alive == 0 && !s.Stale }) // after Keep
}

// OpenConfig's server knows no Capabilities, wants a target, and samples on change.
func TestOpenConfigServer(t *testing.T) {
	there := cache.New([]string{"dev"})
	server, err := subscribe.NewServer(there)
	if err != nil {
		t.Fatal(err)
	}
	there.SetClient(server.Update)
	tell := func(time int64, v uint64) {
		t.Helper()
		update := func(v *proto.TypedValue, elems ...*proto.PathElem) *proto.Update {
			return &proto.Update{Path: &proto.Path{Elem: elems}, Val: v}
		}
		name := func(n string) map[string]string { return map[string]string{"name": n} }
		counter := &proto.TypedValue{Value: &proto.TypedValue_UintVal{UintVal: v}}
		text := &proto.TypedValue{Value: &proto.TypedValue_StringVal{StringVal: "up"}}
		err := there.GetTarget("dev").GnmiUpdate(&proto.Notification{
			Timestamp: time, Prefix: &proto.Path{Target: "dev", Origin: "openconfig"},
			Update: []*proto.Update{
				update(counter, &proto.PathElem{Name: "interfaces"}, &proto.PathElem{Name: "interface", Key: name("eth0")}, &proto.PathElem{Name: "state"}, &proto.PathElem{Name: "counters"}, &proto.PathElem{Name: "out-pkts"}),
				update(text, &proto.PathElem{Name: "interfaces"}, &proto.PathElem{Name: "interface", Key: name("eth0")}, &proto.PathElem{Name: "state"}, &proto.PathElem{Name: "counters"}, &proto.PathElem{Name: "last-clear"}),
			},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	there.GetTarget("dev").Sync()
	tell(1000, 10)
	s := serve(t, "127.0.0.1:0", server)
	b := ask(t, Config{Address: s.addr, Target: "dev"})
	b.until(map[string]string{counters + "out-pkts": "10"}, func(s Status) bool { return s.Alive > 0 && s.Unknown > 0 })
	tell(2000, 11)
	b.until(map[string]string{counters + "out-pkts": "11"}, nil)
	if got := b.tree.Select(tree.Path{Target: "leaf1", Origin: origin}); got[0].Time != 2000 {
		t.Errorf("got time %d, want the device's", got[0].Time)
	}
}

// awkward is a device that speaks JSON_IETF, asks who is there, serves counters alone, in
// subtrees, and once falls silent.
type awkward struct {
	proto.UnimplementedGNMIServer
	subscriptions chan *proto.SubscribeRequest
}

func (*awkward) Capabilities(ctx context.Context, _ *proto.CapabilityRequest) (*proto.CapabilityResponse, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	if fmt.Sprint(md.Get("username"), md.Get("password")) != "[ada] [right]" {
		return nil, status.Error(codes.Unauthenticated, "who are you?")
	}
	return &proto.CapabilityResponse{SupportedEncodings: []proto.Encoding{proto.Encoding_ASCII, proto.Encoding_JSON_IETF}}, nil
}

func (a *awkward) Subscribe(stream proto.GNMI_SubscribeServer) error {
	r, err := stream.Recv()
	if err != nil {
		return err
	}
	l := r.GetSubscribe()
	if l.GetEncoding() != proto.Encoding_JSON_IETF || l.GetPrefix().GetTarget() != "" {
		return status.Errorf(codes.Internal, "got %v", r)
	}
	if p := l.GetSubscription()[0].GetPath().GetElem(); p[len(p)-1].GetName() != "counters" {
		return status.Error(codes.InvalidArgument, "no such path")
	}
	select {
	case a.subscriptions <- r:
	default:
	}
	const text = `{"openconfig-interfaces:interface":[
		{"name":"eth0","state":{"counters":{"out-pkts":"10","in-errors":"bad","carrier-transitions":"3"}}},
		{"state":{"name":"eth1","counters":{"out-pkts":18446744073709551615}}}]}`
	if err := stream.Send(&proto.SubscribeResponse{Response: &proto.SubscribeResponse_Update{Update: &proto.Notification{
		Update: []*proto.Update{{Path: &proto.Path{Elem: []*proto.PathElem{{Name: "openconfig-interfaces:interfaces"}}}, Val: &proto.TypedValue{Value: &proto.TypedValue_JsonIetfVal{JsonIetfVal: []byte(text)}}}},
	}}}); err != nil {
		return err
	}
	if err := stream.Send(&proto.SubscribeResponse{Response: &proto.SubscribeResponse_SyncResponse{SyncResponse: true}}); err != nil {
		return err
	}
	<-stream.Context().Done()
	return stream.Context().Err()
}

func TestAwkwardDevice(t *testing.T) {
	a := &awkward{subscriptions: make(chan *proto.SubscribeRequest, 2)}
	s := serve(t, "127.0.0.1:0", a)
	b := ask(t, Config{Address: s.addr, User: "ada", Password: "right"})
	b.until(map[string]string{counters + "out-pkts": "10", strings.ReplaceAll(counters, "eth0", "eth1") + "out-pkts": "18446744073709551615", counters + "in-errors": "", "/interfaces/interface[name=eth1]/state/name": "eth1"},
		func(s Status) bool {
			return s.Alive == 1 && len(s.Unsupported) == len(subscriptions)-1 && s.Unknown == 2 && s.Updates == 5 && !s.Stale
		})
	b.until(nil, func(s Status) bool { return s.Connects >= 2 && strings.Contains(s.Error, "silent") }) // it says nothing more, and is asked again

	stranger := ask(t, Config{Address: s.addr, User: "ada", Password: "wrong"})
	stranger.until(nil, func(s Status) bool { return strings.Contains(s.Error, "Unauthenticated") && s.Alive == 0 })
	if s := stranger.client.Status(); strings.Contains(s.Error, "wrong") {
		t.Errorf("the error tells the password: %s", s.Error)
	}
}

// A device that says more than it may is cut short, and counted.
func TestLeavesAreBounded(t *testing.T) {
	s := serve(t, "127.0.0.1:0", &awkward{subscriptions: make(chan *proto.SubscribeRequest, 2)})
	b := ask(t, Config{Address: s.addr, User: "ada", Password: "right", Leaves: 1})
	b.until(nil, func(s Status) bool { return s.Refused >= 1 && s.Alive == 1 })
	if n := b.tree.Leaves(); n != 1 {
		t.Errorf("got %d leaves, want 1", n)
	}
}

func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	b := ask(t, Config{Address: l.Addr().String(), TLS: &tls.Config{MinVersion: tls.VersionTLS12}})
	b.until(nil, func(s Status) bool { return s.Error != "" && s.Alive == 0 && !s.Stale && s.LastHeard == 0 })
}

func TestUnsupported(t *testing.T) {
	for code, want := range map[codes.Code]bool{codes.Unimplemented: true, codes.InvalidArgument: true, codes.NotFound: true, codes.Unavailable: false, codes.Unauthenticated: false} {
		if got := unsupported(status.Error(code, "")); got != want {
			t.Errorf("%v: got %v", code, got)
		}
	}
	if unsupported(errors.New("x")) || unsupported(nil) {
		t.Error("another error is taken for a refusal")
	}
}

func TestBrief(t *testing.T) {
	if got := brief(strings.Repeat("ä", 1000)); len(got) > 310 || !utf8.ValidString(got) {
		t.Errorf("got %d bytes", len(got))
	}
	if got := brief("a\xff"); got != "a\uFFFD" {
		t.Errorf("got %q", got)
	}
}
