package p4rt_test

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	p4configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"github.com/antoninbas/p4runtime-go-client/pkg/client"

	"github.com/telltale-net/telltale/bmv2/device"
	server "github.com/telltale-net/telltale/bmv2/p4rt"
	"github.com/telltale-net/telltale/bmv2/p4rt/p4rttest"
	"github.com/telltale-net/telltale/controlplane/p4rt"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeSwitch is the P4Runtime server of this project over pipes, whose
// connections can be cut, and which can be made to answer like a lesser one.
type fakeSwitch struct {
	t testing.TB

	mu   sync.Mutex
	srv  *server.Server
	lis  *bufconn.Listener
	grpc *grpc.Server
	done chan struct{}
	outs [][]byte

	refuse func(any) error // of requests, before the server sees them
	writes int             // WriteRequests seen
}

func newSwitch(t testing.TB) *fakeSwitch {
	s := &fakeSwitch{t: t}
	var err error
	s.srv, err = server.New(server.Config{
		DeviceID:  3,
		Load:      func(info *p4configv1.P4Info, _ []byte) (device.Device, error) { return p4rttest.New(info), nil },
		PacketOut: func(p []byte) { s.mu.Lock(); s.outs = append(s.outs, p); s.mu.Unlock() },
	})
	if err != nil {
		t.Fatal(err)
	}
	s.up()
	t.Cleanup(s.down)
	return s
}

// up begins to accept connections; the server's memory is the same as before.
func (s *fakeSwitch) up() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lis = bufconn.Listen(1 << 16)
	s.grpc = grpc.NewServer(grpc.MaxRecvMsgSize(64<<20), grpc.WaitForHandlers(true),
		grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			if _, ok := req.(*p4v1.WriteRequest); ok {
				s.mu.Lock()
				s.writes++
				s.mu.Unlock()
			}
			if err := s.refused(req); err != nil {
				return nil, err
			}
			return next(ctx, req)
		}),
		grpc.StreamInterceptor(func(srv any, st grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
			return next(srv, &checkedStream{st, s})
		}))
	s.srv.Register(s.grpc)
	s.done = make(chan struct{})
	go func(g *grpc.Server, l net.Listener, done chan struct{}) {
		defer close(done)
		_ = g.Serve(l)
	}(s.grpc, s.lis, s.done)
}

type checkedStream struct {
	grpc.ServerStream
	s *fakeSwitch
}

func (c *checkedStream) RecvMsg(m any) error {
	if err := c.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	return c.s.refused(m)
}

func (s *fakeSwitch) refused(req any) error {
	s.mu.Lock()
	f := s.refuse
	s.mu.Unlock()
	if f == nil {
		return nil
	}
	return f(req)
}

func (s *fakeSwitch) down() {
	s.mu.Lock()
	g, done := s.grpc, s.done
	s.mu.Unlock()
	g.Stop()
	<-done
}

// session is a session with the switch. Its connection is made anew by gRPC when
// the switch comes up again.
func (s *fakeSwitch) session(cfg p4rt.Config) *p4rt.Session {
	s.t.Helper()
	conn, err := grpc.NewClient("passthrough:///switch",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			s.mu.Lock()
			l := s.lis
			s.mu.Unlock()
			return l.DialContext(ctx)
		}),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		s.t.Fatal(err)
	}
	cfg.DeviceID = 3
	cfg.BackoffMin, cfg.BackoffMax = time.Millisecond, 20*time.Millisecond
	p, err := p4rt.New(conn, cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := errors.Join(p.Close(), conn.Close()); err != nil {
			s.t.Error(err)
		}
	})
	return p
}

func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// run starts the session's Run.
func run(t testing.TB, ctx context.Context, p *p4rt.Session) {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	t.Cleanup(func() {
		if err := errors.Join(p.Close(), <-ended); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

var pipeline = p4rt.Pipeline{
	P4Info:       append(p4rttest.Text(), "\nof_a_later_version { really: true }\n"...),
	DeviceConfig: p4rttest.JSON(p4rttest.Info()), Cookie: 77,
}

// primary is a session that is primary of a switch with the test program.
func primary(t *testing.T, cfg p4rt.Config) (*fakeSwitch, *p4rt.Session, context.Context) {
	t.Helper()
	s, ctx := newSwitch(t), testContext(t)
	cfg.Election = p4rt.Election{Low: 1}
	p := s.session(cfg)
	run(t, ctx, p)
	if err := p.WaitPrimary(ctx); err != nil {
		t.Fatal(err)
	}
	if err := p.PushPipeline(ctx, pipeline); err != nil {
		t.Fatal(err)
	}
	return s, p, ctx
}

func entities(t testing.TB, text string) []*p4v1.Entity {
	t.Helper()
	var r p4v1.ReadResponse
	if err := prototext.Unmarshal([]byte(text), &r); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return r.GetEntities()
}

func route(i int) string {
	return fmt.Sprintf(`entities { table_entry { table_id: 0x02000007 match { field_id: 1 exact { value: "\%03o" } } action { action { action_id: 0x01000002 } } } } `, i)
}

const desiredText = `
entities { packet_replication_engine_entry { clone_session_entry { session_id: 100 replicas { egress_port: 4 } packet_length_bytes: 128 } } }
entities { packet_replication_engine_entry { multicast_group_entry { multicast_group_id: 2 replicas { egress_port: 4 } } } }
entities { table_entry { table_id: 0x02000003 match { field_id: 1 exact { value: "\001" } } action { action_profile_group_id: 9 } } }
entities { action_profile_group { action_profile_id: 0x11000001 group_id: 9 members { member_id: 1 weight: 1 } members { member_id: 2 weight: 2 watch_port: "\003" } } }
entities { action_profile_member { action_profile_id: 0x11000001 member_id: 1 action { action_id: 0x01000001 params { param_id: 1 value: "\001" } params { param_id: 2 value: "\002" } } } }
entities { action_profile_member { action_profile_id: 0x11000001 member_id: 2 action { action_id: 0x01000001 params { param_id: 1 value: "\002" } params { param_id: 2 value: "\002" } } } }
entities { table_entry { table_id: 0x02000002 priority: 5 match { field_id: 1 exact { value: "\005" } } action { action { action_id: 0x01000003 } } meter_config { cir: 1 pir: 2 } idle_timeout_ns: 9 metadata: "m" } }
entities { table_entry { table_id: 0x02000004 is_default_action: true action { action { action_id: 0x01000001 params { param_id: 1 value: "\001" } params { param_id: 2 value: "\002" } } } } }
entities { meter_entry { meter_id: 0x14000001 index { index: 1 } config { cir: 5 pir: 6 } } }
entities { digest_entry { digest_id: 0x17000001 config { max_list_size: 3 } } }
`

// Apply brings an empty switch to the desired state, does nothing the second time,
// mends what was changed behind its back and takes away what is not desired.
func TestApply(t *testing.T) {
	s, p, ctx := primary(t, p4rt.Config{})
	want := entities(t, desiredText)
	res, err := p.Apply(ctx, want)
	if err != nil || res.Inserted != 8 || res.Modified != 2 || res.Deleted != 0 || res.Degraded != nil {
		t.Fatalf("first: %+v, %v", res, err)
	}
	s.mu.Lock()
	writes := s.writes
	s.mu.Unlock()
	if res, err = p.Apply(ctx, want); err != nil || res.Unchanged != 10 || res.Inserted+res.Modified+res.Deleted != 0 {
		t.Fatalf("second: %+v, %v", res, err)
	}
	s.mu.Lock()
	if s.writes != writes {
		t.Errorf("%d WriteRequests when nothing was to be done", s.writes-writes)
	}
	s.mu.Unlock()
	err = p.Write(ctx, []*p4v1.Update{
		{Type: p4v1.Update_DELETE, Entity: want[2]},
		{Type: p4v1.Update_INSERT, Entity: entities(t, route(1))[0]},
	})
	if err != nil {
		t.Fatal(err)
	}
	if res, err = p.Apply(ctx, want); err != nil || res.Inserted != 1 || res.Deleted != 1 || res.Unchanged != 9 {
		t.Fatalf("third: %+v, %v", res, err)
	}
	if res, err = p.Apply(ctx, nil); err != nil || res.Deleted != 8 {
		t.Fatalf("last: %+v, %v", res, err)
	}
	if left, err := p.ReadAll(ctx, entities(t, `entities { table_entry {} } entities { action_profile_member {} } entities { action_profile_group {} }`)...); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// Errors come back per update, with its place in the caller's list, whatever the
// batches were; the other updates are carried out.
func TestWriteErrors(t *testing.T) {
	s, p, ctx := primary(t, p4rt.Config{WriteUpdates: 2})
	var us []*p4v1.Update
	for _, e := range entities(t, route(1)+route(1)+route(2)+route(3)+desiredText) {
		us = append(us, &p4v1.Update{Type: p4v1.Update_INSERT, Entity: e})
		if len(us) == 5 {
			break
		}
	}
	err := p.Write(ctx, us)
	var we *p4rt.WriteError
	if !errors.As(err, &we) || we.Updates != 5 || len(we.Failed) != 2 {
		t.Fatalf("got %v", err)
	}
	for i, want := range []struct {
		index int
		code  codes.Code
	}{{1, codes.AlreadyExists}, {3, codes.ResourceExhausted}} {
		if f := we.Failed[i]; f.Index != want.index || f.Code != want.code || !strings.Contains(f.Entity, "tiny") || !strings.Contains(f.Entity, "kind=") || f.Message == "" {
			t.Errorf("failure %d: %+v, want update %d with %v", i, f, want.index, want.code)
		}
	}
	s.mu.Lock()
	if s.writes != 3 {
		t.Errorf("%d WriteRequests for 5 updates in twos", s.writes)
	}
	s.mu.Unlock()
	if err := p.Write(ctx, nil); err != nil {
		t.Errorf("no updates: %v", err)
	}
	if _, err := p.ReadAll(ctx, entities(t, `entities { table_entry { table_id: 99 } }`)...); status.Code(err) != codes.Unknown || !strings.Contains(err.Error(), "NotFound") {
		t.Errorf("read of an unknown table: %v", err)
	}
}

// A thousand failures in one batch fit the trailer.
func TestManyErrors(t *testing.T) {
	_, p, ctx := primary(t, p4rt.Config{WriteUpdates: 1000})
	e := entities(t, route(1))[0]
	us := make([]*p4v1.Update, 1000)
	for i := range us {
		us[i] = &p4v1.Update{Type: p4v1.Update_DELETE, Entity: e}
	}
	var we *p4rt.WriteError
	if err := p.Write(ctx, us); !errors.As(err, &we) || len(we.Failed) != 1000 {
		t.Errorf("got %.300v", err)
	}
}

func TestPipeline(t *testing.T) {
	_, p, ctx := primary(t, p4rt.Config{})
	info, cookie, err := p.Pipeline(ctx)
	if err != nil || cookie != 77 || !proto.Equal(info, p4rttest.Info()) {
		t.Errorf("got cookie %d, %v", cookie, err)
	}
	if err := p.VerifyPipeline(ctx, p4rt.Pipeline{P4Info: pipeline.P4Info, DeviceConfig: []byte("{}")}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("JSON without tables: %v", err)
	}
	if err := p.PushPipeline(ctx, p4rt.Pipeline{P4Info: []byte("tables {")}); err == nil || !strings.Contains(err.Error(), "P4Info") {
		t.Errorf("broken text: %v", err)
	}
	if v, err := p.Capabilities(ctx); err != nil || v == "" {
		t.Errorf("capabilities %q, %v", v, err)
	}
	b, err := p.Builder(ctx)
	if err != nil {
		t.Fatal(err)
	}
	te := b.NewTableEntry("tiny", map[string]client.MatchInterface{"kind": &client.ExactMatch{Value: []byte{7}}}, b.NewTableActionDirect("drop", nil), nil)
	if err := b.InsertTableEntry(ctx, te); err != nil {
		t.Errorf("an entry of the builder's: %v", err)
	}
}

func TestPackets(t *testing.T) {
	s, p, ctx := primary(t, p4rt.Config{PacketIns: 4})
	s.srv.PacketIn([]byte{0b1010_1010, 0b1_0101010, 0x81, 'h', 'i'})
	in := <-p.PacketIns()
	meta, err := p4rt.Metadata(p.P4Info(), in)
	if err != nil || string(in.GetPayload()) != "hi" || fmt.Sprint(meta) != "map[ingress_port:341 pad:42 reason:129]" {
		t.Errorf("packet-in %v, %v, %v", in, meta, err)
	}
	out, err := p4rt.NewPacketOut(p.P4Info(), []byte("ho"), map[string]uint64{"egress_port": 5})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.SendPacketOut(ctx, out); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.outs) == 1 && string(s.outs[0]) == "\x02\x80ho"
	})
	if _, err := p4rt.NewPacketOut(p.P4Info(), nil, map[string]uint64{"egress_port": 512}); err == nil {
		t.Error("port 512 fits 9 bits")
	}
	if _, err := p4rt.NewPacketOut(p.P4Info(), nil, map[string]uint64{"nonsense": 1}); err == nil {
		t.Error("a field that the header does not have")
	}
	for range 50 { // nobody takes them
		s.srv.PacketIn([]byte{0, 0, 0})
	}
	eventually(t, func() bool { st := p.Stats(); return st.PacketIns == 5 && st.PacketInsShed == 46 })
}

func eventually(t testing.TB, f func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it did not happen")
		}
	}
}

// The session comes back by itself, stands again, and says so.
func TestReconnect(t *testing.T) {
	var mu sync.Mutex
	var events []string
	note := func(s string) { mu.Lock(); events = append(events, s); mu.Unlock() }
	s, p, ctx := primary(t, p4rt.Config{Events: p4rt.Events{
		Connected:    func() { note("connected") },
		Arbitration:  func(primary bool, e p4rt.Election) { note(fmt.Sprintf("primary %v %v", primary, e)) },
		Disconnected: func(error, time.Duration) { note("disconnected") },
	}})
	s.down()
	eventually(t, func() bool { return !p.Primary() })
	if err := p.SendPacketOut(ctx, &p4v1.PacketOut{}); !errors.Is(err, p4rt.ErrNotConnected) {
		t.Errorf("packet-out without a stream: %v", err)
	}
	s.up()
	if err := p.WaitPrimary(ctx); err != nil {
		t.Fatal(err)
	}
	if res, err := p.Apply(ctx, entities(t, desiredText)); err != nil || res.Inserted != 8 {
		t.Errorf("after the reconnection: %+v, %v", res, err)
	}
	mu.Lock()
	defer mu.Unlock()
	if got := strings.Join(events, ", "); !strings.HasPrefix(got, "connected, primary true {0 1}, disconnected") || !strings.HasSuffix(got, "connected, primary true {0 1}") {
		t.Errorf("events: %s", got)
	}
}

// With TakeOver a session with an old election id becomes primary when nobody is;
// without, it waits; a live primary is left alone either way.
func TestTakeOver(t *testing.T) {
	s, ctx := newSwitch(t), testContext(t)
	first := s.session(p4rt.Config{Election: p4rt.Election{High: 1, Low: ^uint64(0)}})
	run(t, ctx, first)
	if err := first.WaitPrimary(ctx); err != nil {
		t.Fatal(err)
	}
	told := make(chan bool, 10)
	second := s.session(p4rt.Config{Election: p4rt.Election{Low: 1}, TakeOver: true, Events: p4rt.Events{
		Arbitration: func(primary bool, _ p4rt.Election) { told <- primary },
	}})
	run(t, ctx, second)
	if <-told {
		t.Fatal("took over from a live primary")
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := second.WaitPrimary(ctx); err != nil {
		t.Fatal(err)
	}
	if err := second.PushPipeline(ctx, pipeline); err != nil {
		t.Errorf("with the raised id: %v", err)
	}
	if err := first.WaitPrimary(ctx); !errors.Is(err, p4rt.ErrClosed) {
		t.Errorf("WaitPrimary after Close: %v", err)
	}
}

// What trying again cannot mend ends Run, and with it the wait to be primary.
func TestPermanentError(t *testing.T) {
	s, ctx := newSwitch(t), testContext(t)
	s.refuse = func(any) error { return status.Error(codes.NotFound, "no such device") }
	p := s.session(p4rt.Config{})
	if err := p.Run(ctx); status.Code(err) != codes.NotFound {
		t.Errorf("Run: %v", err)
	}
	if err := p.WaitPrimary(ctx); status.Code(err) != codes.NotFound {
		t.Errorf("WaitPrimary: %v", err)
	}
	s.mu.Lock()
	s.refuse = nil
	s.mu.Unlock()
	run(t, ctx, p) // it may be tried again
	eventually(t, p.Primary)
	if err := p.Run(ctx); err == nil {
		t.Error("Run twice at a time")
	}
}

// A switch that cannot be asked about packet replication, digests and the like
// still gets what is desired, twice without a failure, and the result says what
// was not known.
func TestDegraded(t *testing.T) {
	s, p, ctx := primary(t, p4rt.Config{})
	s.mu.Lock()
	s.refuse = func(req any) error {
		r, ok := req.(*p4v1.ReadRequest)
		if !ok {
			return nil
		}
		for _, e := range r.GetEntities() {
			if e.GetPacketReplicationEngineEntry() != nil || e.GetDigestEntry() != nil {
				return status.Error(codes.Unimplemented, "not here")
			}
		}
		return nil
	}
	s.mu.Unlock()
	want := entities(t, desiredText)
	for try, exp := range []p4rt.Result{{Inserted: 8, Modified: 2}, {Modified: 3, Unchanged: 7}} {
		res, err := p.Apply(ctx, want)
		exp.Degraded = []string{"multicast groups", "clone sessions", "digests"}
		if err != nil || fmt.Sprint(res) != fmt.Sprint(exp) {
			t.Errorf("try %d: %+v, %v; want %+v", try, res, err, exp)
		}
	}
	if res, err := p.Apply(ctx, want[2:]); err != nil || res.Deleted != 0 {
		t.Errorf("of an unknown kind something was deleted: %+v, %v", res, err)
	}
}

// A failing phase ends Apply and is reported.
func TestApplyFails(t *testing.T) {
	_, p, ctx := primary(t, p4rt.Config{})
	_, err := p.Apply(ctx, entities(t, route(1)+route(2)+route(3)))
	var we *p4rt.WriteError
	if !errors.As(err, &we) || len(we.Failed) != 1 || we.Failed[0].Code != codes.ResourceExhausted {
		t.Errorf("a full table: %v", err)
	}
	s2 := newSwitch(t)
	q := s2.session(p4rt.Config{})
	if _, err := q.Apply(ctx, nil); !errors.Is(err, p4rt.ErrNoPipeline) {
		t.Errorf("without a pipeline: %v", err)
	}
	if err := q.Close(); err != nil {
		t.Error(err)
	}
	if err := q.Run(ctx); !errors.Is(err, p4rt.ErrClosed) {
		t.Errorf("Run after Close: %v", err)
	}
	if _, ok := <-q.PacketIns(); ok {
		t.Error("a packet out of a closed session")
	}
}

// Over TCP with nothing in between: Dial, and a switch that is not there.
func TestDial(t *testing.T) {
	srv, err := server.New(server.Config{DeviceID: 3, Load: func(info *p4configv1.P4Info, _ []byte) (device.Device, error) { return p4rttest.New(info), nil }})
	if err != nil {
		t.Fatal(err)
	}
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(lis, nil) }()
	defer func() {
		srv.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()
	ctx := testContext(t)
	p, err := p4rt.Dial(lis.Addr().String(), nil, p4rt.Config{DeviceID: 3})
	if err != nil {
		t.Fatal(err)
	}
	run(t, ctx, p)
	if err := p.WaitPrimary(ctx); err != nil {
		t.Error(err)
	}
	if _, err := p4rt.Dial("x", nil, p4rt.Config{}); err == nil {
		t.Error("device id 0")
	}
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	nobody, err := p4rt.Dial("127.0.0.1:1", nil, p4rt.Config{DeviceID: 3})
	if err != nil {
		t.Fatal(err)
	}
	if err := nobody.Run(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Run with nobody there: %v", err)
	}
	if err := nobody.Close(); err != nil {
		t.Error(err)
	}
}

// Over TLS, with the caller's credentials on both sides.
func TestTLS(t *testing.T) {
	pub, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"switch"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(nil, tmpl, tmpl, pub, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	srv, err := server.New(server.Config{DeviceID: 3, Load: func(info *p4configv1.P4Info, _ []byte) (device.Device, error) { return p4rttest.New(info), nil }})
	if err != nil {
		t.Fatal(err)
	}
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() {
		served <- srv.Serve(lis, credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}))
	}()
	defer func() {
		srv.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()
	ctx := testContext(t)
	p, err := p4rt.Dial(lis.Addr().String(), credentials.NewTLS(&tls.Config{RootCAs: roots, ServerName: "switch"}), p4rt.Config{DeviceID: 3})
	if err != nil {
		t.Fatal(err)
	}
	run(t, ctx, p)
	if err := p.WaitPrimary(ctx); err != nil {
		t.Error(err)
	}
	plain, err := p4rt.Dial(lis.Addr().String(), nil, p4rt.Config{DeviceID: 3})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plain.Capabilities(ctx); err == nil {
		t.Error("plain text was served")
	}
	if err := plain.Close(); err != nil {
		t.Error(err)
	}
}
