package engine

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// gate is how packets and the control plane keep out of each other's way.
//
// What packets look up is there twice: view 0 and view 1. Packets use the front
// one. A writer changes the other, turns them round, waits until no packet is left
// behind in the old one, and makes the same changes there: writers wait for packets,
// packets for nobody.
//
//	             view 0        view 1
//	             front         10.0/16 → 7        change
//	             10.0/16 → 7   front              turn, wait for one packet at most
//	10.0/16 → 7  10.0/16 → 7   front              change again
//
// What packets themselves change (counters, meters, registers, queues, statistics)
// is there once. To read or write some of it the control plane pays a visit, which
// is short and never while a packet is inside: a packet that leaves carries out the
// visit that is announced, and only when none comes the visitor does it himself.
type gate struct {
	word   atomic.Uint64 // the latest instant of the data plane, and who is inside
	front  atomic.Uint32 // the view that packets shall use
	mail   atomic.Pointer[errand]
	guests sync.Mutex // one visit at a time
}

// Who is inside, in the low bits of gate.word.
const (
	nobody   = iota
	inView   // a packet, in view 0; one more in view 1
	inView1  //
	guest    // the control plane
	unmoved  // nobody, and no packet was since the last visit
	inside   = 7
	timeFrom = 3 // bits
)

// errand is what the control plane does while no packet is inside.
type errand struct {
	do   func()
	done atomic.Bool
}

// enter lets a packet in.
func (s *Switch) enter() {
	g := &s.gate
	w, v := g.word.Load(), g.front.Load()
	if in := w & inside; in != nobody && in != unmoved || !g.word.CompareAndSwap(w, w&^inside|uint64(inView+v)) {
		w = g.queue(v)
		s.stats.ControlWaits++
	}
	for now := g.front.Load(); now != v; now = g.front.Load() { // turned meanwhile
		v = now
		g.word.Store(w&^inside | uint64(inView+v))
	}
	s.front = v
}

// queue lets a packet in after the guest.
func (g *gate) queue(v uint32) uint64 {
	for i := 1; ; i++ {
		if w := g.word.Load(); w&inside != guest && g.word.CompareAndSwap(w, w&^inside|uint64(inView+v)) {
			return w
		}
		relax(i)
	}
}

// leave lets a packet out.
func (s *Switch) leave() {
	g := &s.gate
	if g.mail.Load() != nil {
		g.receive()
	}
	g.word.Store(uint64(s.seen) << timeFrom)
}

// receive carries out the visit that waits, if it still does.
func (g *gate) receive() {
	if v := g.mail.Swap(nil); v != nil {
		v.do()
		v.done.Store(true)
	}
}

// patience is how often a visitor looks for a packet that would let him in: a few
// hundred nanoseconds, longer than it takes until the next packet of a busy switch.
const patience = 300

// visit calls f while no packet is inside. Packets may have to wait for f, which
// must be short and must not visit. It must not be called for a packet.
func (s *Switch) visit(f func()) {
	g := &s.gate
	g.guests.Lock()
	defer g.guests.Unlock()
	v := &errand{do: f}
	still := 0
	if g.word.Load()&inside == unmoved {
		still = patience
	}
	g.mail.Store(v)
	for i := 1; !v.done.Load(); i++ {
		w := g.word.Load()
		switch w & inside {
		case nobody, unmoved:
			still++
		default:
			still = 0
		}
		if still <= patience || !g.word.CompareAndSwap(w, w&^inside|guest) {
			relax(i)
			continue
		}
		func() {
			defer g.word.Store(w&^inside | unmoved)
			g.receive()
		}()
	}
}

// turn makes packets use the other view and waits until none uses this one.
func (g *gate) turn() {
	old := g.front.Load()
	g.front.Store(old ^ 1)
	for i := 1; g.word.Load()&inside == uint64(inView+old); i++ {
		relax(i)
	}
}

// relax is called while waiting, for the i-th time.
func relax(i int) {
	if i%64 == 0 {
		runtime.Gosched()
	}
}

// now is the instant at which a control plane asks.
func (s *Switch) now() Time { return s.clockedAt(Time(s.gate.word.Load() >> timeFrom)) }

// clockedAt is that instant for who knows the latest of the data plane.
func (s *Switch) clockedAt(seen Time) Time {
	if s.clock == nil {
		return seen
	}
	return max(seen, s.clock())
}
