package runner_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/port"
	"github.com/telltale-net/telltale/bmv2/port/dataplane"
	"github.com/telltale-net/telltale/bmv2/runner"
)

// hop is a program that forwards by its first byte and adds one to its second.
func hop(t testing.TB) *runner.Program {
	t.Helper()
	p, err := runner.ReadProgram("testdata/hop.json", "testdata/hop.p4info.txtpb")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// entries: kind k leaves by port p.
func entries(t testing.TB, to map[byte]byte) string {
	t.Helper()
	var b strings.Builder
	for kind, port := range to {
		fmt.Fprintf(&b, `updates { type: INSERT entity { table_entry { table_id: 49645444
			match { field_id: 1 exact { value: "\x%02x" } }
			action { action { action_id: 22120162 params { param_id: 1 value: "\x%02x" } } } } } }
`, kind, port)
	}
	return b.String()
}

// live is a switch at work with ports 1 and 2 in memory and all else over gRPC.
type live struct {
	*runner.Live
	a, b  port.Driver
	data  *grpc.ClientConn
	ctl   *runner.Controller
	t     *testing.T
	ended chan error
	stop  func()
}

func start(t *testing.T, p *runner.Program) *live {
	t.Helper()
	var lis [2]net.Listener
	for i := range lis {
		var err error
		if lis[i], err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	l := &live{t: t, ended: make(chan error, 1)}
	ports := map[uint16]port.Driver{}
	l.a, ports[1] = port.Pipe(64)
	l.b, ports[2] = port.Pipe(64)
	var err error
	l.Live, err = runner.NewLive(runner.LiveConfig{
		Program: p, Ports: ports, P4RT: lis[0], Dataplane: lis[1], Engine: engine.Config{CPUPort: 510},
		Notice: func(err error) { t.Error(err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { l.ended <- l.Run(ctx) }()
	dial := func(lis net.Listener) *grpc.ClientConn {
		c, err := grpc.NewClient(lis.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	control := dial(lis[0])
	l.data = dial(lis[1])
	if l.ctl, err = runner.NewController(t.Context(), control, 1); err != nil {
		t.Fatal(err)
	}
	l.stop = func() {
		for _, err := range []error{l.ctl.Close(), control.Close(), l.data.Close()} {
			if err != nil {
				t.Error(err)
			}
		}
		cancel()
		if err := <-l.ended; err != nil {
			t.Error(err)
		}
		for _, err := range []error{l.a.Close(), l.b.Close()} {
			if err != nil {
				t.Error(err)
			}
		}
	}
	return l
}

func (l *live) write(text string) {
	l.t.Helper()
	req, err := runner.ParseEntries([]byte(text))
	if err != nil {
		l.t.Fatal(err)
	}
	if err := l.ctl.WriteAll(l.t.Context(), req); err != nil {
		l.t.Fatal(err)
	}
}

func TestLiveForwards(t *testing.T) {
	l := start(t, nil)
	if err := l.a.Send([]byte{1, 0}); err != nil {
		t.Fatal(err)
	}
	for l.Stats().NoPipeline == 0 {
		time.Sleep(time.Millisecond)
	}
	p := hop(t)
	if err := l.ctl.Push(t.Context(), p.Info, p.JSON); err != nil {
		t.Fatal(err)
	}
	l.write(entries(t, map[byte]byte{1: 2, 2: 1, 3: 7}))
	if err := l.a.Send([]byte{1, 41, 7}); err != nil {
		t.Fatal(err)
	}
	got, err := l.b.Receive()
	if err != nil || !bytes.Equal(got, []byte{1, 42, 7}) {
		t.Fatalf("got %x, %v", got, err)
	}
	if err := l.b.Send([]byte{3, 0}); err != nil { // nobody is at port 7
		t.Fatal(err)
	}
	for l.Stats().Unconnected == 0 {
		time.Sleep(time.Millisecond)
	}
	l.stop()
	s := l.Stats()
	if s.Ports[0].RxPackets != 2 || s.Ports[1].TxPackets != 1 || s.Ports[1].RxPackets != 1 || s.Engine.Received != 2 {
		t.Errorf("got stats %+v", s)
	}
}

func TestLivePacketStream(t *testing.T) {
	l := start(t, hop(t))
	defer l.stop()
	l.write(entries(t, map[byte]byte{1: 5, 2: 6, 9: 5}))
	c := dataplane.NewClient(l.data, 1)
	var in []dataplane.Packet
	const n = 3000
	for i := range n {
		in = append(in, dataplane.Packet{ID: uint64(i + 1), Port: 4, Data: binary.BigEndian.AppendUint16([]byte{byte(1 + i%3), 0}, uint16(i))})
	}
	out, err := c.Exchange(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if len(out) != 2*n/3 {
		t.Fatalf("got %d packets, want %d", len(out), 2*n/3)
	}
	for _, o := range out {
		want := in[o.ID-1].Data
		if o.Port != uint16(4+want[0]) || o.Data[1] != 1 || !bytes.Equal(o.Data[2:], want[2:]) {
			t.Fatalf("packet %d: got %x by port %d, of %x", o.ID, o.Data, o.Port, want)
		}
	}
	if out, err = c.Exchange(t.Context(), nil); err != nil || len(out) != 0 {
		t.Errorf("nothing in: got %d packets, %v", len(out), err)
	}
}

func TestLivePacketStreamServesOne(t *testing.T) {
	l := start(t, hop(t))
	defer l.stop()
	stub := dataplane.NewDataplaneInterfaceClient(l.data)
	first, err := stub.PacketStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l.write(entries(t, map[byte]byte{1: 5}))
	if err := first.Send(&dataplane.PacketStreamRequest{Id: 9, DeviceId: 1, Port: 1, Packet: []byte{1, 0}}); err != nil {
		t.Fatal(err)
	}
	if m, err := first.Recv(); err != nil || m.GetId() != 9 || m.GetDeviceId() != 1 {
		t.Fatalf("got %v, %v", m, err)
	}
	second, err := stub.PacketStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second.Recv(); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("second client: got %v, want RESOURCE_EXHAUSTED", err)
	}
	if err := first.Send(&dataplane.PacketStreamRequest{DeviceId: 1, Port: 512, Packet: []byte{1}}); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Recv(); status.Code(err) != codes.InvalidArgument {
		t.Errorf("port 512: got %v, want INVALID_ARGUMENT", err)
	}
	c := dataplane.NewClient(l.data, 1)
	if err := c.SetPortUp(t.Context(), 3, false); err != nil {
		t.Error(err)
	}
	if err := c.SetPortUp(t.Context(), 3, true); err != nil {
		t.Error(err)
	}
	if err := dataplane.NewClient(l.data, 2).SetPortUp(t.Context(), 3, true); status.Code(err) != codes.InvalidArgument {
		t.Errorf("another device: got %v, want INVALID_ARGUMENT", err)
	}
	if _, err := stub.SetPortOperStatus(t.Context(), &dataplane.SetPortOperStatusRequest{DeviceId: 1}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("no status: got %v, want INVALID_ARGUMENT", err)
	}
}

// TestLiveSheds: a port that takes nothing loses packets, counted, and hinders nobody.
func TestLiveSheds(t *testing.T) {
	l := start(t, hop(t))
	l.write(entries(t, map[byte]byte{1: 2, 2: 5}))
	c := dataplane.NewClient(l.data, 1)
	var in []dataplane.Packet
	for range 3000 {
		in = append(in, dataplane.Packet{Port: 1, Data: []byte{1, 0}})
	}
	in = append(in, dataplane.Packet{Port: 1, Data: []byte{2, 0}})
	out, err := c.Exchange(t.Context(), in)
	if err != nil || len(out) != 1 {
		t.Fatalf("got %d packets, %v; want 1", len(out), err)
	}
	s := l.Stats()
	if p := s.Ports[1]; p.TxShed == 0 || p.TxShed+p.TxPackets > 3000 || s.Engine.Transmitted != 3001 {
		t.Errorf("got %+v of %d transmitted; want some shed", p, s.Engine.Transmitted)
	}
	go func() { // let the switch finish
		for {
			if _, err := l.b.Receive(); err != nil {
				return
			}
		}
	}()
	l.stop()
	s = l.Stats()
	if p := s.Ports[1]; p.TxShed+p.TxPackets != 3000 {
		t.Errorf("got %d sent and %d shed, want 3000 together", p.TxPackets, p.TxShed)
	}
}

func TestNewLiveRefuses(t *testing.T) {
	a, b := port.Pipe(1)
	defer a.Close()
	_, err := runner.NewLive(runner.LiveConfig{Ports: map[uint16]port.Driver{510: b}, Engine: engine.Config{CPUPort: 510}})
	if err == nil || !strings.Contains(err.Error(), "port 510 is the CPU port") {
		t.Errorf("got %v", err)
	}
	if _, err := b.Receive(); err == nil {
		t.Error("the port was not closed")
	}
}

// The time of entries runs also while no packet comes.
func TestLiveIdleTimes(t *testing.T) {
	l := start(t, hop(t))
	defer l.stop()
	l.write(`updates { type: INSERT entity { table_entry { table_id: 49645444 match { field_id: 1 exact { value: "\x01" } }
		action { action { action_id: 18759588 } } idle_timeout_ns: 50000000 } } }`)
	written := time.Now()
	query := &p4v1.Entity{Entity: &p4v1.Entity_TableEntry{TableEntry: &p4v1.TableEntry{
		TableId: 49645444, TimeSinceLastHit: &p4v1.TableEntry_IdleTimeout{},
	}}}
	var idle time.Duration
	for last := time.Duration(-1); idle < 60*time.Millisecond; last = idle {
		es, err := l.ctl.Read(t.Context(), query)
		if err != nil || len(es) != 1 {
			t.Fatalf("%v, %v", es, err)
		}
		idle = time.Duration(es[0].GetTableEntry().GetTimeSinceLastHit().GetElapsedNs())
		if idle < last {
			t.Fatalf("idle for %v, and later for %v", last, idle)
		}
	}
	if most := time.Since(written) + time.Second; idle > most {
		t.Errorf("idle for %v, written at most %v ago", idle, most)
	}
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
