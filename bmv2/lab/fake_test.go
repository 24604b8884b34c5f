package lab

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/lab/traffic"
	"github.com/telltale-net/telltale/bmv2/tm"
	"github.com/telltale-net/telltale/topology"
)

// fake is a switch that sends what arrives on one port out of another, which out
// chooses (and may rewrite the packet), through the real queues.
type fake struct {
	device.Device
	tm      *tm.Manager[[]byte]
	out     func(port uint16, b []byte) uint16
	up      map[uint16]bool
	lastNow engine.Time
	drops   uint64
	free    [][]byte
}

func newFake(out func(port uint16, b []byte) uint16) *fake {
	return &fake{tm: tm.New[[]byte](1, 64), out: out, up: map[uint16]bool{}}
}

func (f *fake) Receive(now Time, port uint16, pkt []byte) {
	f.tick(now)
	var b []byte
	if n := len(f.free); n > 0 {
		b, f.free = f.free[n-1], f.free[:n-1]
	}
	b = append(b[:0], pkt...)
	to := f.out(port, b)
	if _, ok := f.tm.Enqueue(int64(now), to, 0, len(b), b); !ok {
		f.drops++
	}
}

func (f *fake) tick(now Time) {
	if now < f.lastNow {
		panic("time goes back")
	}
	f.lastNow = now
}

func (f *fake) next() (Time, bool) {
	t, ok := f.tm.Next()
	return Time(t), ok
}

func (f *fake) Run(now Time, out func(engine.Tx)) (next Time, waiting bool) {
	f.tick(now)
	for {
		p, ok := f.tm.Dequeue(int64(now))
		if !ok {
			return f.next()
		}
		out(engine.Tx{At: Time(p.At), Done: Time(p.Done), Port: p.Port, Data: p.Item})
		f.free = append(f.free, p.Item)
	}
}

func (f *fake) SetPort(port uint16, c engine.PortConfig) {
	f.tm.SetRate(port, tm.Rate{BitsPerSecond: c.RateBps, PacketsPerSecond: c.RatePps, Depth: c.Depth, Paused: c.Paused})
}

func (f *fake) SetPortUp(port uint16, up bool) { f.up[port] = up }
func (f *fake) Stats() engine.Stats            { return engine.Stats{} }

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// small is a fabric with one VNET, so that plain routers can tell its hosts apart.
func small(tb testing.TB, change ...func(*topology.LeafSpineConfig)) topology.Fabric {
	tb.Helper()
	c := topology.DefaultLeafSpine()
	c.VNETs = 1
	for _, f := range change {
		f(&c)
	}
	f, err := topology.LeafSpine(c)
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// fakes builds a lab whose switches route tenants' addresses directly.
func fakes(tb testing.TB, cfg Config) *Lab {
	tb.Helper()
	l, err := build(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	ix, err := topology.NewIndex(cfg.Fabric)
	if err != nil {
		tb.Fatal(err)
	}
	for _, n := range l.nodes {
		if n.Role == topology.Collector {
			continue
		}
		type way struct {
			ports []topology.Port
			mac   *topology.MAC
		}
		routes := map[netip.Addr]way{}
		for i := range cfg.Fabric.Hosts {
			h := &cfg.Fabric.Hosts[i]
			if h.At.Node == n.Name {
				routes[h.Address] = way{[]topology.Port{h.At.Port}, &h.MAC}
			} else {
				routes[h.Address] = way{ix.NextHops(n.Name, h.At.Node), nil}
			}
		}
		l.install(n, newFake(func(_ uint16, b []byte) uint16 {
			w, ok := routes[netip.AddrFrom4([4]byte(b[30:34]))]
			if !ok {
				return 511
			}
			if w.mac != nil {
				copy(b, w.mac[:])
			}
			return uint16(w.ports[int(binary.BigEndian.Uint16(b[34:]))%len(w.ports)])
		}), nil)
	}
	return l
}

func add(tb testing.TB, l *Lab, f traffic.Flow) FlowID {
	tb.Helper()
	id, err := l.AddFlow(f)
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

func addMix(tb testing.TB, l *Lab, m traffic.Mix) {
	tb.Helper()
	flows, err := m.Make(&l.cfg.Fabric)
	if err != nil {
		tb.Fatal(err)
	}
	for _, f := range flows {
		add(tb, l, f)
	}
}

func runUntil(tb testing.TB, l *Lab, t time.Duration) {
	tb.Helper()
	if err := l.RunUntil(Time(t)); err != nil {
		tb.Fatal(err)
	}
}

// far returns two hosts on different leaves and the number of links between them.
func far(tb testing.TB, f topology.Fabric) (from, to topology.Host) {
	tb.Helper()
	flows, err := traffic.Mix{PPS: 1, Flows: 1}.Make(&f)
	if err != nil {
		tb.Fatal(err)
	}
	ix, err := topology.NewIndex(f)
	if err != nil {
		tb.Fatal(err)
	}
	from, _ = ix.Host(flows[0].From)
	to, _ = ix.Host(flows[0].To)
	return from, to
}

// pending counts the events that have not happened yet.
func pending(l *Lab) (n int) {
	for _, p := range l.schedule.parts {
		n += len(p.queue.heap) + len(p.sends.heap) + len(p.last.heap)
	}
	return n
}
