package port

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/telltale-net/telltale/internal/capture"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// exchange sends frames from a to b and expects them there.
func exchange(t *testing.T, a, b Driver) {
	t.Helper()
	for _, n := range []int{1, 14, 60, 1500, 9000} {
		frame := bytes.Repeat([]byte{byte(n)}, n)
		if err := a.Send(frame); err != nil {
			t.Fatal(err)
		}
		got, err := b.Receive()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, frame) {
			t.Fatalf("got %d bytes, want %d", len(got), n)
		}
	}
}

// closes closes d while Receive waits.
func closes(t *testing.T, d Driver) {
	t.Helper()
	done := make(chan error)
	go func() {
		var err error
		for err == nil { // the kernel may have something to say on an interface
			_, err = d.Receive()
		}
		done <- err
	}()
	time.Sleep(5 * time.Millisecond) // most often it waits by now
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; !errors.Is(err, ErrClosed) {
		t.Errorf("Receive after Close: got %v, want ErrClosed", err)
	}
}

func TestPipe(t *testing.T) {
	a, b := Pipe(1)
	exchange(t, a, b)
	exchange(t, b, a)
	closes(t, a)
	for range 3 {
		if err := b.Send([]byte{1}); err != nil {
			t.Errorf("to a closed peer: %v", err)
		}
	}
	closes(t, b)
}

// free returns an address of loopback that nobody listens on.
func free(t *testing.T) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().String()
}

func TestUDP(t *testing.T) {
	x, y := free(t), free(t)
	a, err := Open("udp:" + x + "/" + y)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Send([]byte("nobody there yet")); err != nil {
		t.Error(err)
	}
	b, err := Open("udp:" + y + "/" + x)
	if err != nil {
		t.Fatal(err)
	}
	exchange(t, a, b)
	exchange(t, b, a)

	stranger, err := net.Dial("udp", x)
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	if _, err := stranger.Write([]byte("let me in")); err != nil {
		t.Fatal(err)
	}
	exchange(t, b, a)
	if got := a.Stats().Strangers; got != 1 {
		t.Errorf("strangers: got %d, want 1", got)
	}
	closes(t, a)
	closes(t, b)
}

func TestPcap(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.pcap"), filepath.Join(dir, "out.pcap")
	f, err := os.Create(in)
	if err != nil {
		t.Fatal(err)
	}
	w, err := capture.NewWriter(f)
	if err != nil {
		t.Fatal(err)
	}
	const gap = 20 * time.Millisecond
	for i := range 3 {
		if err := w.Write(1e18+int64(i)*int64(gap), []byte{byte(i), 1, 2}); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	d, err := Open("pcap:" + in + "," + out)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for i := range 3 {
		b, err := d.Receive()
		if err != nil || b[0] != byte(i) {
			t.Fatalf("frame %d: got %x, %v", i, b, err)
		}
		if err := d.Send(b); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took < 2*gap {
		t.Errorf("played in %v, want at least %v", took, 2*gap)
	}
	if _, err := d.Receive(); !errors.Is(err, io.EOF) {
		t.Errorf("behind the end: got %v, want io.EOF", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open("pcap:" + out + ",")
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	for i := range 3 {
		if b, err := again.Receive(); err != nil || len(b) != 3 || b[0] != byte(i) {
			t.Fatalf("recorded frame %d: got %x, %v", i, b, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	f := func(name, want string) {
		t.Helper()
		d, err := Open(name)
		if err == nil {
			d.Close()
			t.Fatalf("opened %q", name)
		}
		if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "cannot open port") {
			t.Errorf("%q: got error %v; want it to contain %q", name, err, want)
		}
	}
	f("", "want udp:LOCAL/REMOTE, veth:NAME or pcap:IN,OUT")
	f("tap:x", "want udp:")
	f("udp:127.0.0.1:0", "want udp:LOCAL/REMOTE")
	f("udp:127.0.0.1:0/127.0.0.1", "remote address")
	f("udp:127.0.0.1:0/127.0.0.1:0", "want a host and a port")
	f("udp:nonsense/127.0.0.1:1", "local address")
	f("pcap:x", "want pcap:IN,OUT")
	f("pcap:,", "one of which may be empty")
	f("pcap:absent.pcap,", "no such file")
	f("veth:no-such-interface", "no such network interface")
}
