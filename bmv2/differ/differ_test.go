package differ_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	"github.com/telltale-net/telltale/bmv2/differ"
	"github.com/telltale-net/telltale/bmv2/runner"
	"github.com/telltale-net/telltale/bmv2/simpleswitch"
	"github.com/telltale-net/telltale/p4src"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func program(t *testing.T, p p4src.Program) *runner.Program {
	t.Helper()
	c, err := runner.NewProgram(p.JSON, p.P4Info)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func dial(addr string) *grpc.ClientConn {
	c, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithMaxHeaderListSize(8<<20))
	if err != nil {
		panic(err)
	}
	return c
}

// ours starts a live switch of our own as judge, in real time.
func ours(ctx context.Context) (differ.Judge, error) {
	var lis [2]net.Listener
	for i := range lis {
		var err error
		if lis[i], err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return differ.Judge{}, err
		}
	}
	l, err := runner.NewLive(runner.LiveConfig{P4RT: lis[0], Dataplane: lis[1]})
	if err != nil {
		return differ.Judge{}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	a, b := dial(lis[0].Addr().String()), dial(lis[1].Addr().String())
	return differ.Judge{Device: 1, P4RT: a, Data: b, Batch: 64, Stop: func() error {
		cancel()
		return errors.Join(a.Close(), b.Close(), <-ended)
	}}, nil
}

// bmv2 starts simple_switch_grpc.
func bmv2(path string) func(context.Context) (differ.Judge, error) {
	return func(ctx context.Context) (differ.Judge, error) {
		p, err := simpleswitch.Start(ctx, simpleswitch.Config{Path: path, DeviceID: 1, Dataplane: true})
		if err != nil {
			return differ.Judge{}, err
		}
		a, b := dial(p.Addr()), dial(p.DataplaneAddr())
		return differ.Judge{Device: 1, P4RT: a, Data: b, Batch: 64, Stop: func() error { return errors.Join(a.Close(), b.Close(), p.Stop()) }}, nil
	}
}

// same compares p with a judge and wants no difference.
func same(t *testing.T, p p4src.Program, start func(context.Context) (differ.Judge, error), packets int) {
	t.Helper()
	sum, err := differ.Run(t.Context(), differ.Config{
		Setup: runner.Setup{Program: program(t, p)}, Start: start,
		Random: packets, Seed: 5, RandomEntries: true, Ports: []uint16{0, 1, 2, 3, 510},
		Report: func(d *differ.Difference) error {
			return fmt.Errorf("packet %d, port %d, %x: %s; only model %x, only judge %x", d.Packet, d.Port, d.Data, d.Class(), d.OnlyModel, d.OnlyJudge)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if sum.Packets != packets || sum.Out == 0 || sum.Updates == 0 || sum.Covered.States.Seen < 5 {
		t.Errorf("got %+v", sum)
	}
}

// TestOwnSwitch: the model in virtual time and our live switch in real time agree, so
// whatever depends on time is found out.
func TestOwnSwitch(t *testing.T) {
	same(t, p4src.Fabric, ours, 600)
	same(t, p4src.VSwitch, ours, 600)
}

func TestRealSwitch(t *testing.T) {
	path, err := simpleswitch.Find()
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	same(t, p4src.Fabric, bmv2(path), 1000)
	same(t, p4src.VSwitch, bmv2(path), 1000)
}

// meddler passes requests on and bends writes.
type meddler struct {
	grpc.ClientConnInterface
	write func(*p4v1.WriteRequest)
}

func (m *meddler) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	if req, ok := args.(*p4v1.WriteRequest); ok {
		req = proto.CloneOf(req)
		m.write(req)
		args = req
	}
	return m.ClientConnInterface.Invoke(ctx, method, args, reply, opts...)
}

const hopEntries = `
updates { type: INSERT entity { table_entry { table_id: 49645444
	match { field_id: 1 exact { value: "\x01" } }
	action { action { action_id: 22120162 params { param_id: 1 value: "\x05" } } } } } }
updates { type: INSERT entity { table_entry { table_id: 49645444
	match { field_id: 1 exact { value: "\x09" } }
	action { action { action_id: 22120162 params { param_id: 1 value: "\x06" } } } } } }
`

func hop(t *testing.T, start func(context.Context) (differ.Judge, error), packets string) (differ.Summary, []*differ.Difference, error) {
	t.Helper()
	p, err := runner.ReadProgram("../runner/testdata/hop.json", "../runner/testdata/hop.p4info.txtpb")
	if err != nil {
		t.Fatal(err)
	}
	req, err := runner.ParseEntries([]byte(hopEntries))
	if err != nil {
		t.Fatal(err)
	}
	var seen []*differ.Difference
	sum, err := differ.Run(t.Context(), differ.Config{
		Setup: runner.Setup{Program: p, Entries: req}, Start: start, Patience: 5 * time.Second,
		Inputs: []runner.Input{{Port: 1, Name: "packets", R: strings.NewReader(packets)}},
		Report: func(d *differ.Difference) error { seen = append(seen, d); return nil },
	})
	return sum, seen, err
}

// TestDifferencesAreFound: a judge that was given another entry is caught, on the
// packets it matters for, and when it is asked for its entries; times are not compared.
func TestDifferencesAreFound(t *testing.T) {
	start := func(ctx context.Context) (differ.Judge, error) {
		j, err := ours(ctx)
		j.P4RT = &meddler{j.P4RT, func(r *p4v1.WriteRequest) {
			r.Updates[0].GetEntity().GetTableEntry().GetAction().GetAction().GetParams()[0].Value = []byte{7}
		}}
		return j, err
	}
	sum, seen, err := hop(t, start, "0100\n0900112233445566aa\n0200\n0101\n")
	if err != nil {
		t.Fatal(err)
	}
	if sum.Packets != 4 || sum.Different != 2 || sum.Differences != 4 || len(seen) != 4 || sum.UndefinedBits != 48 || sum.Updates != 2 {
		t.Fatalf("got %+v", sum)
	}
	d := seen[0]
	if d.Packet != 1 || len(d.OnlyModel) != 1 || len(d.OnlyJudge) != 1 || d.OnlyModel[0].Port != 5 || d.OnlyJudge[0].Port != 7 || len(d.Steps) == 0 {
		t.Errorf("got %+v", d)
	}
	if !strings.HasPrefix(d.Class(), "other bytes .start > send") {
		t.Errorf("class: got %q", d.Class())
	}
}

// TestRefusedWritesAreFound: what only one side takes is reported and taken back.
func TestRefusedWritesAreFound(t *testing.T) {
	start := func(ctx context.Context) (differ.Judge, error) {
		j, err := ours(ctx)
		j.P4RT = &meddler{j.P4RT, func(r *p4v1.WriteRequest) {
			if len(r.GetUpdates()) > 1 {
				r.Updates[0].GetEntity().GetTableEntry().Match[0].FieldId = 9
			}
		}}
		return j, err
	}
	sum, seen, err := hop(t, start, "0100\n")
	if err != nil {
		t.Fatal(err)
	}
	if sum.Differences != 1 || sum.Updates != 1 || seen[0].Update == nil || seen[0].Model != nil || seen[0].JudgeAnswer == nil {
		t.Errorf("got %+v, %+v", sum, seen)
	}
}

// mortal is a connection that breaks after some streams.
type mortal struct {
	grpc.ClientConnInterface
	left int
}

func (m *mortal) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	if m.left--; m.left == 0 {
		return nil, errors.New("gone")
	}
	return m.ClientConnInterface.NewStream(ctx, desc, method, opts...)
}

// TestDeathOfNoPacket: a judge that dies is started anew, and given again what was under
// way; if it then lives, no packet is to blame.
func TestDeathOfNoPacket(t *testing.T) {
	starts := 0
	start := func(ctx context.Context) (differ.Judge, error) {
		j, err := ours(ctx)
		if starts++; starts == 1 {
			j.Data = &mortal{j.Data, 2}
			stop := j.Stop
			j.Stop = func() error { _ = stop(); return errors.New("it was not well") }
		}
		return j, err
	}
	sum, seen, err := hop(t, start, "0100\n0101\n")
	if err != nil {
		t.Fatal(err)
	}
	if sum.Died != 1 || sum.Unexplained != 1 || sum.Differences != 0 || sum.Packets != 2 || sum.Compared != 2 || len(seen) != 0 {
		t.Errorf("got %+v, %+v", sum, seen)
	}
}

func TestEmptyPacketIsRefused(t *testing.T) {
	_, _, err := hop(t, ours, "0x\n")
	if err == nil || !strings.Contains(err.Error(), "packet 1 is empty") {
		t.Errorf("got %v", err)
	}
}
