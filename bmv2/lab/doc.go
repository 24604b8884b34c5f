// Package lab is an emulated fabric: engine switches joined by links with rate,
// delay and queue, tenants' hosts that send and receive, and a collector node at the
// end of the telemetry links.
//
//	host ──▶ vswitch ──▶ leaf ──▶ spine ──▶ leaf ──▶ vswitch ──▶ host
//	            │          │         │        │          │
//	            └──────────┴─────────┴────────┴──────────┴──▶ collector ──▶ OnReport
//
// Everything that happens is an event at an instant, kept in one queue ordered by
// (instant, sequence). Two clocks drive it: virtual time runs as fast as the machine
// allows ([Lab.RunUntil]; the same seed gives the same bytes on every link), the wall
// clock paces the same events for people and sockets ([Lab.Run]).
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
// [Fault] values break things from outside, as in a real network: entries the switch
// lost, slow ports, lossy links, links that are down.
package lab
