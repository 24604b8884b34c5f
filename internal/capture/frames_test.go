package capture_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/telltale-net/telltale/internal/capture"
)

func TestFramesComeBackAsWritten(t *testing.T) {
	want := []capture.Frame{
		{Time: 0, Data: []byte("no datagram at all")},
		{Time: 1_700_000_000_123_456_789, Data: make([]byte, 1500)},
		{Time: 1_700_000_000_123_456_789, Data: []byte{}},
	}
	var file bytes.Buffer
	w, err := capture.NewWriter(&file)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range want {
		if err := w.Write(f.Time, f.Data); err != nil {
			t.Fatal(err)
		}
	}
	r, err := capture.NewReader(&file)
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range want {
		var f capture.Frame
		if err := r.NextFrame(&f); err != nil {
			t.Fatal(err)
		}
		if f.Time != w.Time || !bytes.Equal(f.Data, w.Data) || f.Missing != 0 || f.Position.Number != i+1 {
			t.Errorf("frame %d: got %d bytes at %d, %d missing, %v; want %d bytes at %d", i+1, len(f.Data), f.Time, f.Missing, f.Position, len(w.Data), w.Time)
		}
	}
	var f capture.Frame
	if err := r.NextFrame(&f); !errors.Is(err, io.EOF) {
		t.Errorf("behind the last frame: got %v, want io.EOF", err)
	}
}

func TestFramesOfText(t *testing.T) {
	r, err := capture.NewReader(strings.NewReader("# two\n00 01\n\n0x0203\nzz\n04\n"))
	if err != nil {
		t.Fatal(err)
	}
	var f capture.Frame
	for _, want := range []string{"\x00\x01", "\x02\x03"} {
		if err := r.NextFrame(&f); err != nil || string(f.Data) != want {
			t.Fatalf("got %x, %v; want %x", f.Data, err, want)
		}
	}
	if err := r.NextFrame(&f); err == nil || !strings.Contains(err.Error(), "line 5") {
		t.Errorf("got %v, want an error with line 5", err)
	}
	if err := r.NextFrame(&f); err != nil || string(f.Data) != "\x04" {
		t.Errorf("behind a bad line: got %x, %v; want 04", f.Data, err)
	}
}

func TestFramesMustBeEthernet(t *testing.T) {
	var file bytes.Buffer
	w, err := capture.NewWriter(&file)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(0, []byte{0x45}); err != nil {
		t.Fatal(err)
	}
	b := file.Bytes()
	b[20] = 101 // raw IP
	r, err := capture.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	var f capture.Frame
	if err := r.NextFrame(&f); err == nil || !strings.Contains(err.Error(), "link type: got 101") {
		t.Errorf("got %v, want an error about the link type", err)
	}
}

// FuzzNextFrame: a damaged capture ends in an error or at its end, and frames stay
// within bounds.
func FuzzNextFrame(f *testing.F) {
	var file bytes.Buffer
	w, err := capture.NewWriter(&file)
	if err != nil {
		f.Fatal(err)
	}
	if err := w.Write(1, []byte{1, 2, 3}); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes())
	f.Add([]byte("0011\nzz\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := capture.NewReader(bytes.NewReader(data))
		if err != nil {
			return
		}
		var fr capture.Frame
		for {
			err := r.NextFrame(&fr)
			if e := (*capture.Error)(nil); errors.As(err, &e) && !e.Fatal {
				continue
			}
			if err != nil {
				return
			}
			if fr.Missing < 0 || len(fr.Data) > len(data) {
				t.Fatalf("got %d bytes of %d, %d missing", len(fr.Data), len(data), fr.Missing)
			}
		}
	})
}
