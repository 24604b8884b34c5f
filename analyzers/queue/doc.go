// Package queue answers who filled the queue that a packet waited in: a node that
// stalled, flows that are slow to serve, a burst, through how many hops. A queue is
// whatever packets wait in: a network function, a link, a port of a switch.
//
// From: Microscope (SIGCOMM 2020), sections 3 to 5. [Plain] is the paper's method to the
// letter; [Replay], the default, keeps its question and goes past its answer.
//
// # The paper
//
// In the queuing period of a victim (since the queue was last empty; Config.Depth
// allows for a few packets) ni packets came and np were taken; at peak rate r the node
// could have served r·T. What came too much is the input's fault, what was served too
// slowly the node's: Si = max(0, ni − r·T), Sp = ni − np − Si. The input's part is
// divided among the hops that the ni packets came along by how much each made their
// timespan shorter, and followed there at the first of them, up to the source. Two
// readings: a way counts for as much as it has packets, and one node upstream is
// followed once.
//
// # Past the paper
//
// Credit in proportion is wrong where several things come together: a bug's packets and
// an interrupt at one node share one processing score, a burst and the trains of packets
// that are always there share one source, and the first packet of the PreSet speaks for
// all. So Replay asks what the paper's credit stands for, what the wait would have been
// without each suspect, and computes it:
//
//	records ─► region: all queues over the time that matters, packets joined from hop to hop
//	        ─► model: each server's work per packet, its batches, the times it was down
//	        ─► candidates: stalls, slow flows, bursts
//	        ─► replay of the queues (Lindley's recursion) without each, as far as it differs
//	        ─► gain of each victim ─► scores, bounds
//
// A region reaches back over the queuing periods of the victim's node and of all nodes
// upstream of it, at most Config.Lookback. Candidates are
//
//   - stalls: a server did nothing although packets waited, or took much longer over a
//     batch than over others (6σ of that node, learned);
//   - slow flows: slow batches that share a property of flows (the five-tuple, the pair
//     of hosts, a host, a port) which batches served in time do not have: greedy set
//     cover, the most specific property first. That is what one rate per node cannot see.
//     Where more than a tenth of the batches take as long for most of the time, it is the
//     node's normal variation and no candidate;
//   - bursts: stretches of a flow's packets at its source at several times its usual
//     rate; those that begin and end together are one.
//
// What a candidate is away from is replayed from the first packet it touches to where
// queues are again as they were, in the order of the graph; all of it is measured
// against the model of the facts, so that the model's errors cancel. A victim's score
// for a candidate is its gain over its wait, but no more than the work or idleness that
// the candidate brought: in a long queuing period any small train away would have
// emptied the queue by then, and what is small is blamed less. Lost packets ask
// whether they would have found room. What no candidate explains is ordinary traffic, by
// where it entered.
//
// Where no candidate explains half of what all together do, those of one kind at one place
// are tried together: a hundred packets each served slowly that have no flow in common
// are a node's doing, though each alone is nothing.
//
// A packet in its own burst asks for what else delayed it; a packet that is served
// slowly itself finds its own stall or slow flow: misbehaviour of a node that is not
// queueing.
//
// # Rates
//
// The paper has one peak rate per node. Here the work of each packet in a replay is what
// its batch took in fact, so that flows and packets of any cost are as they are; what is
// usual, which tells slow from normal, is learned: time per packet, and, where records
// carry lengths, lengths vary and a base and a cost per byte explain at least a fifth of
// the variation, those (least absolute deviations over groups served back to back, as
// problems are a minority). Then a link's 1500 bytes are not slow, and its 64 are when
// they take as long.
//
// # Scale and distance
//
// Default times are as many times longer as the median server takes longer than 2 µs
// over a packet. What is too little to be a stall follows how much service varies and the
// resolution of the times. How much later things happen at a node than at the one before
// it, links' delays and clocks that are off alike, is measured from a sample of packets
// and taken off wherever times of two nodes meet.
//
// # What may be missing
//
// start (then work is told from departures), rates (learned: the median of groups
// served back to back), sources (then traffic enters where it is seen first), successors
// (learned from packets' ways), packet ids at some nodes (flows keep their order),
// records, in part. Only times of one node are subtracted where it matters, so that clocks
// that are off change travel times and nothing else. [diagnosis.Uncertainty] tells what
// an answer rests on; scores carry bounds, and an answer whose second cause may be the
// first calls itself ambiguous.
//
// # Limits
//
// A server is modelled as first come, first served, one packet or batch at a time. Queues
// of a node that are never served at the same time have one server and are modelled as
// one queue: which of them it serves next is not. Where starts of service are missing and
// times of service vary much, that does not show, and one queue's work looks like stalls
// of the others. Packets lost in fact that a
// replay saves need the usual service at that node and go no further. Cycles among nodes
// are followed in one direction. At most Config.MaxCandidates are tried per stretch of
// time, those that brought most.
//
// # Cost and concurrency
//
// Everything is a function of the trace; Diagnose and Stream share work among threads
// and give the same result for any number of them. [Stream] holds one window and its
// history, for records without an end.
package queue
