package p4src_test

import (
	"context"
	"testing"
	"time"

	configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/telltale-net/telltale/bmv2/port/dataplane"
	"github.com/telltale-net/telltale/bmv2/runner"
	"github.com/telltale-net/telltale/bmv2/simpleswitch"
	"github.com/telltale-net/telltale/p4src"
)

// A realSwitch is simple_switch_grpc as a target of the tests: entries go in through
// P4Runtime, packets through its data-plane gRPC service, so that it takes neither root
// nor network interfaces. It runs on the same program, and the tests expect the same
// bytes of it, except for times. It has no CPU port of its own: that is a port like any
// other here, and what passes it carries its packet_in or packet_out header.
type realSwitch struct {
	testing.TB
	info       *configv1.P4Info
	controller *runner.Controller
	data       *dataplane.Client
}

// patience is how long the real switch may take for anything.
const patience = 10 * time.Second

func startReal(tb testing.TB, p p4src.Program, info *configv1.P4Info) *realSwitch {
	tb.Helper()
	path, err := simpleswitch.Find()
	if err != nil {
		tb.Fatalf("-target simple_switch_grpc: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	tb.Cleanup(cancel)
	process, err := simpleswitch.Start(ctx, simpleswitch.Config{Path: path, DeviceID: 1, Dataplane: true})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := process.Stop(); err != nil {
			tb.Error(err)
		}
		if tb.Failed() {
			tb.Logf("simple_switch_grpc said:\n%s", process.Output())
		}
	})
	r := &realSwitch{TB: tb, info: info, data: dataplane.NewClient(dial(tb, process.DataplaneAddr()), 1)}
	if r.controller, err = runner.NewController(ctx, dial(tb, process.Addr()), 1); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := r.controller.Close(); err != nil {
			tb.Error(err)
		}
	})
	if err := r.controller.Push(ctx, info, p.JSON); err != nil {
		tb.Fatal(err)
	}
	// The service says "not ready" until the switch runs, some time after it has
	// accepted the pipeline. A packet-out to a port that nothing else uses finds out.
	probe := []dataplane.Packet{{Port: p4src.CPUPort, Data: []byte{199 >> 1, 199 & 1 << 7}}}
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		if _, err = r.data.Exchange(ctx, probe); err == nil {
			return r
		} else if time.Now().After(deadline) {
			tb.Fatalf("the data plane is not ready after %v: %v", patience, err)
		}
	}
}

func dial(tb testing.TB, addr string) *grpc.ClientConn {
	tb.Helper()
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	return conn
}

// send lets one packet in and returns all that leaves because of it.
func (r *realSwitch) send(port uint16, data []byte) []frame {
	r.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	packets, err := r.data.Exchange(ctx, []dataplane.Packet{{Port: port, Data: data}})
	if err != nil {
		r.Fatalf("cannot send a packet: %v", err)
	}
	var out []frame
	for _, p := range packets {
		out = append(out, frame{port: p.Port, data: p.Data})
	}
	return out
}

// write is one update.
func (r *realSwitch) write(t p4v1.Update_Type, e *p4v1.Entity) error {
	errs, err := r.controller.Write(context.Background(), []*p4v1.Update{{Type: t, Entity: e}})
	if err != nil {
		return err
	}
	return errs[0]
}
