package lab

import "fmt"

// part is the share of the lab that one worker at a time drives: some of the nodes,
// with their hosts, what their flows send and what the wires bring them. A frame on a
// wire belongs to the part where the wire ends.
type part struct {
	lab    *Lab
	id     int
	now    Time
	events uint64
	queue  queue // of events that others may follow from
	last   queue // of events that nothing follows from: frames for hosts and the collector
	pool   pool
	// What the part hears from and tells others during a parallel stretch; by part,
	// nil for itself and where no wire leads.
	in, out []*channel
	pace
	scratch []byte
}

// run lets events up to and including the instant end happen in the order of time,
// about n at most, and returns how many did.
func (p *part) run(end Time, n int) (done int) {
	for ; done < n; done++ {
		first, last := p.queue.top(), p.last.top()
		switch {
		case first <= last && first <= end && first != forever:
			p.happen(p.queue.pop())
		case last < first && last <= end:
			p.conclude(p.last.pop())
			p.now = last
		default:
			return done
		}
	}
	return done
}

// happen is an event of the queue.
func (p *part) happen(e event) {
	if e.at < p.now {
		panic(fmt.Sprintf("BUG: lab: event of kind %d at %d, but it is %d already", e.rank>>kindShift, e.at, p.now))
	}
	p.now = e.at
	p.events++
	l := p.lab
	switch e.rank.kind() {
	case evArrive:
		p.arrive(l.wires[e.rank.ref()], e.pkt.data)
	case evWake:
		p.wakeUp(l.nodes[e.rank.ref()])
	case evSend:
		p.hostSend(e.rank.ref())
	case evPacketOut:
		p.inject(l.nodes[e.rank.ref()], e.pkt.data)
	case evTick:
		p.tick(l.nodes[e.rank.ref()])
	}
	if e.pkt != nil {
		p.pool.put(e.pkt)
	}
}

// conclude is an event that nothing follows from.
func (p *part) conclude(e event) {
	p.events++
	p.end(e.at, p.lab.wires[e.rank.ref()], e.pkt.data)
	p.pool.put(e.pkt)
}

// next returns the instant of the part's next event.
func (p *part) next() Time { return min(p.queue.top(), p.last.top()) }
