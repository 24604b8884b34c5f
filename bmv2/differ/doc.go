// Package differ holds the embedded model against another switch, BMv2's own above
// all: the same program, the same entries over P4Runtime, the same packets; whatever
// either does that the other does not is a [Difference].
//
// # One packet at a time
//
// The judge is asynchronous. Every packet is a packet stream of its own
// (dataplane.Client.Exchange): the judge ends the stream when nothing of the packet is
// left inside, so what came out is all there is, whose it is is certain, queues are
// empty and registers settled before the next packet. No timeouts, no sentinels, no
// pauses. The judge is run without a CPU port, so that packet-ins and packet-outs are
// packets of an ordinary port.
//
// # Time and chance
//
// Clocks differ, so must what programs make of them. Several models run side by side
// with the same packets and entries, but with other clocks, other queueing delays and
// other seeds. They come in pairs in which every low bit of the time is the
// opposite, so that whatever bit a program takes from its clock differs somewhere.
// Bytes in which the models differ among themselves are not compared, and counted.
// What remains does not depend on the clock.
//
//	µs  │ packet number │ r, 26 random bits │   first of the pair
//	    │ packet number │ ^r                │   second; between pairs the upper part differs, too
//
// What lives here: that comparison. Starting processes and printing do not.
package differ
