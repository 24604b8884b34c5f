// Package chain simulates a service chain: traffic sources, stages of network
// functions, a queue before each, and what every packet met there, with ground truth
// about who delayed whom. The chain of the Microscope paper (SIGCOMM 2020, figure 10):
//
//	source ──▶ nat1…4 ──▶ fw1…5 ──▶ mon1…3 ──▶ vpn1…4
//	                         └──────────────────▶
//	                          all but web traffic
//
// A flow takes the same node of a stage always, chosen by a hash; a stage may be for
// flows of certain ports only.
//
// # A node
//
// A FIFO queue of bounded length in packets, and one server that polls it as a DPDK
// application does: it takes what waits, at most a batch, serves it packet by packet,
// and sends the batch on when the last packet is done.
//
//	arrive ──┐ waits in the queue ┌── start: the batch is read (one instant for all of it)
//	         ▼                    ▼
//	─────────┼────────────────────┼──────────────┐ depart: the batch is written
//	                               Σ service times
//
// A packet that finds the queue full is lost. Service takes the type's time for 64
// bytes, spread from node to node, more for longer packets if the stage says so
// ([Config.WithSizes]), and
// varies from packet to packet. The server stands still while it is interrupted.
// The sources have no queue; their links carry what they send.
//
// # Problems
//
// As the paper injects them ([Problem]): a [Burst] of a few flows at line rate, an
// [Interrupt] of a node, a [Bug] that makes a firewall slow for the packets of certain
// flows. [Config.Draw] places them, apart from one another or several at once. What is
// natural and always there ([Noise]): times of service that vary, short stalls with a
// heavy tail, packets that come in trains.
//
// # Randomness
//
// Every draw belongs to what it is about, never to the order of events: traffic to its
// source, a service time to packet and node, a stall to its node. Two runs that differ
// by a problem therefore differ by its consequences only, and packets keep their
// numbers. The same [Config] gives the same [Trace].
//
// # Truth
//
// Ground truth is counterfactual ([Trace.Truth]). The run is repeated without the
// problem, all others in place. A packet is the problem's victim at a node if its time
// there, from arrival to departure, is at least 50 µs and at least 60 % shorter
// without the problem, or if it is lost there only with the problem. The packets of a
// burst do not exist without it, and are nobody's victims. A packet that several
// problems each delay that much, as when it would not have waited without either, is
// given to the one that accounts for most, and the others are named beside it.
//
// # How it runs
//
// The chain has no cycle, so there is no event queue: nodes are simulated one after the
// other, each over all its packets sorted by arrival, in columns. A run without a
// problem is the same over the time that the problem can have changed: the nodes start
// from the batches that had ended before it, and go on until both runs agree again.
//
// Everything here is a pure function of a Config. What is simplified: packets on the
// wire do not delay one another, a batch costs nothing beyond its packets, addresses
// are not rewritten on the way.
package chain
