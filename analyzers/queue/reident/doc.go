// Package reident finds out which records are of one packet where nodes report only the
// 16-bit identification of the IP header, times of batches, and, at the end of the graph,
// five-tuples: Microscope, SIGCOMM'20 §5. Pure.
//
// # Steps
//
// For every record the upstream node is sought from which its packet came. Three things
// restrict that, as in the paper: (1) the packet left a node that is before this one, with
// the same 16 bits; (2) it left not longer ago than it can have been on its way, and not
// later than it came; (3) packets do not overtake one another between a node and a queue
// behind it.
//
//	departures of U   17 4 9 17 3 …        17 could be the first or the second 17
//	                   │ │ │                of U, but not the second: 4 and 9 came later
//	arrivals at D     17 4 9 …
//
// All pairs of a departure and an arrival that (1) and (2) allow are listed. A pair whose
// departure and arrival are in no other is an anchor, unless it is outside of the longest
// chain of anchors in which none overtakes another: then the true partner of one of its ends was
// not recorded. Pairs that would have overtaken an anchor go; what is then alone is an
// anchor, too, until nothing changes. What is left are small knots of pairs that exclude one
// another; of each, all the largest sets of pairs without a contradiction are found by
// search, and pairs that are in all of them are linked.
//
// Nothing is guessed: what is left is counted as ambiguous and not linked. Times, not
// places in a list, say what overtook what, so packets of one batch may be in any order.
//
// # Deviations
//
// The paper walks back from the end of the graph packet by packet, taking the first match;
// here all nodes' evidence counts at once. Where a node's records say only when packets
// were read from the queue (start is arrival), as in the paper, the way may have lasted
// as long as a full queue takes, and the arrival is taken from the node before.
//
// Time is O(records × nodes upstream); memory about 60 bytes a record besides the trace.
package reident
