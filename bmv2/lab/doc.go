// Package lab is an emulated fabric: engine switches joined by links with rate,
// delay and queue, tenants' hosts that send and receive, and a collector node at the
// end of the telemetry links.
//
//	host ──▶ vswitch ──▶ leaf ──▶ spine ──▶ leaf ──▶ vswitch ──▶ host
//	            │          │         │        │          │
//	            └──────────┴─────────┴────────┴──────────┴──▶ collector ──▶ OnReport
//
// Everything that happens is an event at an instant. Events of one instant are ordered
// by what they are and where they happen, never by who scheduled them when. Two clocks
// drive it: virtual time runs as fast as the machine allows ([Lab.RunUntil]; the same
// seed gives the same bytes on every link), the wall clock paces the same events for
// people and sockets ([Lab.Run]).
//
// # Workers
//
// Several workers share a run ([Config.Workers]). The nodes are divided into parts, each
// with its own events and one worker; hosts and flows go with their vswitch, the
// collector with the caller, so that OnReport is always called by one goroutine. It is
// a conservative simulation: a part never goes further than its neighbours' clocks plus
// the lookahead, which is the delay of the links between them and the time the shortest
// Ethernet frame takes on them.
//
//	part 0: spine1 leaf1 leaf2 vs1…vs4 collector
//	   │ ▲        clock 0 ─▶ part 1 may go to clock 0 + 5.48 µs
//	   ▼ │ frames clock 1 ─▶ part 0 may go to clock 1 + 5.48 µs
//	part 1: spine2 leaf3 leaf4 vs5…vs8
//
// Nodes that links of little lookahead join stay in one part, if the shares come out
// about even; a link with neither delay nor rate is never between parts, so that a
// fabric of such links has one part and one worker. Shares follow the load as it is
// measured. How much faster two workers are depends on how much happens within a
// lookahead: with less than one event, or whenever the machine proves to be faster with
// one worker, one does the work of all. None of this shows in what happens: any number
// of workers gives the same bytes, reports in the same order, and the same counters.
//
// Pipelines and entries are not put in place behind the curtain. Every switch has its
// own P4Runtime server ([Lab.P4RTAddr]) and forwards nothing until a controller pushes
// a program to it. While virtual time stands still, between two RunUntil calls,
// what a controller writes takes effect and packet-outs wait for the current instant
// to go on. Writes during a run take effect too, at an instant that is not
// reproducible.
//
// What the lab knows for certain, it offers as ground truth: per flow ([Lab.Flows]),
// per link direction, node, host ([Lab.Stats]). Nothing vanishes uncounted: frames put
// on a link are delivered, lost to a named reason or in flight.
//
// [Fault] values break things from outside, as in a real network:
//
//	LoseEntry        the switch no longer has an entry; its controller believes it has
//	StuckEntry       the switch says yes to its controller and keeps the old entry
//	CorruptRegister  bits of a register cell flip
//	SlowPort         a port drains slower than its link
//	QueuePause       a port does not drain
//	LossyLink        a link loses frames in one direction
//	LinkDown         a link is cut; both ends see it
//
// Switches may have clocks that are off and drift ([SwitchClock], [Skewed]): what they
// stamp and how their ports are paced follows their own clock.
package lab
