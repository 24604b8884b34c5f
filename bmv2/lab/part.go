package lab

import "fmt"

// part is a share of the lab that one worker at a time drives: some of the nodes, with
// their hosts, what their flows send and what the wires bring them. A frame on a wire
// belongs to the part where the wire ends. The collector is a part of its own.
type part struct {
	lab    *Lab
	id     int
	now    Time
	events uint64
	queue  queue // of events that others may follow from
	sends  queue // of hosts; nothing that happens to a part changes them
	last   queue // of events that nothing follows from: frames for hosts and the collector
	soon   Time  // least lookahead of the hosts' wires
	worker *worker
	taken  []event // what was in the inbox when the worker set out
	_      [64]byte

	// Under the schedule's lock:
	inbox []event // from other parts
	first Time    // the earliest instant in it
	_     [64]byte
}

// usualInbox is what an inbox has room for from the beginning.
const usualInbox = 32

// run lets events before bound and up to and including the instant end happen in the
// order of time, n at most. Afterwards the next event of the queue, if there is one up
// to end, is what the part does next: hosts have sent whatever could come earlier.
func (p *part) run(bound, end Time, n int) {
	for p.ahead(end); n > 0 && p.queue.top() < bound && p.queue.top() <= end; n-- {
		p.happen(p.queue.pop())
		p.ahead(end)
	}
}

// ahead lets hosts send what may arrive before the queue's next event, and if that is
// after end, all that they send up to end.
func (p *part) ahead(end Time) {
	for {
		at, next := p.sends.top(), p.queue.top()
		if at > end || at == forever || next <= end && next < after(at, p.soon) {
			return
		}
		e := p.sends.pop()
		p.events++
		p.hostSend(e.at, e.rank.ref())
	}
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
	case evPacketOut:
		p.inject(l.nodes[e.rank.ref()], e.pkt.data)
	case evTick:
		p.tick(l.nodes[e.rank.ref()])
	}
	if e.pkt != nil {
		p.worker.pool.put(e.pkt)
	}
}

// conclude lets up to n events before bound and up to and including end happen that
// nothing follows from.
func (p *part) conclude(bound, end Time, n int) {
	for ; n > 0 && p.last.top() < bound && p.last.top() <= end; n-- {
		e := p.last.pop()
		p.events++
		p.end(e.at, p.lab.wires[e.rank.ref()], e.pkt.data)
		p.worker.pool.put(e.pkt)
	}
}

// post hands a frame to the part where it arrives: at once if that is this one or all
// are at rest, else when the worker is done with this part.
func (p *part) post(w *wire, e event) {
	switch {
	case w.dst != p && p.lab.schedule.active:
		p.worker.out = append(p.worker.out, e)
	case w.last:
		w.dst.last.push(e)
	default:
		w.dst.queue.push(e)
	}
}

// next returns the instant of the part's next event.
func (p *part) next() Time { return min(p.queue.top(), p.sends.top(), p.last.top()) }
