package p4src_test

import (
	"flag"
	"sync"
	"testing"

	configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	"google.golang.org/protobuf/encoding/prototext"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/spec"
	"github.com/telltale-net/telltale/p4src"
)

// targetName is the switch under test. The expectations are the same for both; where a
// test needs what only the embedded engine has (registers, a clock, port rates), it
// skips on the other.
var targetName = flag.String("target", "embedded", "switch to run the programs on: embedded or simple_switch_grpc")

// A target is what the tests need of a switch under test.
type target interface {
	Insert(table string, e device.Entry) error
	SetDefault(table string, t *device.Target) error
	InsertMember(profile string, m device.Member) error
	InsertGroup(profile string, g device.Group) error
	SetCloneSession(c device.CloneSession) error
	ReadCounter(name string, index int) (device.CounterValue, error)
}

// A rig is one switch that runs one of our programs. The embedded engine has a clock
// that the test moves.
type rig struct {
	testing.TB
	target
	sw   *engine.Switch // nil on a real switch
	real *realSwitch    // nil on the embedded engine
	info *configv1.P4Info
	now  engine.Time
}

// rounds is how often a random test goes round: less often where a packet takes long.
func rounds(n int) int {
	if *targetName != "embedded" {
		return n / 10
	}
	return n
}

// embeddedOnly skips a test that a real switch cannot run, and says why.
func embeddedOnly(tb testing.TB, why string) {
	tb.Helper()
	if *targetName != "embedded" {
		tb.Skipf("%s %s", *targetName, why)
	}
}

// A frame is what left a switch.
type frame struct {
	port uint16
	at   engine.Time
	data []byte
}

// collectorPort is where the clone session of every rig leads.
const collectorPort = 200

func newRig(tb testing.TB, p p4src.Program, entries string) *rig {
	tb.Helper()
	r := &rig{TB: tb, info: new(configv1.P4Info), now: 1_000_000}
	if err := (prototext.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(p.P4Info, r.info); err != nil {
		tb.Fatalf("cannot read %s.p4info.txtpb: %v", p.Name, err)
	}
	switch *targetName {
	case "embedded":
		r.sw = engine.New(compiled(tb, p), engine.Config{CPUPort: p4src.CPUPort, DropPort: p4src.DropPort, Seed: 1})
		r.target = r.sw
	case "simple_switch_grpc":
		r.real = startReal(tb, p, r.info)
		r.target = r.real
	default:
		tb.Fatalf("-target %q; want embedded or simple_switch_grpc", *targetName)
	}
	if err := r.SetCloneSession(device.CloneSession{
		ID: p4src.ReportSession, Replicas: []device.Replica{{Port: collectorPort, Instance: 1}},
	}); err != nil {
		tb.Fatal(err)
	}
	r.install(entries)
	return r
}

// compiled returns the executable form of a program, made once.
func compiled(tb testing.TB, p p4src.Program) *engine.Program {
	tb.Helper()
	if prog, ok := compiledPrograms.Load(p.Name); ok {
		return prog.(*engine.Program)
	}
	sp, err := spec.Load(p.JSON)
	if err != nil {
		tb.Fatalf("cannot load %s.json: %v", p.Name, err)
	}
	prog, err := engine.Compile(sp)
	if err != nil {
		tb.Fatalf("cannot compile %s.json: %v", p.Name, err)
	}
	compiledPrograms.Store(p.Name, prog)
	return prog
}

var compiledPrograms sync.Map // name to *engine.Program

// send lets one packet in and returns all that leaves until the switch is idle.
func (r *rig) send(port uint16, data []byte) []frame {
	r.Helper()
	if r.real != nil {
		return r.real.send(port, data)
	}
	r.sw.Receive(r.now, port, data)
	return r.drain()
}

// drain runs the switch until its queues are empty; the clock stays where that was.
func (r *rig) drain() []frame {
	r.Helper()
	var out []frame
	for {
		t, ok := r.sw.Next()
		if !ok {
			return out
		}
		r.now = max(r.now, t)
		r.sw.Run(r.now, func(tx engine.Tx) {
			out = append(out, frame{tx.Port, tx.At, append([]byte(nil), tx.Data...)})
		})
	}
}

// dropped returns the drop counter of a reason, in packets.
func (r *rig) dropped(reason uint8) uint64 {
	r.Helper()
	c, err := r.ReadCounter("drop_counter", int(reason))
	if err != nil {
		r.Fatal(err)
	}
	return c.Packets
}
