package lab

import (
	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/tm"
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

func (f *fake) Next() (Time, bool) {
	t, ok := f.tm.Next()
	return Time(t), ok
}

func (f *fake) Run(now Time, out func(engine.Tx)) {
	f.tick(now)
	for {
		p, ok := f.tm.Dequeue(int64(now))
		if !ok {
			return
		}
		out(engine.Tx{At: Time(p.At), Done: Time(p.Done), Port: p.Port, Data: p.Item})
		f.free = append(f.free, p.Item)
	}
}

func (f *fake) SetPort(port uint16, c engine.PortConfig) {
	f.tm.SetRate(port, tm.Rate{BitsPerSecond: c.RateBps, Depth: c.Depth})
}

func (f *fake) SetPortUp(port uint16, up bool) { f.up[port] = up }
func (f *fake) Stats() engine.Stats            { return engine.Stats{} }
