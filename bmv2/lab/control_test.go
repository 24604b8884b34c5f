package lab

import (
	"context"
	"encoding/json"
	"net"
	"testing"
	"time"

	configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/encoding/prototext"

	"github.com/telltale-net/telltale/p4src"
	"github.com/telltale-net/telltale/topology"
)

// controller is the least that may push a pipeline: one stream, one election.
type controller struct {
	p4v1.P4RuntimeClient
	stream   p4v1.P4Runtime_StreamChannelClient
	device   uint64
	election *p4v1.Uint128
}

func connect(t *testing.T, address string, device uint32, opts ...grpc.DialOption) *controller {
	t.Helper()
	conn, err := grpc.NewClient(address, append(opts, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c := &controller{P4RuntimeClient: p4v1.NewP4RuntimeClient(conn), device: uint64(device), election: &p4v1.Uint128{Low: 1}}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	if c.stream, err = c.StreamChannel(ctx); err != nil {
		t.Fatal(err)
	}
	if err := c.stream.Send(&p4v1.StreamMessageRequest{Update: &p4v1.StreamMessageRequest_Arbitration{
		Arbitration: &p4v1.MasterArbitrationUpdate{DeviceId: c.device, ElectionId: c.election}}}); err != nil {
		t.Fatal(err)
	}
	if m, err := c.stream.Recv(); err != nil || m.GetArbitration().GetStatus().GetCode() != 0 {
		t.Fatalf("not primary of device %d: %v, %v", device, m, err)
	}
	return c
}

func parse(t *testing.T, p p4src.Program) *configv1.P4Info {
	t.Helper()
	var info configv1.P4Info
	// p4c is newer than our P4Runtime and writes fields that it does not know.
	if err := (prototext.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(p.P4Info, &info); err != nil {
		t.Fatal(err)
	}
	return &info
}

func (c *controller) push(t *testing.T, p p4src.Program) {
	t.Helper()
	if _, err := c.SetForwardingPipelineConfig(t.Context(), &p4v1.SetForwardingPipelineConfigRequest{
		DeviceId: c.device, ElectionId: c.election, Action: p4v1.SetForwardingPipelineConfigRequest_VERIFY_AND_COMMIT,
		Config: &p4v1.ForwardingPipelineConfig{P4Info: parse(t, p), P4DeviceConfig: p.JSON},
	}); err != nil {
		t.Fatalf("pushing %s: %v", p.Name, err)
	}
}

// packetOut sends a packet out of a port and waits until the server has it.
func (c *controller) packetOut(t *testing.T, l *Lab, node string, port topology.Port, payload []byte) {
	t.Helper()
	n := l.nodesByName[node]
	before := n.server.Stats().PacketOuts
	if err := c.stream.Send(&p4v1.StreamMessageRequest{Update: &p4v1.StreamMessageRequest_Packet{
		Packet: &p4v1.PacketOut{Payload: payload, Metadata: []*p4v1.PacketMetadata{
			{MetadataId: 1, Value: canonical(uint16(port))}, {MetadataId: 2, Value: []byte{0}}}}}}); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); n.server.Stats().PacketOuts == before; time.Sleep(time.Millisecond) {
		if s := n.server.Stats(); s.PacketOutsRefused > 0 || time.Now().After(deadline) {
			t.Fatalf("the server did not take the packet-out: %+v", s)
		}
	}
}

func canonical(v uint16) []byte {
	if v < 256 {
		return []byte{byte(v)}
	}
	return []byte{byte(v >> 8), byte(v)}
}

func closing(t *testing.T, l *Lab) {
	t.Helper()
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if err := l.Close(); err != nil {
			t.Errorf("closing twice: %v", err)
		}
	})
}

// A controller pushes pipelines over the loopback; a packet-out goes on when time does.
func TestPipelineAndPacketOut(t *testing.T) {
	l, err := New(Config{Fabric: small(t)})
	if err != nil {
		t.Fatal(err)
	}
	closing(t, l)
	address, err := l.P4RTAddr("leaf1")
	if err != nil {
		t.Fatal(err)
	}
	runUntil(t, l, time.Second)
	leaf := l.nodesByName["leaf1"]
	c := connect(t, address, leaf.ID)
	c.push(t, p4src.Fabric)
	if n := l.Stats().Nodes[leaf.ref]; n.Pipelines != 1 || l.nodesByName["leaf2"].sw != nil {
		t.Fatalf("leaf1 has had %d pipelines, leaf2 has one: %v", n.Pipelines, l.nodesByName["leaf2"].sw != nil)
	}
	var seen []Time
	l.watch = func(w *wire, at Time, b []byte) {
		if w.from.name == "leaf1:1" && len(b) == 100 {
			seen = append(seen, at)
		}
	}
	payload := make([]byte, 100)
	c.packetOut(t, l, "leaf1", 1, payload)
	if s := l.Stats(); s.Nodes[leaf.ref].PacketOuts != 1 || len(seen) != 0 {
		t.Fatalf("before time went on: %d packet-outs, seen on the link at %v", s.Nodes[leaf.ref].PacketOuts, seen)
	}
	runUntil(t, l, 2*time.Second)
	if len(seen) != 1 || seen[0] != Time(time.Second) {
		t.Fatalf("packet-out seen on the link at %v, want once at 1s", seen)
	}
}

// idling returns the fabric program with idle timeouts on its routes.
func idling(t *testing.T) (p4src.Program, *configv1.Table) {
	t.Helper()
	var program map[string]any
	if err := json.Unmarshal(p4src.Fabric.JSON, &program); err != nil {
		t.Fatal(err)
	}
	for _, pipeline := range program["pipelines"].([]any) {
		for _, table := range pipeline.(map[string]any)["tables"].([]any) {
			if x := table.(map[string]any); x["name"] == "routes" {
				x["support_timeout"] = true
			}
		}
	}
	p := p4src.Fabric
	var err error
	if p.JSON, err = json.Marshal(program); err != nil {
		t.Fatal(err)
	}
	info := parse(t, p)
	var routes *configv1.Table
	for _, table := range info.Tables {
		if table.Preamble.Name == "routes" {
			table.IdleTimeoutBehavior = configv1.Table_NOTIFY_CONTROL
			routes = table
		}
	}
	if p.P4Info, err = (prototext.MarshalOptions{}).Marshal(info); err != nil {
		t.Fatal(err)
	}
	return p, routes
}

// idleFor reads how long ago a table's only entry was hit.
func (c *controller) idleFor(t *testing.T, table uint32) time.Duration {
	t.Helper()
	stream, err := c.Read(t.Context(), &p4v1.ReadRequest{DeviceId: c.device, Entities: []*p4v1.Entity{{
		Entity: &p4v1.Entity_TableEntry{TableEntry: &p4v1.TableEntry{TableId: table, TimeSinceLastHit: &p4v1.TableEntry_IdleTimeout{}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := stream.Recv()
	if err != nil || len(r.GetEntities()) != 1 {
		t.Fatalf("read %v, %v; want one entry", r, err)
	}
	return time.Duration(r.Entities[0].GetTableEntry().GetTimeSinceLastHit().GetElapsedNs())
}

// A switch through which nothing passes still notices that its entries idle, by the
// lab's clock.
func TestIdleTimeout(t *testing.T) {
	l, err := New(Config{Fabric: small(t), Clocks: map[string]SwitchClock{"leaf1": {Offset: time.Hour, DriftPPB: 50000}}})
	if err != nil {
		t.Fatal(err)
	}
	closing(t, l)
	address, err := l.P4RTAddr("leaf1")
	if err != nil {
		t.Fatal(err)
	}
	p, routes := idling(t)
	c := connect(t, address, l.nodesByName["leaf1"].ID)
	c.push(t, p)
	runUntil(t, l, 1005*time.Millisecond) // half-way between two looks for idle entries
	var toCPU uint32
	for _, a := range parse(t, p).Actions {
		if a.Preamble.Name == "to_cpu" {
			toCPU = a.Preamble.Id
		}
	}
	if _, err := c.Write(t.Context(), &p4v1.WriteRequest{DeviceId: c.device, ElectionId: c.election, Updates: []*p4v1.Update{{
		Type: p4v1.Update_INSERT, Entity: &p4v1.Entity{Entity: &p4v1.Entity_TableEntry{TableEntry: &p4v1.TableEntry{
			TableId: routes.Preamble.Id, IdleTimeoutNs: int64(100 * time.Millisecond),
			Match:  []*p4v1.FieldMatch{{FieldId: 1, FieldMatchType: &p4v1.FieldMatch_Lpm{Lpm: &p4v1.FieldMatch_LPM{Value: []byte{10, 9, 0, 0}, PrefixLen: 16}}}},
			Action: &p4v1.TableAction{Type: &p4v1.TableAction_Action{Action: &p4v1.Action{ActionId: toCPU}}},
		}}}}}}); err != nil {
		t.Fatal(err)
	}
	runUntil(t, l, 1050*time.Millisecond)
	if idle := c.idleFor(t, routes.Preamble.Id); idle != 45*time.Millisecond+2250 {
		t.Errorf("the entry is read to have been idle for %v, want 45ms by its own clock, which is fast", idle)
	}
	runUntil(t, l, 1150*time.Millisecond)
	m, err := c.stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	n := m.GetIdleTimeoutNotification()
	if at := time.Duration(n.GetTimestamp()); len(n.GetTableEntry()) != 1 || at != 1110*time.Millisecond {
		t.Errorf("notified by %v, want one entry at 1.11s: it was idle for 100ms at 1.105s", m)
	}
	// A pipeline that needs no ticks ends them.
	c.push(t, p4src.Fabric)
	runUntil(t, l, 2*time.Second)
	if n := pending(l); n != 0 {
		t.Errorf("%d events pending though nothing is going on", n)
	}
}

// The servers listen where the caller says.
func TestListen(t *testing.T) {
	pipes := map[string]*bufconn.Listener{}
	l, err := New(Config{Fabric: small(t), Listen: func(n topology.Node) (net.Listener, error) {
		pipes[n.Name] = bufconn.Listen(1 << 16)
		return pipes[n.Name], nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	closing(t, l)
	for _, p := range []struct {
		node    string
		program p4src.Program
	}{{"spine2", p4src.Fabric}, {"vs1", p4src.VSwitch}} {
		connect(t, "passthrough:///"+p.node, l.nodesByName[p.node].ID,
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return pipes[p.node].DialContext(ctx) }),
		).push(t, p.program)
	}
	if _, err := l.P4RTAddr("collector"); err == nil {
		t.Error("the collector has a P4Runtime server")
	}
	if _, err := l.P4RTAddr("nobody"); err == nil {
		t.Error("a node that does not exist has a P4Runtime server")
	}
}

// A lab that cannot be built says why and leaves nothing running.
func TestNewRefuses(t *testing.T) {
	f := func(name string, cfg Config) {
		t.Helper()
		l, err := New(cfg)
		if err == nil {
			l.Close()
			t.Errorf("%s: no error", name)
			return
		}
		t.Logf("%s: %v", name, err)
	}
	dangling := small(t)
	dangling.Links = append(dangling.Links, topology.Link{A: topology.Endpoint{Node: "leaf1", Port: 77}, B: topology.Endpoint{Node: "nobody", Port: 1}})
	f("dangling link", Config{Fabric: dangling})
	f("clock of the collector", Config{Fabric: small(t), Clocks: map[string]SwitchClock{"collector": {}}})
	f("clock that drifts away", Config{Fabric: small(t), Clocks: map[string]SwitchClock{"leaf1": {DriftPPB: 1e9}}})
	taken := small(t)
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close()
	taken.Nodes[3].P4RT = lis.Addr().String()
	f("address in use", Config{Fabric: taken})
}
