package p4rt_test

import (
	"bytes"
	"testing"
	"time"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/p4rt"
	"github.com/telltale-net/telltale/bmv2/p4rt/p4rttest"
)

// session of ready's kind, with the stream in hand.
func readySession(t *testing.T, l p4rt.Limits) (*rig, *session) {
	t.Helper()
	r := newRig(t, l)
	s := r.primary()
	if err := r.setPipeline(push, config(p4rttest.Info(), 42)); err != nil {
		t.Fatal(err)
	}
	return r, s
}

// Packet I/O: the header is packed as the P4Info says, field after field.
func TestPacketIn(t *testing.T) {
	r, s := readySession(t, p4rt.Limits{})
	// port 0x155 (9 bits), pad 0x2a (7 bits), reason 0x81
	r.srv.PacketIn([]byte{0b1010_1010, 0b1_0101010, 0x81, 'h', 'i'})
	want := text(t, &p4v1.PacketIn{}, `payload: "hi" metadata { metadata_id: 1 value: "\001\125" } metadata { metadata_id: 2 value: "\052" } metadata { metadata_id: 3 value: "\201" }`)
	if got := s.recv().GetPacket(); !proto.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	r.srv.PacketIn([]byte{1, 2})
	if st := r.srv.Stats(); st.PacketIns != 1 || st.PacketInsMalformed != 1 {
		t.Errorf("stats %+v", st)
	}
}

func TestPacketOut(t *testing.T) {
	r, s := readySession(t, p4rt.Limits{})
	backup := r.open()
	backup.stand(0)
	backup.told(codes.AlreadyExists, 1)
	out := func(s *session, p string) {
		s.send(&p4v1.StreamMessageRequest{Update: &p4v1.StreamMessageRequest_Packet{Packet: text(t, &p4v1.PacketOut{}, p)}})
	}
	for _, c := range []struct {
		what, packet string
		from         *session
		want         codes.Code
	}{
		{"unknown metadata", `metadata { metadata_id: 7 value: "\001" }`, s, codes.InvalidArgument},
		{"missing metadata", `metadata { metadata_id: 1 value: "\001" }`, s, codes.InvalidArgument},
		{"metadata twice", `metadata { metadata_id: 1 value: "\001" } metadata { metadata_id: 1 value: "\001" }`, s, codes.InvalidArgument},
		{"metadata too wide", `metadata { metadata_id: 1 value: "\002\000" } metadata { metadata_id: 2 value: "\000" }`, s, codes.InvalidArgument},
		{"metadata empty", `metadata { metadata_id: 1 } metadata { metadata_id: 2 value: "\000" }`, s, codes.InvalidArgument},
		{"from a backup", `metadata { metadata_id: 1 value: "\001" } metadata { metadata_id: 2 value: "\000" }`, backup, codes.PermissionDenied},
	} {
		out(c.from, c.packet)
		e := c.from.recv().GetError()
		if codes.Code(e.GetCanonicalCode()) != c.want || !proto.Equal(e.GetPacketOut().GetPacketOut(), text(t, &p4v1.PacketOut{}, c.packet)) {
			t.Errorf("%s: got %v, want %v with the packet", c.what, e, c.want)
		}
	}
	out(s, `payload: "hi" metadata { metadata_id: 2 value: "\052" } metadata { metadata_id: 1 value: "\000\001\125" }`)
	out(s, `metadata { metadata_id: 9 }`) // its error says that the one before is through
	s.recv()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.outs) != 1 || !bytes.Equal(r.outs[0], []byte{0b1010_1010, 0b1_0101010, 'h', 'i'}) {
		t.Errorf("injected %x", r.outs)
	}
	if st := r.srv.Stats(); st.PacketOuts != 1 || st.PacketOutsRefused != 7 {
		t.Errorf("stats %+v", st)
	}
}

func TestOtherStreamMessages(t *testing.T) {
	_, s := readySession(t, p4rt.Limits{})
	for _, c := range []struct {
		msg  string
		want codes.Code
	}{
		{`digest_ack { digest_id: 1 }`, codes.InvalidArgument},
		{`other { }`, codes.Unimplemented},
		{``, codes.InvalidArgument},
	} {
		s.send(text(t, &p4v1.StreamMessageRequest{}, c.msg))
		e := s.recv().GetError()
		if codes.Code(e.GetCanonicalCode()) != c.want || e.GetDetails() == nil {
			t.Errorf("%q: got %v, want %v with details", c.msg, e, c.want)
		}
	}
}

// A controller that does not read loses packet-ins, which are counted; it costs
// bounded memory and holds nobody up.
func TestSlowReceiver(t *testing.T) {
	r, s := readySession(t, p4rt.Limits{OutboxItems: 8, OutboxBytes: 1 << 20})
	const packets = 5000
	p := make([]byte, 1000)
	for range packets {
		r.srv.PacketIn(p)
	}
	st := r.srv.Stats()
	if st.PacketIns+st.PacketInsShed != packets || st.PacketInsShed < packets/2 {
		t.Fatalf("stats %+v", st)
	}
	for range st.PacketIns {
		if s.recv().GetPacket() == nil {
			t.Fatal("something else than a packet")
		}
	}
	s.cancel()
	r.untilNoPrimary()
	r.srv.PacketIn(p)
	if st := r.srv.Stats(); st.PacketInsNoPrimary != 1 {
		t.Errorf("stats %+v", st)
	}
}

func TestDigests(t *testing.T) {
	r, s := readySession(t, p4rt.Limits{})
	tick := func(d time.Duration) {
		r.mu.Lock()
		r.now = r.now.Add(d)
		r.mu.Unlock()
		if err := r.srv.Tick(); err != nil {
			t.Fatal(err)
		}
	}
	msg := func(mac byte) { r.srv.Digest("learn", [][]byte{{0, 0, 0, 0, 0, mac}, {0, mac}}) }
	msg(1) // nobody enabled it
	r.must(upd(digest("INSERT")))
	r.reads(`entities { digest_entry { } }`, `entities { digest_entry { digest_id: 0x17000001 config { max_timeout_ns: 1000 max_list_size: 2 ack_timeout_ns: 5000 } } }`)

	msg(1)
	msg(1) // a duplicate
	msg(2) // fills the list
	list := s.recv().GetDigest()
	want := text(t, &p4v1.DigestList{}, `digest_id: 0x17000001 list_id: 1
		data { struct { members { bitstring: "\001" } members { bitstring: "\001" } } } data { struct { members { bitstring: "\002" } members { bitstring: "\002" } } }`)
	want.Timestamp = r.now.UnixNano()
	if !proto.Equal(list, want) {
		t.Errorf("got %v, want %v", list, want)
	}
	msg(1) // not acknowledged yet
	msg(3)
	tick(500)
	tick(500) // max_timeout_ns after msg(3)
	if l := s.recv().GetDigest(); l.GetListId() != 2 || len(l.GetData()) != 1 {
		t.Errorf("got %v, want list 2 with message 3", l)
	}
	s.send(text(t, &p4v1.StreamMessageRequest{}, `digest_ack { digest_id: 0x17000001 list_id: 1 }`))
	s.send(text(t, &p4v1.StreamMessageRequest{}, `other { }`))
	s.recv() // the acknowledgement is through
	msg(1)
	tick(1000)
	if l := s.recv().GetDigest(); l.GetListId() != 3 || len(l.GetData()) != 1 {
		t.Errorf("got %v, want list 3 with message 1 again", l)
	}
	tick(5000) // ack_timeout_ns
	msg(3)
	msg(1)
	if l := s.recv().GetDigest(); l.GetListId() != 4 || len(l.GetData()) != 2 {
		t.Errorf("got %v, want list 4", l)
	}
	r.srv.Digest("learn", nil)
	if st := r.srv.Stats(); st.DigestsShed != 1 {
		t.Errorf("stats %+v", st)
	}
}

// Table Idle Timeout Notification: after a timeout without a hit, again after
// another, and anew after a hit.
func TestIdleTimeout(t *testing.T) {
	r, s := readySession(t, p4rt.Limits{})
	r.must(upd(acl("INSERT", 1, "", actPunt+`idle_timeout_ns: 100 metadata: "m" controller_metadata: 4`), acl("INSERT", 2, "", actPunt)))
	for _, c := range []struct {
		hit, idle int64
		want      bool
	}{
		{0, 99, false}, {0, 100, true}, {0, 150, false}, {0, 199, false}, {0, 200, true}, {0, 250, false},
		{300, 10, false}, {300, 99, false}, {300, 110, true}, // hit once more
		{420, 150, true}, // hit since, though idle for longer than when it was notified
	} {
		r.dev.Touch("acl", 0, device.CounterValue{}, c.hit, c.idle)
		r.dev.Touch("acl", 1, device.CounterValue{}, c.hit, c.idle)
		if err := r.srv.Tick(); err != nil {
			t.Fatal(err)
		}
		s.send(text(t, &p4v1.StreamMessageRequest{}, `other { }`)) // answered after what Tick sent
		m := s.recv()
		if n := m.GetIdleTimeoutNotification(); n != nil {
			if !c.want {
				t.Fatalf("idle %d: notified", c.idle)
			}
			want := text(t, &p4v1.IdleTimeoutNotification{}, `table_entry { table_id: 0x02000002 priority: 1 `+vni+` idle_timeout_ns: 100 metadata: "m" controller_metadata: 4 }`)
			want.Timestamp = r.now.UnixNano()
			if !proto.Equal(n, want) {
				t.Fatalf("got %v, want %v", n, want)
			}
			s.recv()
		} else if c.want {
			t.Fatalf("idle %d: not notified", c.idle)
		}
	}
}
