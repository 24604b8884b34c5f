// Package latency answers where packets wait: per hop, per queue, per path and per
// link, in percentiles by time window against their own history, and whether a queue
// drains as fast as its port should.
//
// From: Pingmesh (SIGCOMM'15) and VNET Pingmesh: percentiles by place and time, p50 in
// milliseconds means a persistent queue, p99 beyond a retransmission timeout means
// silent loss; Microscope (SIGCOMM'20): a queue's build-up is split into what arrived
// too fast and what was processed too slowly.
//
// Deviations. Pingmesh probes end to end and guesses the place; here tenants' own
// packets report at each hop, so every sample has its place and no probe can alias.
// Microscope takes the peak rate of a function as given; here the service rate is
// measured, in ways that fail differently, and the fastest is believed:
//
//	pairs  packet k left n>0 packets behind when it left the queue: the port was busy,
//	       so the next departure comes one serialisation time of k later. Rate =
//	       Σ bits of k / Σ gaps. A report missing between two looks like slowness, so
//	       a pair counts only where the node's report sequence has no hole in it.
//	waits  a packet that found n packets ahead of it waited for n of them to be sent:
//	       the n that left before it. Rate = Σ their bits / Σ waits. Where a report is
//	       missing an older packet stands in, so it holds on lossy reports, too; up to
//	       1/n too low (the packet in service), hence n ≥ 4 only.
//
//	shorts where fewer were ahead, the packet in service matters: it waited for at most
//	       n+1. Rate ≤ Σ bits of n+1 / Σ waits, up to twice the truth. Counted only
//	       with no hole in the sequence, and used only where a port is too idle for the
//	       other two.
//
// Below the port's rate the port is slow; at it, the offered load is too high.
//
// One packet's hops are joined by (VNI, flow hash, packet id) within Config.JoinWindow.
// The outer source is not part of the key although the id counts per outer source: the
// far vswitch reports the packet without its tunnel, and the flow fixes the source.
//
// Clocks. Only timestamps of one node are subtracted. End to end is the sum of hop
// latencies (time in switches), and an estimate that adds each link's configured delay
// and serialisation time: configured, not measured, and named so.
//
// Percentiles come from histograms with 32 buckets per power of two: relative error at
// most 1/64. Windows go by the collector's clock. A window joins the history when it
// looks like it (p99 within Config.Outlier of the history's), so that a fault does not
// become its own baseline; after Config.Relearn windows in a row that do not, the new
// state is the history.
//
// Bounded: Config.MaxSeries per dimension and Config.MaxPackets in the join; what does
// not fit is counted in [MonitorStats]. Multi-queue ports: pairs count only where both packets
// left by the same queue with none of another between them. The drain is that of reported
// packets: with a watch list instead of all, Drain.Coverage falls and says so.
package latency
