package collector

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/telltale-net/telltale/collector/postcard"
)

// running is a collector on a port of its own and what its sink was given.
type running struct {
	*Collector
	addr netip.AddrPort
	stop func() error

	mu    sync.Mutex
	count int
	last  []postcard.Record
	seqs  map[uint32]int // records by sequence
}

// start runs a collector; hold, where not nil, is closed to let the sink go on.
func start(t *testing.T, change func(*Config), hold <-chan struct{}) *running {
	t.Helper()
	r := &running{seqs: map[uint32]int{}}
	ready := make(chan netip.AddrPort, 1)
	r.Collector = collectorFor(t, change, Deps{
		Sink: func(batch []postcard.Record) {
			if hold != nil {
				<-hold
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			r.count += len(batch)
			r.last = append(r.last[:0], batch...)
			for i := range batch {
				r.seqs[batch[i].Seq]++
			}
		},
		Ready: func(a netip.AddrPort) { ready <- a },
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	select {
	case r.addr = <-ready:
	case err := <-done:
		cancel()
		t.Fatal(err)
	}
	r.stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// eventually waits for a condition, and says what it was where it never comes.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after ten seconds: %s", what)
		}
	}
}

func dial(t *testing.T, addr netip.AddrPort) *net.UDPConn {
	t.Helper()
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(addr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func send(t *testing.T, conn *net.UDPConn, b []byte) {
	t.Helper()
	if _, err := conn.Write(b); err != nil {
		t.Fatal(err)
	}
}

func TestRunGivesRecordsToTheSink(t *testing.T) {
	r := start(t, nil, nil)
	conn := dial(t, r.addr)
	for seq := range uint32(20) {
		send(t, conn, datagram(t, 4, seq, 5))
	}
	eventually(t, "100 records were not given", func() bool { return r.Snapshot().Given == 100 })
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	s := r.Snapshot()
	if len(s.Sources) != 1 {
		t.Fatalf("got %d streams, want 1", len(s.Sources))
	}
	o := s.Sources[0]
	if o.Source != netip.MustParseAddr("127.0.0.1") || o.Node != 4 || o.HwID != 3 || o.Version != 2 || o.Lost != 0 || o.Reports != 100 {
		t.Errorf("got %+v", o)
	}
	if r.count != 100 || r.last[0].Node != 4 || r.last[0].Received == 0 {
		t.Errorf("sink: got %d records, %+v", r.count, r.last[0])
	}
	if s.Sockets[0].ReceiveBuffer <= 0 || s.Sockets[0].Address != r.addr.String() {
		t.Errorf("socket: got %+v", s.Sockets[0])
	}
}

// A slow sink makes the collector shed, and every record is either given or counted.
func TestOverloadShedsAndCounts(t *testing.T) {
	f := func(policy Overload) {
		t.Helper()
		hold := make(chan struct{})
		r := start(t, func(c *Config) {
			c.Overload, c.Batch, c.Queue, c.Sockets = policy, 10, 2, 1
		}, hold)
		conn := dial(t, r.addr)
		const datagrams, each = 200, 7
		for seq := range uint32(datagrams) {
			send(t, conn, datagram(t, 4, seq, each))
			if policy != Wait {
				eventually(t, "a datagram was not read", func() bool { return r.Snapshot().Datagrams == uint64(seq)+1 })
			}
		}
		if policy == Wait {
			time.Sleep(20 * time.Millisecond) // give a reader that does not wait the time to shed
			if shed := r.Snapshot().Sum.Shed; shed != 0 {
				t.Errorf("%s: got %d shed", policy, shed)
			}
		}
		close(hold)
		eventually(t, "not all was read", func() bool { return r.Snapshot().Datagrams == datagrams })
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
		s := r.Snapshot()
		if s.Sum.Reports != datagrams*each || s.Sum.Reports != s.Given+s.Sum.Shed || s.Given != uint64(r.count) {
			t.Errorf("%s: got %d reports, %d given (sink: %d), %d shed", policy, s.Sum.Reports, s.Given, r.count, s.Sum.Shed)
		}
		if (s.Sum.Shed > 0) != (policy != Wait) {
			t.Errorf("%s: got %d shed", policy, s.Sum.Shed)
		}
		if o := s.Sources[0]; o.Shed != s.Sum.Shed {
			t.Errorf("%s: got %d of %d shed booked to the source", policy, o.Shed, s.Sum.Shed)
		}
		// The fourth datagram waited in the queue while it overflowed, the last one came
		// when all others had.
		if (r.seqs[3] == each) != (policy != ShedOldest) || policy != ShedNewest && r.seqs[datagrams-1] != each {
			t.Errorf("%s: got %d records of the fourth datagram and %d of the last", policy, r.seqs[3], r.seqs[datagrams-1])
		}
	}
	f(ShedNewest)
	f(ShedOldest)
	f(Wait)
}

func TestLongDatagramsAreCutAndCounted(t *testing.T) {
	r := start(t, func(c *Config) { c.MaxDatagram, c.Sockets = 100, 1 }, nil)
	conn := dial(t, r.addr)
	send(t, conn, datagram(t, 4, 1, 1))
	eventually(t, "the datagram was not read", func() bool { return r.Snapshot().Datagrams == 1 })
	s := r.Snapshot()
	if s.Sockets[0].Cut != 1 || s.Sum.Malformed != 1 || s.Sum.Reports != 0 {
		t.Errorf("got %d cut, %d malformed, %d reports", s.Sockets[0].Cut, s.Sum.Malformed, s.Sum.Reports)
	}
}

func TestKernelDropsAreCounted(t *testing.T) {
	if !canCountDrops {
		t.Skip("this system does not tell how many datagrams it dropped")
	}
	hold := make(chan struct{})
	r := start(t, func(c *Config) {
		c.Overload, c.Batch, c.Queue, c.Sockets, c.ReceiveBuffer = Wait, 1, 1, 1, 4096
	}, hold)
	conn := dial(t, r.addr)
	const sent = 2000
	for seq := range uint32(sent) {
		send(t, conn, datagram(t, 4, seq, 1))
	}
	close(hold)
	// The kernel is asked for its count: with datagrams it tells it with the next only.
	eventually(t, "received and dropped do not add up to sent", func() bool {
		k := r.Snapshot().Sockets[0]
		return k.KernelDrops > 0 && k.KernelDrops+k.Received == sent
	})
	var last uint32 = sent
	eventually(t, "received and dropped do not add up to sent", func() bool {
		send(t, conn, datagram(t, 4, last, 1))
		last++
		s := r.Snapshot()
		return s.Sockets[0].KernelDrops > 0 && s.Sockets[0].KernelDrops+s.Sockets[0].Received >= sent
	})
	eventually(t, "lost by sequence number and dropped by the kernel differ", func() bool {
		s := r.Snapshot()
		return s.Sum.Lost == int64(s.Sockets[0].KernelDrops)
	})
}

func TestManySendersOnSharedSockets(t *testing.T) {
	r := start(t, func(c *Config) { c.Sockets = 4 }, nil)
	const senders, each = 16, 50
	var wg sync.WaitGroup
	for i := range uint32(senders) {
		conn := dial(t, r.addr)
		wg.Go(func() {
			for seq := range uint32(each) {
				if _, err := conn.Write(datagram(t, i, seq, 2)); err != nil {
					t.Error(err)
				}
				time.Sleep(100 * time.Microsecond)
			}
		})
	}
	wg.Wait()
	eventually(t, "not all was given", func() bool { return r.Snapshot().Given == senders*each*2 })
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	s := r.Snapshot()
	if len(s.Sources) != senders || s.Sum.Lost != 0 || s.Sum.Shed != 0 {
		t.Errorf("got %d streams, %d lost, %d shed", len(s.Sources), s.Sum.Lost, s.Sum.Shed)
	}
	if canShare && len(s.Sockets) != 4 {
		t.Errorf("got %d sockets, want 4", len(s.Sockets))
	}
}

func TestRunRefuses(t *testing.T) {
	f := func(c *Collector, want string) {
		t.Helper()
		err := c.Run(context.Background())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	f(collectorFor(t, nil, Deps{}), "no sink")
	deps := Deps{Sink: func([]postcard.Record) {}}
	f(collectorFor(t, func(c *Config) { c.Listen = "nowhere" }, deps), "cannot listen for reports on UDP nowhere")
	r := start(t, nil, nil)
	f(r.Collector, "it has run already")
}
