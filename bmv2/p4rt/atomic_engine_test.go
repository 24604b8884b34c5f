package p4rt

import (
	"encoding/binary"
	"fmt"
	"testing"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/prototext"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/hash"
	"github.com/telltale-net/telltale/bmv2/p4rt/entity"
	"github.com/telltale-net/telltale/p4src"
)

// ids of the fabric program, by the names of the P4Info.
func (s *store) tableID(t testing.TB, name string) uint32 {
	t.Helper()
	for _, x := range s.schema.Tables {
		if x.Name == name {
			return x.ID
		}
	}
	t.Fatalf("no table %s", name)
	return 0
}

// ipv4 is a packet to 10.2.0.2.
func ipv4() []byte {
	f := make([]byte, 64)
	copy(f, "\x02\x00\x00\x00\x00\xfe\x02\x00\x00\x00\x00\x01\x08\x00\x45\x00\x00\x32\x00\x00\x00\x00\x40\x11\x00\x00\x0a\x01\x00\x01\x0a\x02\x00\x02")
	binary.BigEndian.PutUint16(f[24:], hash.Checksum(f[14:34]))
	return f
}

// moves makes the batches that move a route from one next hop to another which
// does not exist before: taken one by one, there is always a moment at which
// packets find nothing.
func moves(t testing.TB, s *store) func(round int) []*p4v1.Update {
	routes, nexthops := s.tableID(t, "routes"), s.tableID(t, "nexthops")
	nexthop, forward := s.schema.ActionID("set_nexthop"), s.schema.ActionID("forward")
	return func(round int) []*p4v1.Update {
		from, to := round%2+1, (round+1)%2+1
		op := "MODIFY"
		req := &p4v1.WriteRequest{}
		b := ""
		if round == 0 {
			op = "INSERT"
		} else {
			b = fmt.Sprintf(`updates { type: DELETE entity { table_entry { table_id: %d match { field_id: 1 exact { value: "\00%d" } } } } } `, nexthops, from)
		}
		b += fmt.Sprintf(`updates { type: INSERT entity { table_entry { table_id: %d match { field_id: 1 exact { value: "\00%d" } }
			action { action_profile_action_set { action_profile_actions { weight: 1 action { action_id: %d params { param_id: 1 value: "\00%d" } params { param_id: 2 value: "\001" } params { param_id: 3 value: "\001" } } } } } } } }
			updates { type: %s entity { table_entry { table_id: %d match { field_id: 1 lpm { value: "\012\000\000\000" prefix_len: 8 } } action { action { action_id: %d params { param_id: 1 value: "\00%d" } } } } } }`,
			nexthops, to, forward, to, op, routes, nexthop, to)
		if err := prototext.Unmarshal([]byte(b), req); err != nil {
			t.Fatalf("%v in %s", err, b)
		}
		return req.Updates
	}
}

// Packets run while batches move a route back and forth. With DATAPLANE_ATOMIC every
// packet leaves, also while every other batch fails and is taken back.
func TestAtomicUnseen(t *testing.T) {
	s := engineStore(t, p4src.Fabric.P4Info, p4src.Fabric.JSON)
	sw := s.dev.(*engine.Switch)
	batch := moves(t, s)
	write := func(us []*p4v1.Update) []error {
		errs, _, err := s.write(p4v1.WriteRequest_DATAPLANE_ATOMIC, us, 100)
		if err != nil {
			t.Fatal(err)
		}
		return errs
	}
	for _, err := range write(batch(0)) {
		if err != nil {
			t.Fatal(err)
		}
	}
	stop, done := make(chan struct{}), make(chan [3]int)
	go func() {
		var sent [3]int // in, through port 1, through port 2
		p := ipv4()
		for now := engine.Time(0); ; now += 1000 {
			select {
			case <-stop:
				done <- sent
				return
			default:
			}
			sent[0]++
			sw.Receive(now, 3, p)
			sw.Run(now, func(tx engine.Tx) { sent[tx.Port]++ })
		}
	}()
	for round := 1; round <= 300; round++ {
		us := batch(round)
		// The first try fails in its last update, when all else is done.
		again := append(us[:len(us):len(us)], us[len(us)-2])
		for i, err := range write(again) {
			if want := codes.Aborted; i < len(us) && entity.CodeOf(err) != want || i == len(us) && entity.CodeOf(err) != codes.AlreadyExists {
				t.Fatalf("round %d, update %d: %v", round, i, err)
			}
		}
		for i, err := range write(us) {
			if err != nil {
				t.Fatalf("round %d, update %d: %v", round, i, err)
			}
		}
	}
	close(stop)
	sent := <-done
	t.Logf("%d packets in, %d and %d out", sent[0], sent[1], sent[2])
	if sent[1]+sent[2] != sent[0] || sent[1] == 0 || sent[2] == 0 {
		t.Errorf("of %d packets %d and %d left through the ports that the route goes back and forth between", sent[0], sent[1], sent[2])
	}
}

// The same batches one update at a time do lose packets: the test above could fail.
func TestBatchSeen(t *testing.T) {
	s := engineStore(t, p4src.Fabric.P4Info, p4src.Fabric.JSON)
	sw := s.dev.(*engine.Switch)
	out := 0
	for round := range 4 {
		for _, u := range moves(t, s)(round) {
			if _, err := s.apply(u, noUndo); err != nil {
				t.Fatal(err)
			}
			sw.Receive(0, 3, ipv4())
			sw.Run(0, func(engine.Tx) { out++ })
		}
	}
	if want := 1 + 3; out != want {
		t.Errorf("%d packets left, want %d: one per whole batch", out, want)
	}
}

// A device that cannot change several things at once does not offer DATAPLANE_ATOMIC.
func TestNotAtomic(t *testing.T) {
	s := engineStore(t, p4src.Fabric.P4Info, p4src.Fabric.JSON)
	s.dev = struct{ device.Device }{s.dev}
	if _, _, err := s.write(p4v1.WriteRequest_DATAPLANE_ATOMIC, moves(t, s)(0), 100); entity.CodeOf(err) != codes.Unimplemented {
		t.Errorf("got %v", err)
	}
	if es, err := s.dev.Entries("routes"); err != nil || len(es) != 0 {
		t.Errorf("it wrote %v, %v", es, err)
	}
}

// What a batch of three updates costs.
func BenchmarkAtomic(b *testing.B) {
	s := engineStore(b, p4src.Fabric.P4Info, p4src.Fabric.JSON)
	batch := moves(b, s)
	round := 0
	for b.Loop() {
		if _, failed, err := s.write(p4v1.WriteRequest_DATAPLANE_ATOMIC, batch(round), 100); failed > 0 || err != nil {
			b.Fatal(failed, err)
		}
		round++
	}
}
