package lab

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	"google.golang.org/grpc"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/p4rt"
	"github.com/telltale-net/telltale/bmv2/spec"
	"github.com/telltale-net/telltale/topology"
)

// Listen opens the listener of a switch's P4Runtime server.
type Listen func(topology.Node) (net.Listener, error)

// loopback listens where the node says, or on a free port of the loopback.
func loopback(n topology.Node) (net.Listener, error) {
	address := n.P4RT
	if address == "" {
		address = "127.0.0.1:0"
	}
	return net.Listen("tcp", address)
}

// tickEvery is how often a server looks for digests and idle entries that are due.
const tickEvery = Time(10 * time.Millisecond)

// server is a switch's P4Runtime server.
type server struct {
	*p4rt.Server
	grpc *grpc.Server
	addr string
	done chan error // what Serve returned
}

// maxMessage is the largest message a server takes: a pipeline fits many times over.
const maxMessage = 64 << 20

// P4RTAddr returns host:port of a switch's P4Runtime server. The device id is the
// node's ID.
func (l *Lab) P4RTAddr(node string) (string, error) {
	n, err := l.switchNode(node)
	if err != nil {
		return "", fmt.Errorf("no P4Runtime server: %w", err)
	}
	return n.server.addr, nil
}

// serve starts the servers.
func (l *Lab) serve() error {
	listen := l.cfg.Listen
	if listen == nil {
		listen = loopback
	}
	programs := programs{byHash: map[[sha256.Size]byte]*engine.Program{}}
	for _, n := range l.nodes {
		if n.Role == topology.Collector {
			continue
		}
		if err := l.serveNode(n, listen, &programs); err != nil {
			return errors.Join(fmt.Errorf("switch %q: %w", n.Name, err), l.shutdown())
		}
	}
	return nil
}

func (l *Lab) serveNode(n *node, listen Listen, programs *programs) error {
	now := func() Time { return Time(max(l.instant.Load(), n.instant.Load())) }
	cfg := engine.Config{CPUPort: CPUPort, Seed: l.cfg.Seed ^ (switchStream | uint64(n.ID)),
		Now: func() Time { return n.clock.At(now()) }}
	srv, err := p4rt.New(p4rt.Config{
		DeviceID: uint64(n.ID),
		Load: func(_ *configv1.P4Info, deviceConfig []byte) (device.Device, error) {
			p, err := programs.load(deviceConfig)
			if err != nil {
				return nil, err
			}
			pl := &pipeline{Switch: engine.New(p, cfg), ticks: needsTicks(p.Spec())}
			pl.SetDigestSink(func(d engine.Digest) { n.server.Digest(d.Name, d.Values) })
			return pl, nil
		},
		Commit: func(dev device.Device) error {
			l.commit(n, dev.(*pipeline))
			return nil
		},
		PacketOut: func(packet []byte) { l.packetOut(n, packet) },
		Now:       func() time.Time { return time.Unix(0, int64(now())) },
	})
	if err != nil {
		return err
	}
	lis, err := listen(n.Node)
	if err != nil {
		return fmt.Errorf("cannot listen for controllers: %w", err)
	}
	g := grpc.NewServer(grpc.MaxRecvMsgSize(maxMessage), grpc.WaitForHandlers(true))
	srv.Register(g)
	n.server = &server{Server: srv, grpc: g, addr: lis.Addr().String(), done: make(chan error, 1)}
	n.in = srv.PacketIn
	go func() { n.server.done <- g.Serve(lis) }()
	return nil
}

// shutdown stops the servers and waits for them.
func (l *Lab) shutdown() error {
	var errs []error
	for _, n := range l.nodes {
		if n.server == nil {
			continue
		}
		n.server.grpc.Stop()
		// Stopped before it began to serve is stopped too.
		if err := <-n.server.done; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			errs = append(errs, fmt.Errorf("P4Runtime server of switch %q: %w", n.Name, err))
		}
	}
	return errors.Join(errs...)
}

// pipeline is a switch as a controller's config made it. It answers its server for the
// switch, which it knows to have stuck entries.
type pipeline struct {
	*engine.Switch
	ticks bool
	stuck stuck
}

// needsTicks says whether a program tells its controller anything by the clock.
func needsTicks(p *spec.Program) bool {
	return len(p.LearnLists) > 0 || slices.ContainsFunc(p.Tables, func(t spec.Table) bool { return t.SupportTimeout })
}

// startTicks begins to let the switch's server see time pass, if its program needs it.
func (l *Lab) startTicks(n *node, needed bool) {
	n.ticks = needed
	if n.ticks && !n.ticking {
		n.ticking = true
		n.part.queue.push(event{at: l.now + tickEvery, rank: evTick | rank(n.ref)})
	}
}

func (p *part) tick(n *node) {
	if n.ticking = n.ticks; !n.ticking {
		return
	}
	n.instant.Store(int64(p.now))
	if err := n.server.Tick(); err != nil {
		n.stats.TickErrors++
	}
	p.queue.push(event{at: p.now + tickEvery, rank: evTick | rank(n.ref)})
}

// programs keeps compiled programs, which switches share.
type programs struct {
	mu     sync.Mutex
	byHash map[[sha256.Size]byte]*engine.Program
}

// maxPrograms bounds what controllers that push ever new programs can pile up.
const maxPrograms = 64

func (c *programs) load(json []byte) (*engine.Program, error) {
	key := sha256.Sum256(json)
	c.mu.Lock()
	defer c.mu.Unlock()
	if p, ok := c.byHash[key]; ok {
		return p, nil
	}
	s, err := spec.Load(json)
	if err != nil {
		return nil, err
	}
	p, err := engine.Compile(s)
	if err != nil {
		return nil, err
	}
	if len(c.byHash) >= maxPrograms {
		clear(c.byHash)
	}
	c.byHash[key] = p
	return p, nil
}
