package p4rt_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	p4configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"go.uber.org/goleak"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/p4rt"
	"github.com/telltale-net/telltale/bmv2/p4rt/p4rttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const deviceID = 7

// rig is a server over a pipe, with raw stubs in front and a device of maps behind.
type rig struct {
	t    testing.TB
	srv  *p4rt.Server
	stub p4v1.P4RuntimeClient
	ctx  context.Context

	mu   sync.Mutex
	dev  *p4rttest.Device // committed last
	outs [][]byte         // packets injected
	now  time.Time
}

func newRig(t testing.TB, limits p4rt.Limits) *rig {
	t.Helper()
	r := &rig{t: t, now: time.Unix(1000, 0)}
	var err error
	r.srv, err = p4rt.New(p4rt.Config{
		DeviceID: deviceID,
		Load: func(info *p4configv1.P4Info, _ []byte) (device.Device, error) {
			return p4rttest.New(info), nil
		},
		Commit: func(d device.Device) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.dev = d.(*p4rttest.Device)
			return nil
		},
		PacketOut: func(p []byte) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.outs = append(r.outs, p)
		},
		Now: func() time.Time {
			r.mu.Lock()
			defer r.mu.Unlock()
			return r.now
		},
		Limits: limits,
	})
	if err != nil {
		t.Fatal(err)
	}
	lis := bufconn.Listen(1 << 16)
	served := make(chan error, 1)
	go func() { served <- r.srv.Serve(lis, nil) }()
	conn, err := grpc.NewClient("passthrough:///switch",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return lis.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	r.ctx, r.stub = ctx, p4v1.NewP4RuntimeClient(conn)
	t.Cleanup(func() {
		cancel()
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		r.srv.Close()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return r
}

// session is a raw stream.
type session struct {
	r      *rig
	s      p4v1.P4Runtime_StreamChannelClient
	cancel context.CancelFunc
}

func (r *rig) open() *session {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.ctx)
	s, err := r.stub.StreamChannel(ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	return &session{r, s, cancel}
}

func (s *session) send(m *p4v1.StreamMessageRequest) {
	s.r.t.Helper()
	if err := s.s.Send(m); err != nil {
		s.r.t.Fatal(err)
	}
}

func (s *session) arbitrate(u *p4v1.MasterArbitrationUpdate) {
	s.r.t.Helper()
	s.send(&p4v1.StreamMessageRequest{Update: &p4v1.StreamMessageRequest_Arbitration{Arbitration: u}})
}

// stand arbitrates with the default role; id 0 leaves the election id unset.
func (s *session) stand(id uint64) {
	u := &p4v1.MasterArbitrationUpdate{DeviceId: deviceID}
	if id != 0 {
		u.ElectionId = &p4v1.Uint128{Low: id}
	}
	s.r.t.Helper()
	s.arbitrate(u)
}

func (s *session) recv() *p4v1.StreamMessageResponse {
	s.r.t.Helper()
	m, err := s.s.Recv()
	if err != nil {
		s.r.t.Fatalf("stream: %v", err)
	}
	return m
}

// told expects an arbitration notice.
func (s *session) told(c codes.Code, highest uint64) {
	s.r.t.Helper()
	a := s.recv().GetArbitration()
	if a == nil || codes.Code(a.GetStatus().GetCode()) != c || a.GetElectionId().GetLow() != highest {
		s.r.t.Fatalf("got notice %v, want status %v and election id %d", a, c, highest)
	}
}

// ends expects the stream to end with a code.
func (s *session) ends(c codes.Code) {
	s.r.t.Helper()
	for {
		_, err := s.s.Recv()
		if err == nil {
			continue
		}
		if status.Code(err) != c {
			s.r.t.Fatalf("the stream ended with %v, want %v", err, c)
		}
		return
	}
}

// primary opens a session that is primary with election id 1.
func (r *rig) primary() *session {
	r.t.Helper()
	s := r.open()
	s.stand(1)
	s.told(codes.OK, 1)
	return s
}

func config(info *p4configv1.P4Info, cookie uint64) *p4v1.ForwardingPipelineConfig {
	return &p4v1.ForwardingPipelineConfig{
		P4Info: info, P4DeviceConfig: p4rttest.JSON(info), Cookie: &p4v1.ForwardingPipelineConfig_Cookie{Cookie: cookie},
	}
}

func (r *rig) setPipeline(action p4v1.SetForwardingPipelineConfigRequest_Action, c *p4v1.ForwardingPipelineConfig) error {
	_, err := r.stub.SetForwardingPipelineConfig(r.ctx, &p4v1.SetForwardingPipelineConfigRequest{
		DeviceId: deviceID, ElectionId: &p4v1.Uint128{Low: 1}, Action: action, Config: c,
	})
	return err
}

// ready is a rig with a primary and the test program.
func ready(t testing.TB) *rig {
	t.Helper()
	r := newRig(t, p4rt.Limits{})
	r.primary()
	if err := r.setPipeline(p4v1.SetForwardingPipelineConfigRequest_VERIFY_AND_COMMIT, config(p4rttest.Info(), 42)); err != nil {
		t.Fatal(err)
	}
	return r
}

// text parses a message; broken text is the test's mistake.
func text[M proto.Message](t testing.TB, m M, s string) M {
	t.Helper()
	if err := prototext.Unmarshal([]byte(s), m); err != nil {
		t.Fatalf("%v in %s", err, s)
	}
	return m
}

// write sends updates in text and returns one code per update.
func (r *rig) write(updates string) []codes.Code {
	r.t.Helper()
	cs, _ := r.writeAs(updates, p4v1.WriteRequest_CONTINUE_ON_ERROR)
	return cs
}

func (r *rig) writeAs(updates string, mode p4v1.WriteRequest_Atomicity) ([]codes.Code, []string) {
	r.t.Helper()
	req := text(r.t, &p4v1.WriteRequest{}, updates)
	req.DeviceId, req.ElectionId, req.Atomicity = deviceID, &p4v1.Uint128{Low: 1}, mode
	_, err := r.stub.Write(r.ctx, req)
	cs, says := make([]codes.Code, len(req.Updates)), make([]string, len(req.Updates))
	if err == nil {
		return cs, says
	}
	st := status.Convert(err)
	if st.Code() != codes.Unknown || len(st.Details()) != len(req.Updates) {
		r.t.Fatalf("Write: %v with %d details, want UNKNOWN with %d", err, len(st.Details()), len(req.Updates))
	}
	for i, d := range st.Details() {
		e := d.(*p4v1.Error)
		cs[i], says[i] = codes.Code(e.GetCanonicalCode()), e.GetMessage()
		if cs[i] == codes.OK && !proto.Equal(e, &p4v1.Error{}) {
			r.t.Fatalf("an update that succeeded has details %v", e)
		}
	}
	return cs, says
}

// must writes updates that succeed.
func (r *rig) must(updates string) {
	r.t.Helper()
	for i, c := range r.write(updates) {
		if c != codes.OK {
			_, says := r.writeAs(updates, p4v1.WriteRequest_CONTINUE_ON_ERROR)
			r.t.Fatalf("update %d: %v (second try says: %s)", i, c, says[i])
		}
	}
}

// read returns what a request in text selects.
func (r *rig) read(entities string) ([]*p4v1.Entity, error) {
	r.t.Helper()
	req := text(r.t, &p4v1.ReadRequest{}, entities)
	req.DeviceId = deviceID
	st, err := r.stub.Read(r.ctx, req)
	if err != nil {
		return nil, err
	}
	var out []*p4v1.Entity
	for {
		m, err := st.Recv()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return out, nil
			}
			return out, err
		}
		out = append(out, m.GetEntities()...)
	}
}

// reads expects exactly these entities, in this order.
func (r *rig) reads(request, want string) {
	r.t.Helper()
	got, err := r.read(request)
	if err != nil {
		r.t.Fatalf("Read %s: %v", request, err)
	}
	w := text(r.t, &p4v1.ReadResponse{}, want).GetEntities()
	if !proto.Equal(&p4v1.ReadResponse{Entities: got}, &p4v1.ReadResponse{Entities: w}) {
		r.t.Fatalf("Read %s\ngot  %v\nwant %v", request, got, w)
	}
}

// readCode expects a Read of one request to fail with a code.
func (r *rig) readCode(t *testing.T, request string, want codes.Code) {
	t.Helper()
	_, err := r.read(request)
	st := status.Convert(err)
	if len(st.Details()) == 1 {
		if c := codes.Code(st.Details()[0].(*p4v1.Error).GetCanonicalCode()); c != want || st.Code() != codes.Unknown {
			t.Fatalf("Read %s: %v in %v, want %v in UNKNOWN: %v", request, c, st.Code(), want, st.Details())
		}
		return
	}
	if st.Code() != want {
		t.Fatalf("Read %s: %v, want %v", request, err, want)
	}
}

// detailCodes decodes the p4.v1.Error messages of a batch.
func detailCodes(t testing.TB, err error) []codes.Code {
	t.Helper()
	st := status.Convert(err)
	if st.Code() != codes.Unknown {
		t.Fatalf("got %v, want UNKNOWN with details", err)
	}
	var out []codes.Code
	for _, d := range st.Details() {
		out = append(out, codes.Code(d.(*p4v1.Error).GetCanonicalCode()))
	}
	return out
}
