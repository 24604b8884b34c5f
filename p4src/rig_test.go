package p4src_test

import (
	"flag"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"strconv"
	"strings"
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

// install puts entries, one per line, in the order of the keys in P4Info:
//
//	routes 10.0.0.0/8 -> set_nexthop(7)       an entry; ternary keys: *, value or value&mask
//	acl/5 …                                   with priority 5
//	telemetry = telemetry_config(1, 2, 0, 1)  the default action
//	member 3 = forward(1, MAC, MAC)           of the selector ecmp
//	group 1 = 3 4                             of the selector ecmp
//	nexthops 7 -> member 3                    nexthops 7 -> group 1
func (r *rig) install(lines string) {
	r.Helper()
	for _, line := range strings.Split(lines, "\n") {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if err := r.line(line); err != nil {
			r.Fatalf("cannot install %q: %v", line, err)
		}
	}
}

func (r *rig) line(line string) error {
	if head, call, ok := strings.Cut(line, " = "); ok {
		words := strings.Fields(head)
		switch words[0] {
		case "member":
			id, err := strconv.Atoi(words[1])
			if err != nil {
				return err
			}
			a, err := r.action(call)
			if err != nil {
				return err
			}
			return r.target.InsertMember("ecmp", device.Member{ID: uint32(id), Action: *a})
		case "group":
			id, err := strconv.Atoi(words[1])
			if err != nil {
				return err
			}
			g := device.Group{ID: uint32(id), MaxSize: p4src.ProfileECMPSize}
			for _, m := range strings.Fields(call) {
				n, err := strconv.Atoi(m)
				if err != nil {
					return err
				}
				g.Members = append(g.Members, device.GroupMember{Member: uint32(n), Weight: 1})
			}
			return r.target.InsertGroup("ecmp", g)
		}
		a, err := r.action(call)
		if err != nil {
			return err
		}
		return r.target.SetDefault(words[0], &device.Target{Action: a})
	}
	head, call, ok := strings.Cut(line, "->")
	if !ok {
		return fmt.Errorf("want -> or =")
	}
	words := strings.Fields(head)
	table, priority, _ := strings.Cut(words[0], "/")
	var e device.Entry
	if priority != "" {
		n, err := strconv.Atoi(priority)
		if err != nil {
			return err
		}
		e.Priority = int32(n)
	}
	matches, err := r.matches(table, words[1:])
	if err != nil {
		return err
	}
	e.Matches = matches
	call = strings.TrimSpace(call)
	if kind, id, ok := strings.Cut(call, " "); ok && (kind == "member" || kind == "group") {
		n, err := strconv.Atoi(id)
		if err != nil {
			return err
		}
		u := uint32(n)
		if kind == "member" {
			e.Target.Member = &u
		} else {
			e.Target.Group = &u
		}
	} else if e.Target.Action, err = r.action(call); err != nil {
		return err
	}
	return r.target.Insert(table, e)
}

func (r *rig) matches(table string, words []string) ([]device.Match, error) {
	for _, t := range r.info.GetTables() {
		if t.GetPreamble().GetName() != table {
			continue
		}
		fields := t.GetMatchFields()
		if len(fields) != len(words) {
			return nil, fmt.Errorf("got %d keys, want %d", len(words), len(fields))
		}
		var out []device.Match
		for i, f := range fields {
			m, err := match(f, words[i])
			if err != nil {
				return nil, fmt.Errorf("key %s: %w", f.GetName(), err)
			}
			out = append(out, m)
		}
		return out, nil
	}
	return nil, fmt.Errorf("no table %s", table)
}

func match(f *configv1.MatchField, word string) (device.Match, error) {
	bits := int(f.GetBitwidth())
	switch f.GetMatchType() {
	case configv1.MatchField_EXACT:
		v, err := value(word, bits)
		return device.Match{Kind: device.Exact, Value: v}, err
	case configv1.MatchField_LPM:
		addr, length, _ := strings.Cut(word, "/")
		n, err := strconv.Atoi(length)
		if err != nil {
			return device.Match{}, err
		}
		v, err := value(addr, bits)
		return device.Match{Kind: device.LPM, Value: v, PrefixLen: n}, err
	case configv1.MatchField_TERNARY:
		if word == "*" {
			zero := make([]byte, (bits+7)/8)
			return device.Match{Kind: device.Ternary, Value: zero, Mask: zero}, nil
		}
		v, mask, masked := strings.Cut(word, "&")
		if !masked {
			mask = "0x" + new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), uint(bits)), big.NewInt(1)).Text(16)
		}
		value1, err := value(v, bits)
		if err != nil {
			return device.Match{}, err
		}
		mask1, err := value(mask, bits)
		return device.Match{Kind: device.Ternary, Value: value1, Mask: mask1}, err
	}
	return device.Match{}, fmt.Errorf("BUG: match type %v", f.GetMatchType())
}

func (r *rig) action(call string) (*device.Action, error) {
	name, rest, ok := strings.Cut(strings.TrimSpace(call), "(")
	if !ok || !strings.HasSuffix(rest, ")") {
		return nil, fmt.Errorf("want action(arguments), got %q", call)
	}
	args := strings.Split(strings.TrimSuffix(rest, ")"), ",")
	if strings.TrimSpace(args[0]) == "" {
		args = nil
	}
	for _, a := range r.info.GetActions() {
		if a.GetPreamble().GetName() != name {
			continue
		}
		if len(a.GetParams()) != len(args) {
			return nil, fmt.Errorf("got %d arguments, want %d", len(args), len(a.GetParams()))
		}
		out := &device.Action{Name: name}
		for i, p := range a.GetParams() {
			v, err := value(strings.TrimSpace(args[i]), int(p.GetBitwidth()))
			if err != nil {
				return nil, fmt.Errorf("parameter %s: %w", p.GetName(), err)
			}
			out.Args = append(out.Args, v)
		}
		return out, nil
	}
	return nil, fmt.Errorf("no action %s", name)
}

// value reads a number, an IPv4 address or a MAC address into ⌈bits/8⌉ bytes.
func value(s string, bits int) ([]byte, error) {
	n := new(big.Int)
	if a, err := netip.ParseAddr(s); err == nil {
		n.SetBytes(a.AsSlice())
	} else if m, err := net.ParseMAC(s); err == nil {
		n.SetBytes(m)
	} else if _, ok := n.SetString(s, 0); !ok {
		return nil, fmt.Errorf("%q is no value", s)
	}
	if n.BitLen() > bits {
		return nil, fmt.Errorf("%s does not fit in %d bits", s, bits)
	}
	return n.FillBytes(make([]byte, (bits+7)/8)), nil
}
