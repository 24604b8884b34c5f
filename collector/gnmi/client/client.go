package client

import (
	"context"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"github.com/telltale-net/telltale/collector/gnmi/tree"
)

// Client asks one device. It is safe for concurrent use.
type Client struct {
	cfg     Config
	tree    *tree.Tree
	streams []*stream

	mu     sync.Mutex
	status Status
	held   int // leaves in the tree, of all streams
}

// Status is how it goes with a device.
type Status struct {
	Name, Address string
	Alive         int      // streams that have told all there is, and go on
	Streams       int      // in all
	Unsupported   []string // paths that the device does not serve
	Stale         bool     // something in the tree is of a stream that is not alive
	LastHeard     int64    // ns since 1970; 0 = never
	Connects      uint64   // streams that came alive
	Updates       uint64   // values that came
	Unknown       uint64   // of them: leaves not in the schema, or of another type
	Refused       uint64   // of them: beyond Config.Leaves, or that the tree did not take
	Error         string   // why the last stream that ended did, refusals aside; "" = none has
}

// New returns a client that asks nothing before [Client.Run].
func New(cfg Config, t *tree.Tree) (*Client, error) {
	cfg = cfg.Defaults()
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	c := &Client{cfg: cfg, tree: t, status: Status{Name: cfg.Name, Address: cfg.Address}}
	for _, s := range subscriptions {
		c.streams = append(c.streams, &stream{client: c, subscription: s, held: map[string]held{}})
	}
	return c, nil
}

// Status returns how it goes.
func (c *Client) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.status
	s.Streams = len(c.streams)
	for _, st := range c.streams {
		switch {
		case st.alive:
			s.Alive++
		case len(st.held) > 0:
			s.Stale = true
		}
		if st.unsupported {
			s.Unsupported = append(s.Unsupported, st.name)
		}
	}
	return s
}

// Run asks the device until ctx is done. What it said is in the tree until then.
func (c *Client) Run(ctx context.Context) error {
	creds := insecure.NewCredentials()
	if c.cfg.TLS != nil {
		creds = credentials.NewTLS(c.cfg.TLS)
	}
	conn, err := grpc.NewClient("passthrough:///"+c.cfg.Address,
		grpc.WithTransportCredentials(creds),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: c.cfg.Retry, Multiplier: 1.6, Jitter: 0.2, MaxDelay: c.cfg.MaxRetry},
			MinConnectTimeout: 10 * time.Second,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 30 * time.Second, Timeout: 10 * time.Second}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)),
	)
	if err != nil {
		return fmt.Errorf("cannot ask gNMI device %s at %s: %w", c.cfg.Name, c.cfg.Address, err)
	}
	var all sync.WaitGroup
	for _, s := range c.streams {
		all.Go(func() { s.run(ctx, conn) })
	}
	all.Wait()
	for _, s := range c.streams {
		s.forget(func(*held) bool { return true }, time.Now().UnixNano())
	}
	return conn.Close()
}

// maxMessage is the longest message that a device may send, bytes.
const maxMessage = 16 << 20

// apply puts what a notification says into the tree.
func (s *stream) apply(n *change, unknown uint64, now int64) {
	c := s.client
	if n.time <= 0 {
		n.time = now
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status.LastHeard = now
	c.status.Updates += uint64(len(n.sets)) + unknown
	c.status.Unknown += unknown
	for _, d := range n.deletes {
		s.drop(func(h *held) bool { _, ok := tree.Match(d, h.path.Elems); return ok }, n.time)
	}
	if n.atomic {
		named := map[string]bool{}
		for i := range n.sets {
			named[tree.Path{Elems: n.sets[i].elems}.String()] = true
		}
		s.drop(func(h *held) bool {
			_, ok := tree.Match(n.whole, h.path.Elems)
			return ok && !named[tree.Path{Elems: h.path.Elems}.String()]
		}, n.time)
	}
	for i := range n.sets {
		l := &n.sets[i]
		name := tree.Path{Elems: l.elems}.String()
		h, known := s.held[name]
		if !known {
			if c.held >= c.cfg.Leaves {
				c.status.Refused++
				continue
			}
			h.path = tree.Path{Target: c.cfg.Name, Origin: origin, Elems: l.elems}
		}
		if err := c.tree.Update(h.path, l.value, n.time); err != nil {
			c.status.Refused++
			continue
		}
		if !known {
			c.held++
		}
		h.session = s.session
		s.held[name] = h
	}
}

// drop takes what is held and chosen out of the tree; the client's mu is held.
func (s *stream) drop(which func(*held) bool, now int64) {
	for name, h := range s.held {
		if which(&h) {
			s.client.tree.Delete(h.path, now)
			delete(s.held, name)
			s.client.held--
		}
	}
}

// forget is drop for those who do not hold mu.
func (s *stream) forget(which func(*held) bool, now int64) {
	s.client.mu.Lock()
	defer s.client.mu.Unlock()
	s.drop(which, now)
}
