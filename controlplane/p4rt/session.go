package p4rt

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/antoninbas/p4runtime-go-client/pkg/client"
	p4configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// Election is a 128-bit election id. Among the controllers of a switch the one
// with the greatest writes.
type Election struct{ High, Low uint64 }

func (e Election) proto() *p4v1.Uint128 { return &p4v1.Uint128{High: e.High, Low: e.Low} }

func (e Election) String() string { return fmt.Sprintf("{%d %d}", e.High, e.Low) }

// next is e+1.
func (e Election) next() Election {
	e.Low++
	if e.Low == 0 {
		e.High++
	}
	return e
}

func (e Election) less(o Election) bool {
	return e.High < o.High || e.High == o.High && e.Low < o.Low
}

// Config says which switch a session is for and how it behaves. Zero numbers take
// the default.
type Config struct {
	DeviceID uint64 // as the switch knows itself; not zero
	Role     string // "" is the default role with the whole pipeline
	Election Election

	// TakeOver raises the election id above the highest the switch has seen, when
	// it says that it has no primary: a controller that restarts with an old id
	// would otherwise wait for ever. With several controllers, leave it off.
	TakeOver bool

	BackoffMin time.Duration // first wait before reconnecting, default 50 ms; doubles
	BackoffMax time.Duration // default 5 s

	WriteUpdates int // updates per WriteRequest, default 500
	WriteBytes   int // bytes per WriteRequest, default 1 MiB; gRPC servers take 4 MiB

	PacketIns  int // packet-ins waiting to be taken, default 1024
	PacketOuts int // packet-outs waiting to be sent, default 256

	Events Events
}

// Events are told what happens on the stream, one at a time, from the goroutine
// that receives. They must be quick and must not call Close. Any may be nil.
type Events struct {
	// Connected: the stream is open; nothing is decided yet.
	Connected func()
	// Arbitration: the switch said who is primary. election is the highest it knows.
	Arbitration func(primary bool, election Election)
	// Disconnected: the stream broke; the next attempt is after wait.
	Disconnected func(err error, wait time.Duration)
	Digest       func(*p4v1.DigestList)
	IdleTimeout  func(*p4v1.IdleTimeoutNotification)
	StreamError  func(*p4v1.StreamError)
}

func (c Config) withDefaults() Config {
	if c.BackoffMin <= 0 {
		c.BackoffMin = 50 * time.Millisecond
	}
	if c.BackoffMax < c.BackoffMin {
		c.BackoffMax = max(5*time.Second, c.BackoffMin)
	}
	for _, d := range []struct {
		v *int
		d int
	}{{&c.WriteUpdates, 500}, {&c.WriteBytes, 1 << 20}, {&c.PacketIns, 1024}, {&c.PacketOuts, 256}} {
		if *d.v <= 0 {
			*d.v = d.d
		}
	}
	return c
}

// Session is one controller's session with one switch. Its methods are safe for
// concurrent use. Reads work without [Session.Run]; writes need a primary, and so
// a running stream.
type Session struct {
	cfg  Config
	conn *grpc.ClientConn // ours to close; nil if the caller's
	stub p4v1.P4RuntimeClient

	out     chan *p4v1.StreamMessageRequest
	packets chan *p4v1.PacketIn

	mu       sync.Mutex
	election Election
	primary  bool
	changed  chan struct{} // closed and replaced whenever primary changes or the session closes
	info     *p4configv1.P4Info
	builder  *client.Client
	cancel   context.CancelFunc // of the Run under way
	running  chan struct{}      // closed when it has returned
	ended    error              // why the last Run gave up, nil while one may come or is under way
	closed   bool

	stats struct {
		packetIns, packetInsShed, packetOuts, packetOutsLost, connects atomic.Uint64
	}
}

// Stats counts what a session did and what it had to drop.
type Stats struct {
	Connects       uint64 // streams opened
	PacketIns      uint64 // delivered into the channel
	PacketInsShed  uint64 // dropped: nobody took them in time
	PacketOuts     uint64 // handed to gRPC
	PacketOutsLost uint64 // waiting when the stream broke
}

// Stats returns the counters as they are now.
func (s *Session) Stats() Stats {
	return Stats{
		Connects: s.stats.connects.Load(), PacketIns: s.stats.packetIns.Load(), PacketInsShed: s.stats.packetInsShed.Load(),
		PacketOuts: s.stats.packetOuts.Load(), PacketOutsLost: s.stats.packetOutsLost.Load(),
	}
}

// maxMessage is the greatest message accepted from a switch, which may return its
// whole pipeline at once.
const maxMessage = 256 << 20

// Dial makes a session with the switch at target ("host:port"). nil credentials
// mean plain text. It does not wait for the switch to answer.
func Dial(target string, creds credentials.TransportCredentials, cfg Config) (*Session, error) {
	if creds == nil {
		creds = insecure.NewCredentials()
	}
	conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(creds),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)),
		// One error per update of a batch travels in the trailer.
		grpc.WithMaxHeaderListSize(maxTrailer))
	if err != nil {
		return nil, fmt.Errorf("p4rt: connecting to %s: %w", target, err)
	}
	s, err := New(conn, cfg)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	s.conn = conn
	return s, nil
}

const maxTrailer = 16 << 20

// New makes a session over a connection of the caller's, who closes it after
// [Session.Close].
func New(conn *grpc.ClientConn, cfg Config) (*Session, error) {
	if cfg.DeviceID == 0 {
		return nil, errors.New("p4rt: device id 0 is not valid")
	}
	cfg = cfg.withDefaults()
	return &Session{
		cfg:      cfg,
		stub:     p4v1.NewP4RuntimeClient(conn),
		out:      make(chan *p4v1.StreamMessageRequest, cfg.PacketOuts),
		packets:  make(chan *p4v1.PacketIn, cfg.PacketIns),
		election: cfg.Election,
		changed:  make(chan struct{}),
	}, nil
}

// Close ends Run and, if the session dialled it, the connection. It waits until
// nothing of the session is running any more. The channel of packet-ins is closed.
func (s *Session) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	cancel, running := s.cancel, s.running
	s.setPrimary(false)
	s.mu.Unlock()
	if cancel != nil {
		cancel()
		<-running
	}
	close(s.packets)
	if s.conn != nil {
		if err := s.conn.Close(); err != nil {
			return fmt.Errorf("p4rt: closing the connection to device %d: %w", s.cfg.DeviceID, err)
		}
	}
	return nil
}

// ErrClosed is returned by what needs a session that was closed.
var ErrClosed = errors.New("p4rt: session is closed")

// setPrimary records a change and wakes who waits for it; mu is held.
func (s *Session) setPrimary(p bool) {
	s.primary = p
	close(s.changed)
	s.changed = make(chan struct{})
}

// Primary says whether the switch last called this session its primary.
func (s *Session) Primary() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.primary
}

// WaitPrimary waits until this session is primary. It gives up when ctx ends, when
// the session is closed, and when Run has given up.
func (s *Session) WaitPrimary(ctx context.Context) error {
	for {
		s.mu.Lock()
		primary, changed, closed, ended := s.primary, s.changed, s.closed, s.ended
		s.mu.Unlock()
		switch {
		case primary:
			return nil
		case closed:
			return ErrClosed
		case ended != nil:
			return fmt.Errorf("p4rt: waiting to be primary of device %d: %w", s.cfg.DeviceID, ended)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("p4rt: waiting to be primary of device %d: %w", s.cfg.DeviceID, ctx.Err())
		}
	}
}

// currentElection is the id that writes go out with.
func (s *Session) currentElection() *p4v1.Uint128 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.election.proto()
}

// P4Info is that of the pipeline pushed or fetched last; nil before.
func (s *Session) P4Info() *p4configv1.P4Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.info
}

// Capabilities asks for the version of P4Runtime that the switch speaks.
func (s *Session) Capabilities(ctx context.Context) (string, error) {
	r, err := s.stub.Capabilities(ctx, &p4v1.CapabilitiesRequest{})
	if err != nil {
		return "", fmt.Errorf("p4rt: capabilities of device %d: %w", s.cfg.DeviceID, err)
	}
	return r.GetP4RuntimeApiVersion(), nil
}
