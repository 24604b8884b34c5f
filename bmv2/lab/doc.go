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
// Several workers share a run ([Config.Workers]). Each switch is a part of the lab with
// events of its own, which one worker at a time drives; hosts and flows go with their
// vswitch. The collector is a part that only the caller drives, so that OnReport is
// always called by one goroutine. It is a conservative simulation in the manner of
// Chandy and Misra (CACM 24(4), 1981), with shared memory in place of messages: a part
// goes as far as nothing that is known to lie ahead of the others can reach it, over
// the shortest path of delays and of times that the shortest Ethernet frame takes.
//
//	leaf1    next at 10.0 µs                     spine1 may go to 15.48 µs
//	spine1   next at 12.1 µs     leaf1 ─5.48 µs─ spine1
//	vs7      next at 11.3 µs                     vs7    may go to 23.4 µs: leaf1 is
//	                                             three links away
//
// What is known: frames on wires, packets in the queues of switches, and the next
// packets of hosts, which send ahead as nothing that happens changes what they send.
// There are no rounds in which all wait for all: a worker takes of the parts that may go
// on the one with the earliest event, first of those it drove before, then of others'.
//
// Where links differ much in their delay, nodes that the short ones join are one part,
// provided there are enough parts for the workers; a link with neither delay nor rate is
// never between parts, so that a fabric of such links is one part and has work for one.
// How much faster two workers are depends on how much happens within a link's delay
// (TestPossibleSpeed says what is possible); whenever the machine proves to be faster
// with one, one does the work of all. None of this shows in what happens: any number
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
//	LineCard         the links at some ports of a switch lose frames in both directions
//	LinkDown         a link is cut; both ends see it
//
// Switches may have clocks that are off and drift ([SwitchClock], [Skewed]): what they
// stamp and how their ports are paced follows their own clock.
package lab
