package runner_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/telltale-net/telltale/bmv2/runner"
	"github.com/telltale-net/telltale/internal/capture"
)

type stamped struct {
	at   int64
	data string
}

func pcap(t *testing.T, frames ...stamped) io.Reader {
	t.Helper()
	var b bytes.Buffer
	w, err := capture.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range frames {
		if err := w.Write(f.at, []byte(f.data)); err != nil {
			t.Fatal(err)
		}
	}
	return &b
}

func TestMergeKeepsTime(t *testing.T) {
	in, err := runner.Merge([]runner.Input{
		{Port: 1, Name: "a", R: pcap(t, stamped{100, "a1"}, stamped{300, "a2"}, stamped{200, "late"}, stamped{400, "a3"})},
		{Port: 2, Name: "b", R: pcap(t, stamped{100, "b1"}, stamped{350, "b2"})},
		{Port: 3, Name: "empty", R: pcap(t)},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		at   int64
		port uint16
		data string
	}{{100, 1, "a1"}, {100, 2, "b1"}, {300, 1, "a2"}, {300, 1, "late"}, {350, 2, "b2"}, {400, 1, "a3"}}
	var p runner.Packet
	for _, w := range want {
		if err := in.Next(&p); err != nil {
			t.Fatal(err)
		}
		if p.Time != w.at || p.At != w.at-100 || p.Port != w.port || string(p.Data) != w.data {
			t.Errorf("got %d %d %q, want %v", p.Time, p.Port, p.Data, w)
		}
	}
	for range 2 {
		if err := in.Next(&p); !errors.Is(err, io.EOF) {
			t.Errorf("behind the last: got %v, want io.EOF", err)
		}
	}
}

func TestMergeRefusesCutPackets(t *testing.T) {
	var file bytes.Buffer
	w, err := capture.NewWriter(&file)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(0, []byte{1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	b := file.Bytes()
	b[24+12] = 9 // bytes on the wire
	_, err = runner.Merge([]runner.Input{{Port: 4, Name: "cut.pcap", R: bytes.NewReader(b)}})
	if err == nil || !strings.Contains(err.Error(), "cut.pcap of port 4: frame 1 at byte 24: the capture cut off 6 of 9 bytes") {
		t.Errorf("got %v", err)
	}
}

func TestOpenInputRefuses(t *testing.T) {
	f := func(arg, want string) {
		t.Helper()
		_, _, _, err := runner.OpenInput(arg)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", arg, err, want)
		}
	}
	f("", "want PORT=FILE")
	f("1", "want PORT=FILE")
	f("1=", "want PORT=FILE")
	f("-1=x", "want PORT=FILE")
	f("65536=x", "want PORT=FILE")
	f("1=hex:zz", "invalid byte")
	f("1=absent", "no such file")
}

// FuzzMerge: whatever a capture holds, reading ends, with packets in order.
func FuzzMerge(f *testing.F) {
	f.Add([]byte("00\n# x\n0x01\n"), []byte{})
	f.Add([]byte{0x4d, 0x3c, 0xb2, 0xa1}, []byte{0x0a, 0x0d, 0x0d, 0x0a})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		in, err := runner.Merge([]runner.Input{{Port: 1, Name: "a", R: bytes.NewReader(a)}, {Port: 2, Name: "b", R: bytes.NewReader(b)}})
		if err != nil {
			return
		}
		var p runner.Packet
		last := int64(-1)
		for {
			if err := in.Next(&p); err != nil {
				return
			}
			if p.Time < last {
				t.Fatalf("time went back from %d to %d", last, p.Time)
			}
			last = p.Time
		}
	})
}
