package export

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/telltale-net/telltale/collector/ipfix"
	"github.com/telltale-net/telltale/collector/postcard"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func configFor(to string) Config {
	c := DefaultConfig()
	c.To, c.Templates, c.Idle = to, time.Hour, 100*time.Millisecond
	return c
}

// run runs an exporter and returns how to end it.
func run(t *testing.T, cfg Config, nodes ...Node) (*Exporter, func()) {
	t.Helper()
	e, err := New(cfg, Deps{Nodes: func() []Node { return nodes }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	return e, func() {
		t.Helper()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func flows(n int) []postcard.Record {
	all := make([]postcard.Record, n)
	for i := range all {
		all[i] = postcard.Record{Received: time.Now().UnixNano(), Node: 3, Inner: postcard.Flow{SrcPort: uint16(i), Proto: 6}, Length: 100, Has: postcard.HasInner | postcard.HasLength}
	}
	return all
}

// sets counts the sets of messages by id, and checks sequence numbers.
type sets struct {
	n        map[uint16]int
	sequence uint32
	flows    int
}

func (s *sets) message(t *testing.T, b []byte) {
	t.Helper()
	if s.n == nil {
		s.n = map[uint16]int{}
	}
	if got := binary.BigEndian.Uint32(b[8:]); got != s.sequence {
		t.Errorf("got sequence number %d, want %d", got, s.sequence)
	}
	for b = b[16:]; len(b) > 0; {
		id, n := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
		s.n[id]++
		switch id {
		case 256: // 112 bytes each
			s.flows += int(n-4) / 112
			s.sequence += uint32(n-4) / 112
		case 260, 261:
			s.sequence += uint32(n-4) / map[uint16]uint32{260: 56, 261: 20}[id]
		}
		b = b[n:]
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after 20 s still not: %s", what)
		}
	}
}

func TestUDP(t *testing.T) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	e, stop := run(t, configFor(c.LocalAddr().String()), Node{3, 50, 1})
	e.Observe(flows(50))
	eventually(t, "50 flows are sent", func() bool { return e.Stats().Exported.Flows == 50 })
	e.Observe(flows(7)) // left to the end
	stop()
	var s sets
	b := make([]byte, 1<<16)
	octets := uint64(0)
	for s.flows < 57 || s.n[261] < 2 {
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		n, _, err := c.ReadFrom(b)
		if err != nil {
			t.Fatalf("%d flows, %v: %v", s.flows, s.n, err)
		}
		octets += uint64(n)
		s.message(t, b[:n])
	}
	st := e.Stats()
	if st.Exported.Flows != 57 || st.Exported.NotSent != 0 || st.Exported.Octets != octets || st.Cache.Flows != 0 || s.n[2] == 0 || s.n[3] == 0 || s.n[260] == 0 {
		t.Errorf("got %+v and sets %v", st, s.n)
	}
	if err := e.Ready(); err != nil {
		t.Error(err)
	}
	var w strings.Builder
	if err := e.WriteMetrics(&w); err != nil || !strings.Contains(w.String(), "telltale_ipfix_flows_sent_total 57\n") {
		t.Errorf("%v\n%s", err, w.String())
	}
}

// readStream reads the messages of a connection until it ends.
func readStream(t *testing.T, c net.Conn) (s sets) {
	for {
		head := make([]byte, 16)
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.ReadFull(c, head); err != nil {
			if !errors.Is(err, io.EOF) {
				t.Error(err)
			}
			return s
		}
		b := append(head, make([]byte, int(binary.BigEndian.Uint16(head[2:]))-16)...)
		if _, err := io.ReadFull(c, b[16:]); err != nil {
			t.Error(err)
			return s
		}
		s.message(t, b)
	}
}

// A stream begins with the templates, and ends with their withdrawal; without one, flows
// are counted as not sent.
func TestTCP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	e, stop := run(t, configFor("tcp://"+addr))
	e.Observe(flows(5))
	eventually(t, "flows are given up", func() bool { return e.Stats().Exported.NotSent == 5 })
	if st := e.Stats(); st.Exported.NotSentPackets != 5 || st.Errors == 0 || e.Ready() == nil {
		t.Errorf("got %+v, ready: %v", st, e.Ready())
	}
	if l, err = net.Listen("tcp", addr); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	got := make(chan sets)
	for round := range 2 {
		go func() {
			c, err := l.Accept()
			if err != nil {
				t.Error(err)
			}
			defer c.Close()
			if round == 0 { // is cut
				return
			}
			got <- readStream(t, c)
		}()
		if round == 0 {
			eventually(t, "a connection", func() bool { return e.Stats().Connections == 1 })
			n := 0
			eventually(t, "the connection is lost", func() bool { // of which a stream learns by writing
				n++
				e.Observe(flows(n % 1000)[max(n%1000-1, 0):])
				return e.Ready() != nil || e.Stats().Connections == 2
			})
		}
	}
	eventually(t, "a second connection", func() bool { return e.Stats().Connections == 2 })
	before := e.Stats().Exported
	e.Observe(flows(40))
	eventually(t, "40 flows are sent", func() bool { return e.Stats().Exported.Flows >= before.Flows+40 })
	stop()
	s := <-got
	if s.flows < 40 || s.n[2] != 3 || s.n[3] != 2 { // the templates, before and behind those of options, and that they are withdrawn
		t.Errorf("got %d flows and sets %v", s.flows, s.n)
	}
}

// The same over TLS, with a collector whose authority is known.
func TestTLS(t *testing.T) {
	keys := httptest.NewTLSServer(nil) // for its certificate
	defer keys.Close()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: keys.TLS.Certificates})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cfg := configFor("tls://" + l.Addr().String())
	cfg.CA = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(cfg.CA, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: keys.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	got := make(chan sets)
	go func() {
		c, err := l.Accept()
		if err != nil {
			t.Error(err)
		}
		defer c.Close()
		got <- readStream(t, c)
	}()
	e, stop := run(t, cfg)
	e.Observe(flows(3))
	eventually(t, "3 flows are sent", func() bool { return e.Stats().Exported.Flows == 3 })
	stop()
	if s := <-got; s.flows != 3 || s.n[2] != 3 {
		t.Errorf("got %d flows and sets %v", s.flows, s.n)
	}
}

// What is sent is spread over time.
func TestRate(t *testing.T) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cfg := configFor(c.LocalAddr().String())
	cfg.Rate, cfg.Message.Length = 50, 256 // two flows in a message: 100 flows a second
	e, stop := run(t, cfg)
	begun := time.Now()
	e.Observe(flows(100))
	eventually(t, "100 flows are sent", func() bool { return e.Stats().Exported.Flows == 100 })
	if took := time.Since(begun); took < 700*time.Millisecond {
		t.Errorf("50 messages at 50 a second took %v", took)
	}
	stop()
}

func TestCheck(t *testing.T) {
	for want, set := range map[string]func(*Config){
		"transport \"sctp\"":   func(c *Config) { c.To = "sctp://a:1" },
		"want HOST:PORT":       func(c *Config) { c.To = "a" },
		"MASKED@x: want no u":  func(c *Config) { c.To = "tcp://u:s3cret@x" },
		"MASKED@x:1: want no ": func(c *Config) { c.To = "s3cret@x:1" },
		"MASKED@x:1: got tran": func(c *Config) { c.To = "s3cret://s3cret@x:1" },
		"unknown port":         func(c *Config) { c.To = "a:nothing-such" },
		"flows: got 0":         func(c *Config) { c.Flows = 0 },
		"idle timeout":         func(c *Config) { c.Idle = 0 },
		"active timeout":       func(c *Config) { c.Active = 0 },
		"template interval":    func(c *Config) { c.Templates = 0 },
		"rate: got 0":          func(c *Config) { c.Rate = 0 },
		"length of a message":  func(c *Config) { c.Message.Length = 1 },
		"authority of the col": func(c *Config) { c.CA = "/nowhere/at/all" },
		"our certificate":      func(c *Config) { c.Cert = "/nowhere/at/all" },
	} {
		c := configFor("127.0.0.1:4739")
		if err := c.Check(); err != nil {
			t.Fatal(err)
		}
		set(&c)
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), ":s3cret") {
			t.Errorf("got %v, want %q in it", err, want)
		}
		if _, err := New(c, Deps{}); err == nil {
			t.Errorf("%s: made all the same", want)
		}
	}
}

// What is known of flows in epochs is sent as it is offered; what there is no room for is
// refused, and what nobody takes is counted.
func TestOffer(t *testing.T) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.(*net.UDPConn).SetReadBuffer(4 << 20)
	cfg := configFor(c.LocalAddr().String())
	cfg.Flows = 100
	e, err := New(cfg, Deps{})
	if err != nil {
		t.Fatal(err)
	}
	f := ipfix.EpochFlow{Node: 1, Name: "leaf1", Flow: flows(1)[0].Inner, Place: ipfix.OnWire, Lost: 1}
	for i := range 150 {
		if took := e.Offer(&f); took != (i < 100) {
			t.Fatalf("flow %d: taken %v", i, took)
		}
	}
	e.Refuse(50)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	eventually(t, "all flows are sent", func() bool { return e.Pending() == 0 })
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if s := e.Stats().Exported; s.Flows != 100 || s.NotSent != 50 {
		t.Errorf("%+v", s)
	}
	cfg.To = "tcp://127.0.0.1:1" // nobody
	if e, err = New(cfg, Deps{}); err != nil {
		t.Fatal(err)
	}
	e.Offer(&f)
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	if err := e.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if s := e.Stats().Exported; s.NotSent != 1 || e.Ready() == nil {
		t.Errorf("%+v", s)
	}
}
