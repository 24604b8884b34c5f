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

// wire is one direction of a link.
type wire struct {
	id       int32
	from, to end
	back     *wire // the other direction
	rate     int64 // bits/s, 0 = infinitely fast; as built, without faults
	delay    Time
	depth    int // packets the sender's queue holds

	nic  nic // when the sender is a host
	down bool
	loss float64
	rng  *rand.Rand
	taps []*tap // at the sending port: they see this wire's frames leave and its back's arrive

	stats LinkStats
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

// send puts frame b on the wire: its first bit leaves at start, its last at done.
func (l *Lab) send(w *wire, start, done Time, b []byte) {
	w.stats.Sent++
	w.stats.SentBytes += uint64(len(b))
	if l.watch != nil {
		l.watch(w, start, b)
	}
	for _, t := range w.taps {
		t.write(start, b)
	}
	switch {
	case w.down:
		w.stats.Down++
		return
	case w.loss > 0 && w.rng.Float64() < w.loss:
		w.stats.Lost++
		return
	}
	w.stats.InFlight++
	l.queue.push(event{at: done + w.delay, kind: evArrive, ref: w.id, pkt: l.pool.copyOf(b)})
}

// arrive takes a frame off the wire.
func (l *Lab) arrive(w *wire, pkt *packet) {
	w.stats.InFlight--
	if w.down {
		w.stats.Down++
		return
	}
	w.stats.Delivered++
	for _, t := range w.back.taps {
		t.write(l.now, pkt.data)
	}
	switch w.to.kind {
	case atSwitch:
		n := l.nodes[w.to.ref]
		n.stats.Received++
		l.receive(n, w.to.port, pkt.data)
	case atHost:
		l.hostReceive(l.hosts[w.to.ref], pkt.data)
	case atCollector:
		l.collect(l.nodes[w.to.ref], pkt.data)
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
