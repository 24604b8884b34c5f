package lab

import (
	"math"
	"math/bits"
	"sync"
	"sync/atomic"
)

// schedule says which worker drives which part how far while the lab runs up to an
// instant.
//
// It is a conservative simulation without rounds. What a part does at an instant t
// shows at another part no sooner than t plus the distance between the two: the least,
// over all paths, of the sum of delays and of the times the shortest frame takes.
// A part may therefore go up to, and not including, its bound:
//
//	bound(i) = min over j of next(j) + distance(j, i)
//
// where next(j) is the instant of the first event of part j that has not happened yet
// (the one it set out from while a worker is at it), and distance(i, i) is the
// shortest way round. The part whose event is the first of all can always go on.
// Everything known about the future counts: frames on the wires, what waits in the
// queues of switches, and what hosts are going to send, as nothing that happens
// changes that.
//
// A worker takes the part of its own with the earliest event; if none of them may go
// on, another's, which becomes its own. One lock guards all this. It is held to hand
// on the frames of the last part and to choose the next, not for work.
type schedule struct {
	_         [64]byte
	published atomic.Uint32 // counts what is news to workers without work
	_         [60]byte

	mu sync.Mutex
	_  [64]byte

	// Guarded by the lock while workers are at it. Few cache lines, none of which a worker
	// looks at that waits for the lock.
	over    bool
	broken  bool                 // OnReport panicked
	news    bool                 // a worker without work would find some
	pending mask                 // parts that have something to do up to end
	busy    mask                 // parts that a worker is at
	idle    mask                 // workers without work
	asleep  mask                 // those of them who must be woken
	home    [maxWorkers]mask     // by worker: the parts that are its own
	next    [maxParts + 1]uint32 // by part: the instant of its next event in ns after base, or never
	depot   pool
	_       [64]byte

	// Read only, while workers are at it.
	active    bool       // they are
	solo      bool       // the caller does all work
	base, end Time       // end also stands when nobody is at it
	distance  [][]uint32 // by part, then by part from where
	parts     []*part    // the last is the collector's
	workers   []*worker
	helpers   sync.WaitGroup // all workers but the caller
	_         [64]byte
}

// mask is a set of parts or workers.
type mask uint64

const (
	maxParts   = 63 // beside the collector's
	maxWorkers = 64

	never  = 1 << 31
	farOff = 1 << 30 // distances are cut to this

	batch   = 16 // events of a part before its frames are handed on
	backlog = 64 // reports that may wait while there is other work
)

// collector returns the number of the collector's part.
func (s *schedule) collector() int { return len(s.parts) - 1 }

// begin prepares for everything up to and including the instant end, from an instant
// that no pending event precedes.
func (s *schedule) begin(base, end Time, solo bool) {
	s.base, s.end, s.solo, s.active = base, end, solo, true
	s.pending, s.busy, s.idle, s.asleep, s.over, s.broken, s.news = 0, 0, 0, 0, false, false, false
	for _, p := range s.parts {
		if p.id != s.collector() {
			p.conclude(forever, end, math.MaxInt)
			p.ahead(end)
		}
		s.note(p)
	}
}

// rest ends what begin began: the parts are the caller's again.
func (s *schedule) rest() {
	s.active = false
	for _, p := range s.parts {
		p.worker = s.workers[0]
		p.collect()
		p.takeIn()
	}
}

// publish takes a part back from its worker, with what it sent.
func (s *schedule) publish(w *worker, p *part) {
	s.busy &^= 1 << p.id
	s.note(p)
	for i, e := range w.out {
		to := w.lab.wires[e.rank.ref()].dst
		to.inbox = append(to.inbox, e)
		to.first = min(to.first, e.at)
		w.out[i].pkt = nil
		s.sooner(to, e.at)
	}
	w.out = w.out[:0]
	s.supply(&w.pool)
}

// note takes note of what a part has to do.
func (s *schedule) note(p *part) {
	at := p.queue.top()
	if p.id == s.collector() {
		at = p.last.top()
	}
	s.next[p.id] = never
	s.pending &^= 1 << p.id
	s.sooner(p, min(at, p.first))
}

// sooner takes note of one more event of a part.
func (s *schedule) sooner(p *part, at Time) {
	if at <= s.end {
		s.next[p.id] = min(s.next[p.id], uint32(at-s.base))
		s.pending |= 1 << p.id
	}
}

// collect empties the inbox, which takes a moment, so that it can be taken in without
// the schedule's lock.
func (p *part) collect() {
	p.taken, p.inbox, p.first = p.inbox, p.taken[:0], forever
}

// takeIn accepts what was collected.
func (p *part) takeIn() {
	for i, e := range p.taken {
		p.accept(e)
		p.taken[i].pkt = nil
	}
	p.taken = p.taken[:0]
}

// accept is a frame from another part.
func (p *part) accept(e event) {
	if p.id == p.lab.schedule.collector() {
		p.last.push(e)
	} else {
		p.queue.push(e)
	}
}

// choose finds work: the part, which is the worker's now, and how far it may go.
func (s *schedule) choose(w *worker) (p *part, bound Time) {
	id, b := s.find(w)
	if id < 0 {
		s.over = s.pending|s.busy == 0
		return nil, 0
	}
	bit := mask(1) << id
	s.busy |= bit
	if id != s.collector() && s.home[w.id]&bit == 0 && !s.solo {
		for i := range s.workers {
			s.home[i] &^= bit
		}
		s.home[w.id] |= bit
	}
	p = s.parts[id]
	p.collect()
	if b >= never {
		return p, forever
	}
	return p, s.base + Time(b)
}

// find returns a part that a worker could go on with, and before which instant; -1 if
// there is none.
func (s *schedule) find(w *worker) (id int, bound uint32) {
	last := s.collector()
	able, report := s.pending&^s.busy, mask(1)<<last
	if w.id != 0 {
		able &^= report
	}
	report &= able
	able &^= report
	if report != 0 && len(s.parts[last].last.heap)+len(s.parts[last].inbox) >= backlog {
		if id, bound = s.earliest(report); id >= 0 {
			return id, bound
		}
	}
	own := able & s.home[w.id]
	if s.solo {
		own = able
	}
	if id, bound = s.earliest(own); id >= 0 {
		return id, bound
	}
	if id, bound = s.earliest(able &^ own); id >= 0 {
		return id, bound
	}
	return s.earliest(report)
}

// earliest returns of those of the parts that may go on the one with the earliest event.
func (s *schedule) earliest(parts mask) (id int, bound uint32) {
	for parts != 0 {
		id = bits.TrailingZeros64(uint64(parts))
		for rest := parts & (parts - 1); rest != 0; rest &= rest - 1 {
			if i := bits.TrailingZeros64(uint64(rest)); s.next[i] < s.next[id] {
				id = i
			}
		}
		if bound = s.bound(id); s.next[id] < bound {
			return id, bound
		}
		parts &^= 1 << id
	}
	return -1, 0
}

// bound returns before which instant nothing can come to a part.
func (s *schedule) bound(id int) uint32 {
	least := uint32(never)
	far := s.distance[id]
	for j, t := range s.next[:len(far)] {
		least = min(least, t+far[j])
	}
	return least
}
