// Package differ holds the embedded model against another switch, BMv2's own above
// all: the same program, the same entries over P4Runtime, the same packets; whatever
// either does that the other does not is a [Difference].
//
// # Packets in batches
//
// The judge is asynchronous. A batch of packets is a packet stream of its own: the judge
// names with every packet that leaves the one that it comes of, and ends the stream when
// nothing is left inside; so what came out is all there is, and whose it is is certain.
// No sentinels, no pauses. While the judge works on one batch, the next is made and given
// to the models. The judge is run without a CPU port, so that packet-ins and packet-outs
// are packets of an ordinary port.
//
//	judge    │ batch 1        │ batch 2        │ batch 3
//	models   │ batch 2        │ batch 3        │
//	compare  │                │ batch 1        │ batch 2
//
// Within a batch the judge's threads race. Programs to which that matters, because they
// keep state in egress or read how many packets wait, get their packets one at a time: the
// next when everything has left that the model says will leave ([needs.paced]).
//
// # What is undefined
//
// Clocks differ, so must what programs make of them; random numbers differ; and the fields
// of a header that is not valid hold what earlier packets left. Many models run side by
// side with the same packets and entries, but with other clocks, queueing delays, orders of
// copies, seeds and garbage in such fields. Some come in pairs in which every low bit of the time is the
// opposite, so that whatever bit a program takes from its clock differs somewhere. Bits in
// which the models differ among themselves are undefined: they are not compared, and
// counted. A packet that leaves by other ports or with other lengths in some of them, or
// takes another way through the program, is undefined as a whole.
//
//	µs  │ packet number +  a │  r, 26 random bits │   first of the pair; a is the model's own
//	    │ packet number + ^a │ ^r                 │   second
//
// Garbage of our own is not what packets leave behind, and a program may look for just that
// value. So a program without state that the judge runs otherwise than the models is run
// there again, by a judge that has seen no other packet: if it then does as the models, its
// first answer came from what other packets had left.
//
// # What is left out
//
// Packets that circle for ever never leave the judge's stream, and are not given to it.
// Packets that the judge dies of are counted and named, and it is started anew, and the
// models with it; after several deaths of one kind, packets of that kind are left out.
//
// # What else is compared
//
// In the end both sides are asked for all they have: entries, groups, members, sessions,
// counters (packets and bytes), meters' configurations; registers where the judge lets them
// be read; and the digests that were sent, per list, their contents and order.
//
// What lives here: that comparison. Starting processes and printing do not.
package differ
