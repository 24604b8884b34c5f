// Package engine runs BMv2 programs as simple_switch does, for v1model.
//
// A [spec.Program] is compiled once ([Compile]) into an executable [Program]
// that any number of switches share; a [Switch] ([New]) owns what changes:
// entries, counters, registers, queues. A packet's walk is
//
//	Receive: parser → verify checksums → ingress → clone, digest, resubmit, multicast, drop or unicast → queue
//	Run:     queue → egress → clone, drop → update checksums → deparser → recirculate or transmit
//
// in the order of simple_switch.cpp. Nothing here reads a clock or draws
// entropy: time comes with every call, randomness from [Config.Seed]; the same
// calls give the same bytes. Sockets, gRPC and the lab live elsewhere.
//
// Where simple_switch would abort, read memory it should not, or go round for
// ever, this engine does something defined; [Stats] counts what is marked (c):
//
//   - An index out of range (c) of a register, counter or meter: nothing is read
//     or written. Of a stack: an element that is never valid and never emitted.
//   - A lookahead over the packet's end is error.PacketTooShort.
//   - A hit on a selector group without active members is a miss (c).
//   - assert and assume that do not hold (c), division by zero (zero), shifts by
//     a negative number (none) do not stop the switch.
//   - A varbit field that was never extracted is assigned as an empty one.
//   - A header chosen at run time may be an action's operand everywhere.
//   - A parser that turns in circles for the 2^14th time raises error.ParserTimeout
//     (c). A packet that does so 2^16 times in a pipeline, or that goes through
//     pipelines 2^12 times at one instant, is dropped (c).
//   - Intermediate results are kept to 8192 bits.
//
// Where simple_switch does what P4 leaves open or forbids, it differs, too:
//
//   - The fields of a header that was never valid for this packet are zero, or
//     garbage ([Config.Stale]); there they hold what an earlier packet left.
//   - A signed field holds the two's complement of what is stored, as P4 says.
//     There a run-time argument, register cell or hash of 200 stays 200 in an
//     int<8>, is not negative, and is emitted as -56.
//   - The copies of a multicast group or clone session are made in the order in
//     which the controller named them; there in that of a hash table of instances.
//   - One packet at a time is in a pipeline; there ingress and four egress threads
//     run side by side, and registers are locked action by action.
//
// # How programs run
//
// Parser, control flow and actions become code (code.go): instructions over one flat
// slice of words, the PHV (layout.go), in which headers, metadata, constants, arguments
// and intermediate results have their slots. One loop runs it (exec.go). Expressions
// are lowered with the masks taken out that change nothing (lower_expr.go), conditions
// to jumps (lower_bool.go); copies that are read once are not made (forward.go). What
// is wider than 64 bits or rare stays a tree of closures (expr.go, wide.go) that an
// instruction calls. With a trace another version of the same code runs, in which
// nothing is left out.
//
// Headers leave where they came: the deparser, going from the last header to the first,
// writes only those that are not where they belong, and of those that are only the
// words in which a program may have changed a field (tracked.go, patch.go). Checksums
// are summed there, too. When the whole of it is slower than it should be, count
// instructions and look for what misses the cache: a switch of a lab finds it cold.
//
// What simple_switch does not have: the class of service and the length of a
// clone session are honoured, ports have line rates.
package engine
