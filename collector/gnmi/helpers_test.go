package gnmi

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/openconfig/gnmi/proto/gnmi"
	"github.com/openconfig/gnmic/pkg/api"
	"github.com/openconfig/gnmic/pkg/api/target"
	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/telltale-net/telltale/collector/gnmi/model"
	"github.com/telltale-net/telltale/collector/gnmi/tree"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var limits = tree.Limits{Leaves: 100_000, Subscribers: 200, Backlog: 10_000}

// bed is a server with two switches and a finding, and gnmic's client of it.
type bed struct {
	t      *testing.T
	tree   *tree.Tree
	server *Server
	addr   string
	client *target.Target
	ctx    context.Context
	feeds  int
	stop   context.CancelFunc
}

func newBed(t *testing.T, cfg Config, opts ...api.TargetOption) *bed {
	t.Helper()
	if cfg.MinSample == 0 {
		cfg.MinSample = 10 * time.Millisecond
	}
	if cfg.DefaultSample == 0 {
		cfg.DefaultSample = 20 * time.Millisecond
	}
	cfg.Models = model.Models()
	b := &bed{t: t, tree: tree.New(model.Schema(), limits)}
	b.fill()
	var err error
	if b.server, err = New(cfg, b.tree); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.addr = l.Addr().String()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	b.ctx, b.stop = ctx, cancel
	ran := make(chan error, 1)
	go func() { ran <- b.server.Run(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ran; err != nil {
			t.Errorf("server: %v", err)
		}
	})
	if len(opts) == 0 {
		opts = []api.TargetOption{api.Insecure(true)}
	}
	b.client = b.dial(opts...)
	return b
}

func (b *bed) dial(opts ...api.TargetOption) *target.Target {
	b.t.Helper()
	c, err := api.NewTarget(append([]api.TargetOption{api.Name("telltale"), api.Address(b.addr)}, opts...)...)
	if err != nil {
		b.t.Fatal(err)
	}
	c.Config.RetryTimer = time.Hour
	if err := c.CreateGNMIClient(b.ctx); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { c.Close() })
	return c
}

func n(v uint64) *uint64 { return &v }

func (b *bed) fill() {
	devices := model.Devices([]model.Device{
		{Target: "leaf1", Interfaces: []model.Interface{{Name: "eth0", Index: 1, InPackets: n(10), OutOctets: n(1 << 60)}, {Name: "eth1", InPackets: n(20)}},
			Queues: []model.Queue{{Interface: "eth0", Name: "0", Packets: n(7), DroppedPackets: n(1)}},
			Drops:  []model.Drop{{Reason: "acl-deny", Block: model.Lookup, Leaf: "acl-drops", Packets: 5}}},
		{Target: "leaf2", Interfaces: []model.Interface{{Name: "eth0", InPackets: n(30)}}},
	})
	if err := devices.Apply(b.tree, 1000); err != nil {
		b.t.Fatal(err)
	}
	b.findings(model.Finding{ID: "a", Analyzer: "drops", Kind: "policy-deny", Node: "leaf1", Port: 1, Since: 5, Packets: 9, Confidence: 0.875, Evidence: []string{"one", "two"}})
}

func (b *bed) findings(f ...model.Finding) {
	b.t.Helper()
	batch, err := model.Findings("telltale", f)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := batch.Apply(b.tree, 2000); err != nil {
		b.t.Fatal(err)
	}
}

// inPackets sets a counter of leaf1's eth0.
func (b *bed) inPackets(v uint64, time int64) {
	b.t.Helper()
	if err := b.tree.Update(inPackets("eth0"), tree.Count(v), time); err != nil {
		b.t.Fatal(err)
	}
}

func inPackets(name string) tree.Path {
	return tree.Path{Target: "leaf1", Origin: "openconfig", Elems: []tree.Elem{
		tree.E("interfaces"), tree.E("interface", "name", name), tree.E("state"), tree.E("counters"), tree.E("in-pkts"),
	}}
}

const inPkts = "interfaces/interface[name=eth0]/state/counters/in-pkts"

func (b *bed) subscribe(opts ...api.GNMIOption) *gnmi.SubscribeRequest {
	b.t.Helper()
	req, err := api.NewSubscribeRequest(opts...)
	if err != nil {
		b.t.Fatal(err)
	}
	return req
}

// feed is a subscription under way.
type feed struct {
	b     *bed
	name  string
	resps chan *target.SubscribeResponse
	errs  chan *target.TargetError
	stop  context.CancelFunc
}

func (b *bed) open(req *gnmi.SubscribeRequest) *feed {
	ctx, cancel := context.WithCancel(b.ctx)
	b.feeds++
	f := &feed{b: b, name: strconv.Itoa(b.feeds), stop: cancel}
	f.resps, f.errs = b.client.SubscribeChan(ctx, req, f.name)
	b.t.Cleanup(cancel)
	return f
}

// next returns the next Notification, or nil for a sync_response.
func (f *feed) next() *gnmi.Notification {
	f.b.t.Helper()
	for {
		select {
		case r, ok := <-f.resps:
			if !ok {
				f.b.t.Fatal("the subscription ended")
			}
			if r.Response.GetSyncResponse() {
				return nil
			}
			return r.Response.GetUpdate()
		case err, ok := <-f.errs:
			if ok && !errors.Is(err.Err, io.EOF) {
				f.b.t.Fatalf("subscription: %v", err.Err)
			}
			f.errs = nil // the end, which overtakes the last responses
		case <-f.b.ctx.Done():
			f.b.t.Fatal("nothing more came")
		}
	}
}

// round returns the updates up to a sync_response, by path.
func (f *feed) round() map[string]*gnmi.Update {
	f.b.t.Helper()
	all := map[string]*gnmi.Update{}
	for {
		n := f.next()
		if n == nil {
			return all
		}
		add(all, n)
	}
}

func add(all map[string]*gnmi.Update, n *gnmi.Notification) {
	for _, u := range n.Update {
		all[name(n.Prefix, u.Path)] = u
	}
}

// name writes a path with its prefix as tree.Path does.
func name(prefix, path *gnmi.Path) string {
	p := tree.Path{Target: prefix.GetTarget(), Origin: prefix.GetOrigin()}
	for _, e := range append(append([]*gnmi.PathElem{}, prefix.GetElem()...), path.GetElem()...) {
		var pairs []string
		for k, v := range e.Key {
			pairs = append(pairs, k, v)
		}
		p.Elems = append(p.Elems, tree.E(e.Name, pairs...))
	}
	return p.String()
}

func wantCode(t *testing.T, err error, want codes.Code) {
	t.Helper()
	if got := status.Code(err); got != want {
		t.Errorf("got %v (%v), want %v", got, err, want)
	}
}

// failure opens a subscription and returns how it ends.
func (b *bed) failure(reqs ...*gnmi.SubscribeRequest) error {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.ctx)
	defer cancel()
	stream, err := b.client.Client.Subscribe(ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, r := range reqs {
		if err := stream.Send(r); err != nil {
			b.t.Fatal(err)
		}
	}
	for {
		if _, err := stream.Recv(); err != nil {
			return err
		}
	}
}
