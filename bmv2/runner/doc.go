// Package runner runs one switch: live, with ports and controllers in real time, or
// offline, over captures in virtual time. It is the logic behind `telltale switch`.
//
// What lives here: a [Target], which is an engine with a P4Runtime server in front; a
// [Controller], the least of a P4Runtime client that can fill a switch, embedded or
// real; [Replay], [Bench] and [Trace], which feed captures to a target; and [Live],
// which feeds it from ports. Forwarding state always goes in through P4Runtime, as a
// controller's would. Flags and printing live in cmd; knowledge of particular P4
// programs has no place here.
//
// Offline, time is that of the captures: the switch's epoch is the earliest packet,
// so the same inputs give the same bytes at the same instants.
package runner
