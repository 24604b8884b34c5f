package p4src_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/telltale-net/telltale/p4src"
)

// A realSwitch is simple_switch_grpc as a target of the tests: entries go in through
// P4Runtime, packets through its data-plane gRPC service, so that it takes neither root
// nor network interfaces. It runs on the same program, and the tests expect the same
// bytes of it, except for times.
type realSwitch struct {
	testing.TB
	info   *configv1.P4Info
	client p4v1.P4RuntimeClient
	stream p4v1.P4Runtime_StreamChannelClient
	data   grpc.ClientStream
	out    chan frame
}

// How the tests know that a real switch is done with a packet: markers follow it on the
// same stream, packet-outs to ports that nothing else uses. simple_switch has one ingress
// thread and four egress threads, each of which serves every fourth port in order; so
// when a marker is back from each of the four, the packet has left egress, and when
// another round is back, so have its clones. A packet-in comes on another stream: if
// nothing else came, the tests wait a little for it.
const (
	markerPort   = 196 // to 199
	markerPorts  = 4
	markerRounds = 2
	quiet        = 300 * time.Millisecond
	patience     = 10 * time.Second
)

func startReal(tb testing.TB, p p4src.Program, info *configv1.P4Info) *realSwitch {
	tb.Helper()
	path, err := exec.LookPath("simple_switch_grpc")
	if err != nil {
		tb.Fatalf("-target simple_switch_grpc, but it is not on PATH: %v", err)
	}
	ports := freePorts(tb, 3)
	control, data, thrift := ports[0], ports[1], ports[2]
	cmd := exec.Command(path, "--no-p4", "--device-id", "1", "--thrift-port", strconv.Itoa(thrift),
		"--notifications-addr", fmt.Sprintf("ipc://%s/n", tb.TempDir()), "--",
		"--grpc-server-addr", addr(control), "--dp-grpc-server-addr", addr(data), "--cpu-port", strconv.Itoa(p4src.CPUPort))
	log := new(lockedBuffer)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	r := &realSwitch{TB: tb, info: info, out: make(chan frame, 64)}
	ctx, cancel := context.WithCancel(context.Background())
	tb.Cleanup(func() {
		cancel()
		cmd.Process.Kill()
		cmd.Wait()
		if tb.Failed() {
			tb.Logf("simple_switch_grpc said:\n%s", log)
		}
	})
	r.client = p4v1.NewP4RuntimeClient(dial(tb, control))
	r.connect(ctx)
	r.push(ctx, p)
	r.openData(ctx, dial(tb, data))
	go r.receiveFrames()
	go r.receivePacketIns()
	return r
}

// freePorts returns different TCP ports that nobody listens on.
func freePorts(tb testing.TB, n int) []int {
	tb.Helper()
	ports := make([]int, n)
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			tb.Fatal(err)
		}
		defer l.Close()
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports
}

func addr(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

func dial(tb testing.TB, port int) *grpc.ClientConn {
	tb.Helper()
	conn, err := grpc.NewClient(addr(port), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	return conn
}

var election = &p4v1.Uint128{Low: 1}

func (r *realSwitch) connect(ctx context.Context) {
	r.Helper()
	var err error
	if r.stream, err = r.client.StreamChannel(ctx, grpc.WaitForReady(true)); err != nil {
		r.Fatalf("cannot open the P4Runtime stream: %v", err)
	}
	if err := r.stream.Send(&p4v1.StreamMessageRequest{Update: &p4v1.StreamMessageRequest_Arbitration{
		Arbitration: &p4v1.MasterArbitrationUpdate{DeviceId: 1, ElectionId: election},
	}}); err != nil {
		r.Fatal(err)
	}
	if _, err := r.stream.Recv(); err != nil {
		r.Fatalf("cannot become the primary controller: %v", err)
	}
}

func (r *realSwitch) push(ctx context.Context, p p4src.Program) {
	r.Helper()
	if _, err := r.client.SetForwardingPipelineConfig(ctx, &p4v1.SetForwardingPipelineConfigRequest{
		DeviceId: 1, ElectionId: election, Action: p4v1.SetForwardingPipelineConfigRequest_VERIFY_AND_COMMIT,
		Config: &p4v1.ForwardingPipelineConfig{P4Info: r.info, P4DeviceConfig: p.JSON},
	}); err != nil {
		r.Fatalf("simple_switch_grpc refuses %s: %v", p.Name, err)
	}
}

// openData opens the data plane. The service says "not ready" until the switch runs,
// some time after it has accepted the pipeline: a marker that comes back says it does.
func (r *realSwitch) openData(ctx context.Context, conn *grpc.ClientConn) {
	r.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(quiet) {
		if r.data, err = conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true},
			"/p4.bm.DataplaneInterface/PacketStream", grpc.ForceCodec(bytesCodec{}), grpc.WaitForReady(true)); err != nil {
			continue
		}
		if err = r.mark(); err != nil {
			continue
		}
		var m []byte
		for back := 0; err == nil; back++ {
			if back == markerPorts {
				return
			}
			err = r.data.RecvMsg(&m)
		}
	}
	r.Fatalf("the data plane is not ready after %v: %v", patience, err)
}

// send lets one packet in and returns what leaves until the switch has been quiet.
func (r *realSwitch) send(port uint16, data []byte) []frame {
	r.Helper()
	var err error
	if port == p4src.CPUPort {
		err = r.stream.Send(&p4v1.StreamMessageRequest{Update: &p4v1.StreamMessageRequest_Packet{Packet: &p4v1.PacketOut{
			Payload: data[2:],
			Metadata: []*p4v1.PacketMetadata{
				{MetadataId: p4src.MetaPacketOutEgressPort, Value: canonical([]byte{data[0] >> 7, data[0]<<1 | data[1]>>7})},
				{MetadataId: p4src.MetaPacketOutPad, Value: []byte{data[1] & 0x7f}},
			},
		}}})
	} else {
		err = r.inject(port, data)
	}
	if err != nil {
		r.Fatalf("cannot send a packet: %v", err)
	}
	var out []frame
	for range markerRounds {
		if err := r.mark(); err != nil {
			r.Fatalf("cannot send a marker: %v", err)
		}
		for back := 0; back < markerPorts; {
			select {
			case f := <-r.out:
				if f.port >= markerPort && f.port < markerPort+markerPorts {
					back++
				} else {
					out = append(out, f)
				}
			case <-time.After(patience):
				r.Fatalf("simple_switch_grpc is stuck: %d of %d markers are back after %v", back, markerPorts, patience)
			}
		}
	}
	if len(out) == 0 {
		select {
		case f := <-r.out:
			out = append(out, f)
		case <-time.After(quiet):
		}
	}
	return out
}

// mark sends one marker to each of their ports.
func (r *realSwitch) mark() error {
	for port := markerPort; port < markerPort+markerPorts; port++ {
		if err := r.inject(p4src.CPUPort, []byte{byte(port >> 1), byte(port << 7)}); err != nil {
			return err
		}
	}
	return nil
}

// inject encodes a p4.bm.PacketStreamRequest.
func (r *realSwitch) inject(port uint16, data []byte) error {
	var m []byte
	m = protowire.AppendVarint(protowire.AppendTag(m, 2, protowire.VarintType), 1)
	m = protowire.AppendVarint(protowire.AppendTag(m, 3, protowire.VarintType), uint64(port))
	m = protowire.AppendBytes(protowire.AppendTag(m, 4, protowire.BytesType), data)
	return r.data.SendMsg(&m)
}

func (r *realSwitch) receiveFrames() {
	for {
		var m []byte
		if r.data.RecvMsg(&m) != nil {
			return
		}
		var f frame
		for len(m) > 0 {
			num, typ, n := protowire.ConsumeTag(m)
			if n < 0 {
				return
			}
			m = m[n:]
			switch {
			case num == 3 && typ == protowire.VarintType:
				v, _ := protowire.ConsumeVarint(m)
				f.port = uint16(v)
			case num == 4 && typ == protowire.BytesType:
				v, _ := protowire.ConsumeBytes(m)
				f.data = bytes.Clone(v)
			}
			if n = protowire.ConsumeFieldValue(num, typ, m); n < 0 {
				return
			}
			m = m[n:]
		}
		r.out <- f
	}
}

// receivePacketIns turns packet-ins into what left the CPU port.
func (r *realSwitch) receivePacketIns() {
	for {
		m, err := r.stream.Recv()
		if err != nil {
			return
		}
		p := m.GetPacket()
		if p == nil {
			continue
		}
		var header [3]byte
		for _, md := range p.GetMetadata() {
			var v uint16
			for _, b := range md.GetValue() {
				v = v<<8 | uint16(b)
			}
			switch md.GetMetadataId() {
			case p4src.MetaPacketInIngressPort:
				header[0], header[1] = byte(v>>1), header[1]|byte(v<<7)
			case p4src.MetaPacketInPad:
				header[1] |= byte(v)
			case p4src.MetaPacketInReason:
				header[2] = byte(v)
			}
		}
		r.out <- frame{port: p4src.CPUPort, data: append(header[:], p.GetPayload()...)}
	}
}

// bytesCodec lets gRPC carry messages that the test encodes itself.
type bytesCodec struct{}

func (bytesCodec) Name() string                  { return "proto" }
func (bytesCodec) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }
func (bytesCodec) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = bytes.Clone(data)
	return nil
}

// lockedBuffer keeps what a process says.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
