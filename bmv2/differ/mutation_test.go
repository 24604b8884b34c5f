package differ_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/telltale-net/telltale/bmv2/differ"
	"github.com/telltale-net/telltale/bmv2/port/dataplane"
	"github.com/telltale-net/telltale/bmv2/runner"
	"github.com/telltale-net/telltale/p4src"
)

// fault is something wrong with a switch.
type fault struct {
	name    string
	program func(p map[string]any) bool                                 // changes the JSON; false if there is no such thing
	write   func(u *p4v1.Update) *p4v1.Update                           // nil: is lost
	out     func(n int, m *dataplane.PacketStreamResponse) (again bool) // changes the nth packet that leaves
	read    func(e *p4v1.Entity)                                        // changes an answer
	lose    func(n int, m *dataplane.PacketStreamResponse) (lost bool)  // the nth packet that leaves does not
}

// faulty is a connection to a switch with a fault.
type faulty struct {
	grpc.ClientConnInterface
	t *testing.T
	fault
	packets *int // that left
}

func (f *faulty) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	switch req := args.(type) {
	case *p4v1.WriteRequest:
		if f.write == nil {
			break
		}
		req = proto.CloneOf(req)
		var kept []*p4v1.Update
		for _, u := range req.Updates {
			if u = f.write(u); u != nil {
				kept = append(kept, u)
			}
		}
		req.Updates = kept
		args = req
	case *p4v1.SetForwardingPipelineConfigRequest:
		if f.program == nil {
			break
		}
		req = proto.CloneOf(req)
		var p map[string]any
		if err := json.Unmarshal(req.Config.P4DeviceConfig, &p); err != nil {
			f.t.Error(err)
		}
		if !f.program(p) {
			f.t.Errorf("the program has nothing to be %s", f.name)
		}
		var err error
		if req.Config.P4DeviceConfig, err = json.Marshal(p); err != nil {
			f.t.Error(err)
		}
		args = req
	}
	return f.ClientConnInterface.Invoke(ctx, method, args, reply, opts...)
}

func (f *faulty) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	s, err := f.ClientConnInterface.NewStream(ctx, desc, method, opts...)
	return &faultyStream{ClientStream: s, f: f}, err
}

type faultyStream struct {
	grpc.ClientStream
	f     *faulty
	again *dataplane.PacketStreamResponse
}

func (s *faultyStream) RecvMsg(m any) error {
	out, ok := m.(*dataplane.PacketStreamResponse)
	if ok && s.again != nil {
		proto.Merge(out, s.again)
		s.again = nil
		return nil
	}
	for {
		if err := s.ClientStream.RecvMsg(m); err != nil {
			return err
		}
		if r, is := m.(*p4v1.ReadResponse); is && s.f.read != nil {
			for _, e := range r.GetEntities() {
				s.f.read(e)
			}
		}
		if !ok {
			return nil
		}
		*s.f.packets++
		if s.f.lose != nil && s.f.lose(*s.f.packets, out) {
			continue
		}
		if s.f.out != nil && s.f.out(*s.f.packets, out) {
			s.again = proto.CloneOf(out)
		}
		return nil
	}
}

// withFault is our own switch with a fault.
func withFault(t *testing.T, f fault) func(context.Context) (differ.Judge, error) {
	return func(ctx context.Context) (differ.Judge, error) {
		j, err := ours(ctx)
		packets := 0
		c := &faulty{j.P4RT, t, f, &packets}
		j.P4RT, j.Data = c, &faulty{j.Data, t, f, &packets}
		return j, err
	}
}

// each calls f with all objects in a JSON value that have a key.
func each(v any, key string, f func(o map[string]any)) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			each(e, key, f)
		}
	case map[string]any:
		if _, ok := v[key]; ok {
			f(v)
		}
		for _, e := range v {
			each(e, key, f)
		}
	}
}

func fragment(o map[string]any) string {
	info, _ := o["source_info"].(map[string]any)
	s, _ := info["source_fragment"].(string)
	return s
}

// forgets removes the statement that the P4 source has so.
func forgets(statement string) func(p map[string]any) bool {
	return func(p map[string]any) (found bool) {
		each(p["actions"], "primitives", func(a map[string]any) {
			var kept []any
			for _, s := range a["primitives"].([]any) {
				if strings.HasPrefix(fragment(s.(map[string]any)), statement) {
					found = true
					continue
				}
				kept = append(kept, s)
			}
			if kept == nil {
				kept = []any{}
			}
			a["primitives"] = kept
		})
		return found
	}
}

// turns makes a condition its opposite.
func turns(condition string) func(p map[string]any) bool {
	return func(p map[string]any) (found bool) {
		each(p["pipelines"], "true_next", func(c map[string]any) {
			if strings.HasPrefix(fragment(c), condition) {
				found = true
				c["true_next"], c["false_next"] = c["false_next"], c["true_next"]
			}
		})
		return found
	}
}

// says replaces a text everywhere in the program.
func says(old, new string) func(p map[string]any) bool {
	return func(p map[string]any) bool {
		b, err := json.Marshal(p)
		if err != nil || !bytes.Contains(b, []byte(old)) {
			return false
		}
		clear(p)
		return json.Unmarshal(bytes.ReplaceAll(b, []byte(old), []byte(new)), &p) == nil
	}
}

// TestFaultsAreFound: whatever is wrong with the other switch, in its program, its tables,
// its counters or its ports, makes a difference.
func TestFaultsAreFound(t *testing.T) {
	lost := 0
	faults := []fault{
		// In what packets become.
		{name: "without the new source address", program: forgets("hdr.ethernet.src_addr = smac")},
		{name: "without the TTL's end", program: turns("hdr.ipv4.ttl <= 1")},
		{name: "looking the other way at wrong checksums", program: turns("std.checksum_error == 1")},
		{name: "of another Ethernet type", program: says(`"value":"0x0800"`, `"value":"0x0801"`)},
		{name: "without checksums", program: func(p map[string]any) bool { p["checksums"] = []any{}; return true }},
		{name: "without ports when it deparses", program: func(p map[string]any) (found bool) {
			each(p["deparsers"], "order", func(d map[string]any) {
				var kept []any
				for _, h := range d["order"].([]any) {
					if h == "ports" {
						found = true
						continue
					}
					kept = append(kept, h)
				}
				d["order"] = kept
			})
			return found
		}},
		// In what packets leave behind.
		{name: "not counting what comes in", program: forgets("port_in.count")},
		{name: "not counting what goes out", program: forgets("port_out.count")},
		{name: "not counting drops", program: forgets("drop_counter.count")},
		// In what it was told.
		{name: "losing an entry", write: func(u *p4v1.Update) *p4v1.Update {
			if lost++; lost == 30 {
				return nil
			}
			return u
		}},
		{name: "sending to the next port", write: func(u *p4v1.Update) *p4v1.Update {
			for _, p := range u.GetEntity().GetTableEntry().GetAction().GetAction().GetParams() {
				p.Value[len(p.Value)-1] ^= 1
			}
			return u
		}},
		{name: "miscounting when asked", read: func(e *p4v1.Entity) {
			if c := e.GetCounterEntry(); c.GetData().GetPacketCount() > 0 {
				c.Data.PacketCount++
			}
		}},
		{name: "answering with other priorities", read: func(e *p4v1.Entity) {
			if t := e.GetTableEntry(); t.GetPriority() > 0 {
				t.Priority++
			}
		}},
		// In how they leave.
		{name: "losing a packet", lose: func(n int, _ *dataplane.PacketStreamResponse) bool { return n == 20 }},
		{name: "sending a packet twice", out: func(n int, _ *dataplane.PacketStreamResponse) bool { return n == 20 }},
		{name: "sending by another port", out: func(n int, m *dataplane.PacketStreamResponse) bool {
			if n == 20 {
				m.Port++
			}
			return false
		}},
		{name: "turning one bit", out: func(n int, m *dataplane.PacketStreamResponse) bool {
			if n == 20 {
				m.Packet[len(m.Packet)-1] ^= 0x10
			}
			return false
		}},
		{name: "cutting a packet", out: func(n int, m *dataplane.PacketStreamResponse) bool {
			if n == 20 {
				m.Packet = m.Packet[:len(m.Packet)-1]
			}
			return false
		}},
	}
	p := program(t, p4src.Fabric)
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			sum, err := differ.Run(t.Context(), differ.Config{
				Setup: runner.Setup{Program: p}, Start: withFault(t, f), Random: 300, Seed: 5, RandomEntries: true,
				Ports: []uint16{0, 1, 2, 3, 510}, Report: func(*differ.Difference) error { return nil },
			})
			if err != nil {
				t.Fatal(err)
			}
			if sum.Differences == 0 {
				t.Errorf("not found: %+v", sum)
			}
		})
	}
}

// TestDefinedBitsBesideTime: of a packet with a timestamp every other bit is compared.
func TestDefinedBitsBesideTime(t *testing.T) {
	f := func(at int, want int) {
		t.Helper()
		turn := fault{out: func(_ int, m *dataplane.PacketStreamResponse) bool {
			m.Packet[at] ^= 1
			return false
		}}
		sum, _, err := hop(t, withFault(t, turn), "0900112233445566aa\n")
		if err != nil {
			t.Fatal(err)
		}
		if sum.Different != want || sum.Compared != 1-want {
			t.Errorf("byte %d: got %+v, want %d different", at, sum, want)
		}
	}
	f(1, 1) // the byte in front
	f(2, 0) // of the time, the highest …
	f(7, 0) // … and the lowest
	f(8, 1) // the byte behind
}
