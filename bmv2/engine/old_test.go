package engine_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"testing"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/hash"
)

// old runs testdata/old.json and sends all packets to port 5.
func old(t *testing.T, cfg engine.Config) (s *engine.Switch, send func(frame ...byte) []byte) {
	t.Helper()
	s = engine.New(compileFile(t, "testdata/old.json"), cfg)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	group := uint32(2)
	must(s.InsertMember("buckets", device.Member{ID: 1, Action: *action("forward", []byte{0, 5}).Action}))
	must(s.InsertGroup("buckets", device.Group{ID: group, Members: []device.GroupMember{{Member: 1, Weight: 1}}}))
	must(s.Insert("spread", device.Entry{Matches: []device.Match{exact(7)}, Target: device.Target{Group: &group}}))
	return s, func(frame ...byte) (out []byte) {
		t.Helper()
		s.Receive(0, 1, frame)
		s.Run(0, func(tx engine.Tx) {
			if tx.Port != 5 {
				t.Errorf("left by port %d", tx.Port)
			}
			out = bytes.Clone(tx.Data)
		})
		return out
	}
}

// Saturating fields, and action profiles that a table declares by itself.
func TestSaturatingFields(t *testing.T) {
	_, send := old(t, engine.Config{})
	crc := binary.BigEndian.AppendUint32(nil, hash.CRC32([]byte{7}))
	f := func(u, s, w byte, wantU, wantS byte, wantW []byte) {
		t.Helper()
		got := send(7, u, s, w, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 9)
		want := append([]byte{7, wantU, wantS}, wantW...)
		want = append(append(want, crc...), 9)
		if !bytes.Equal(got, want) {
			t.Errorf("u %d, s %d, w %#x…: got %x; want %x", u, int8(s), w, got, want)
		}
	}
	full := bytes.Repeat([]byte{0xff}, 9)
	f(1, 0, 0, 101, 0x9c, []byte{0xff, 0, 0, 0, 0, 0, 0, 0, 1})
	f(200, 0x80, 1, 255, 0x80, full)
	f(155, 0xe4, 0, 255, 0x80, []byte{0xff, 0, 0, 0, 0, 0, 0, 0, 1})
	f(154, 0x7f, 0xff, 254, 27, full)
}

func TestHashParameters(t *testing.T) {
	s, send := old(t, engine.Config{})
	if err := s.SetCRC("sum", hash.CRC{Poly: 0x1edc6f41, Init: 0xffffffff, XorOut: 0xffffffff, ReflectIn: true, ReflectOut: true}); err != nil {
		t.Fatal(err)
	}
	got := send(7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9)
	if want := crc32.Checksum([]byte{7}, crc32.MakeTable(crc32.Castagnoli)); binary.BigEndian.Uint32(got[12:]) != want {
		t.Errorf("CRC-32C %x; want %x", got[12:16], want)
	}
	if err := s.SetToeplitzKey("rss", []byte{1, 2, 3, 4}); err != nil {
		t.Error(err)
	}
	refused := func(err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("got %v; want %v", err, want)
		}
	}
	refused(s.SetCRC("rss", hash.CRC{}), device.ErrInvalid)
	refused(s.SetToeplitzKey("rss", []byte{1}), device.ErrInvalid)
	refused(s.SetCRC("none", hash.CRC{}), device.ErrNotFound)
}

// Queues of one port are set apart; the greater priority goes first.
func TestQueuesOfAPort(t *testing.T) {
	w := newWalk(t, engine.Config{QueuesPerPort: 2})
	if err := w.SetQueue(4, 2, engine.QueueConfig{}); err == nil {
		t.Error("a third queue of two was set")
	}
	w.must(w.SetQueue(4, 0, engine.QueueConfig{RatePps: 1000, Depth: 2}))
	for range 5 {
		w.put(0, 4, 0, "")
	}
	if n := w.TailDrops(4); n != 3 {
		t.Errorf("%d lost; want 3 of 5 in a queue of 2", n)
	}
	got := w.drain()
	if len(got) != 2 || got[1].At-got[0].At != 1_000_000 {
		t.Errorf("%d packets; want 2, a millisecond apart: %+v", len(got), got)
	}
}

// While a port is paused its queues fill; then they drain.
func TestPausedPort(t *testing.T) {
	w := newWalk(t, engine.Config{QueueDepth: 3})
	w.SetPort(4, engine.PortConfig{Paused: true})
	for range 5 {
		w.put(0, 4, 0, "")
	}
	w.put(0, 5, 0, "") // another port goes on
	if got := w.drain(); len(got) != 1 || got[0].Port != 5 {
		t.Errorf("while paused %+v left", got)
	}
	if n := w.TailDrops(4); n != 2 {
		t.Errorf("%d lost; want 2 of 5", n)
	}
	w.now += 1000
	w.Run(w.now, func(engine.Tx) { t.Error("a paused port sends") })
	w.SetPort(4, engine.PortConfig{})
	got := w.drain()
	if len(got) != 3 || got[0].At != w.now {
		t.Errorf("%+v left; want 3 packets at %d", got, w.now)
	}
}

// What was never valid is zero, or garbage that the seed decides; what is valid is
// neither. Tables look up zero in any case.
func TestStaleFields(t *testing.T) {
	read := func(stale uint64, frame ...byte) (read, key byte) {
		s := engine.New(compileFile(t, "testdata/stale.json"), engine.Config{Stale: stale, Trace: func(e engine.Event) {
			if e.Kind == engine.EventTable && e.Name == "look" {
				key = e.Fields[0].Value[0]
			}
		}})
		s.Receive(0, 1, frame)
		s.Run(0, func(tx engine.Tx) { read = tx.Data[0] })
		return read, key
	}
	a, ka := read(0, 0)
	b, kb := read(5, 0)
	c, kc := read(5, 0)
	d, kd := read(6, 0)
	if a != 0 || b != c || b == 0 || b == d {
		t.Errorf("read %#x without a seed, %#x and %#x with 5, %#x with 6", a, b, c, d)
	}
	if ka|kb|kc|kd != 0 {
		t.Errorf("looked up %#x, %#x, %#x, %#x of a header that is not there; want 0", ka, kb, kc, kd)
	}
	if a, k := read(5, 1, 7); a != 7 || k != 7 {
		t.Errorf("read %#x and looked up %#x of a header that is there; want 7", a, k)
	}
}
