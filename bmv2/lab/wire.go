package lab

import "math/rand/v2"

type endKind uint8

const (
	atSwitch endKind = iota
	atHost
	atCollector
)

// end is one side of a wire: a node's port or a host.
type end struct {
	kind endKind
	ref  int32 // index of node or host
	port uint16
	name string // "leaf1:3", or the host's name
}

// minFrame is the shortest Ethernet frame, without FCS. Shorter ones are padded on the
// line: they carry fewer bytes, but take as long.
const minFrame = 60

// wire is one direction of a link. What changes during a run belongs either to the
// sender's part of the lab or to the receiver's.
type wire struct {
	id       int32
	from, to end
	back     *wire // the other direction
	rate     int64 // bits/s, 0 = infinitely fast; as built, without faults
	delay    Time
	least    Time // serialisation of the shortest frame
	depth    int  // packets the sender's queue holds
	last     bool // nothing follows from arrivals: they are for a host or the collector
	dst      *part

	down bool // changes only between runs, as do the next two
	loss float64
	taps []*tap // at the sending port: they see this wire's frames leave and its back's arrive

	_    [64]byte // the sender's cache lines
	rng  *rand.Rand
	nic  nic // when the sender is a host
	sent struct{ frames, bytes, lost, down, queueFull uint64 }
	_    [64]byte // the receiver's cache line
	got  struct{ frames, down uint64 }
	_    [64]byte
}

// LinkStats counts the frames of one direction of a link. Always
//
//	Sent = Delivered + Lost + Down + QueueFull + InFlight
type LinkStats struct {
	From, To  string // "leaf1:3", or a host's name
	Sent      uint64 // frames the sender put out
	SentBytes uint64
	Delivered uint64
	Lost      uint64 // by a lossy link
	Down      uint64 // because the link was down
	QueueFull uint64 // at a host's port; a switch's own queues are in its engine's counters
	InFlight  uint64 // on the wire, or in a host's queue
}

// stats must not be called during a run.
func (w *wire) stats() LinkStats {
	s, g := &w.sent, &w.got
	return LinkStats{From: w.from.name, To: w.to.name, Sent: s.frames, SentBytes: s.bytes, Delivered: g.frames,
		Lost: s.lost, Down: s.down + g.down, QueueFull: s.queueFull,
		InFlight: s.frames - s.lost - s.down - s.queueFull - g.frames - g.down}
}

// lookahead is how long after it was sent a frame arrives at the soonest.
func (w *wire) lookahead() Time { return w.delay + w.least }

// send puts frame b on the wire at now: its first bit leaves at start, its last at
// done.
func (p *part) send(w *wire, now, start, done Time, b []byte) {
	w.sent.frames++
	w.sent.bytes += uint64(len(b))
	if p.lab.watch != nil {
		p.lab.watch(w, start, b)
	}
	for _, t := range w.taps {
		t.write(start, b)
	}
	switch {
	case w.down:
		w.sent.down++
		return
	case w.loss > 0 && w.rng.Float64() < w.loss:
		w.sent.lost++
		return
	}
	at := max(done, now+w.least) + w.delay
	if w.to.kind == atHost && at <= p.lab.schedule.end {
		// Nothing follows from it, and nobody cuts the wire before.
		p.events++
		p.end(at, w, b)
		return
	}
	p.post(w, event{at: at, rank: evArrive | rank(w.id), pkt: p.worker.pool.copyOf(b)})
}

// arrive takes a frame off a wire to a switch.
func (p *part) arrive(w *wire, b []byte) {
	if w.down {
		w.got.down++
		return
	}
	w.got.frames++
	for _, t := range w.back.taps {
		t.write(p.now, b)
	}
	n := p.lab.nodes[w.to.ref]
	n.stats.Received++
	p.receive(n, w.to.port, b)
}

// end takes a frame off a wire to a host or the collector.
func (p *part) end(at Time, w *wire, b []byte) {
	if w.down {
		w.got.down++
		return
	}
	w.got.frames++
	if w.to.kind == atHost {
		p.lab.hostReceive(p.lab.hosts[w.to.ref], at, b)
	} else {
		p.lab.collect(p.lab.nodes[w.to.ref], at, b)
	}
}

// nic is a host's sending port: a queue of so many packets, drained at the line's rate.
type nic struct {
	free   Time   // when the last queued packet will have left
	starts []Time // ring: when each waiting packet begins to leave
	head   int
	n      int
}

// take queues length bytes at now; false when the queue is full.
func (c *nic) take(now Time, length int, rate int64) (start, done Time, ok bool) {
	for c.n > 0 && c.starts[c.head] <= now {
		c.head = (c.head + 1) % len(c.starts)
		c.n--
	}
	if c.n == len(c.starts) {
		return 0, 0, false
	}
	start = max(now, c.free)
	done = start + serialisation(length, rate)
	c.free = done
	if start > now {
		c.starts[(c.head+c.n)%len(c.starts)] = start
		c.n++
	}
	return start, done, true
}

// serialisation is how long length bytes take at rate bits/s, rounded up to 1 ns.
func serialisation(length int, rate int64) Time {
	if rate <= 0 {
		return 0
	}
	return Time((int64(length)*8*1e9 + rate - 1) / rate)
}
