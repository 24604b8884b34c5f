// Package tm is the traffic manager of the behavioural model: the queues between
// ingress and egress, as simple_switch has them (QueueingLogicPriRL).
//
// Every port has one FIFO per priority, each with a capacity in packets:
//
//	            ┌ priority 1 ▢▢▢▢▢ ┐  ≤ 1 packet per 1/pps and queue
//	Enqueue ──► ┤                  ├─► strict priority ─► ≤ bps over the port ─► Dequeue
//	            └ priority 0 ▢▢▢▢▢ ┘  greater number first
//
// A full queue refuses the packet (tail drop, counted per queue). A limit in
// packets/s holds for each queue by itself, as in simple_switch; the limit in
// bits/s is the port's line rate, which simple_switch does not have: while a
// packet is being serialised nothing else leaves by that port. Rates round
// against the sender: a gap is never shorter than the rate asks.
//
// Everything happens in the caller's time, nanoseconds as int64. A packet leaves
// when it was due, however late Dequeue is called, so departures do not depend
// on how often the caller looks. Calls must come with a clock that does not go
// back, from one goroutine at a time. The package knows nothing of packets'
// contents, of egress processing or of links.
package tm
