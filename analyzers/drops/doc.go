// Package drops answers who loses packets where, and for which reason: it adds up
// drop postcards by reason, device, port, rule, tenant, flow and time, and knows of
// every flow whether it got through before.
//
// From: VTrace (SIGCOMM'20), table 4, the root causes of persistent loss in the
// overlay, and its finding that more than half of them are the tenant's own policy.
//
// Deviations. VTrace colours one flow on demand and reads drop reasons from the slow
// path's log; here every drop of every flow comes with its reason in a postcard, and
// what VTrace's operator knows ("this used to work") is learnt from the hop postcards
// of the far vswitch: a service (VNI, addresses, protocol, destination port: the
// grain of the tenant ACL) that was delivered for a while and is then denied broke; one
// denied from its first packet is an intended denial. Where history was evicted or
// never seen, nothing is claimed.
//
// What is kept, and how much of it:
//
//	cell     (node, in port, out port, reason, rule, VNI)   Config.MaxCells
//	  packets, first, last, time buckets, episodes           Config.Buckets
//	  distinct flows: exact up to, then a lower bound        Config.MaxFlowsPerCell
//	  underlay destinations with packets                     Config.MaxDestinations
//	  examples                                               Config.Examples
//	flow     (VNI, inner five-tuple) delivered and dropped   Config.MaxFlows
//	service  the same without the source port                Config.MaxFlows
//	totals   (node, reason), never evicted
//
// What does not fit is evicted, least recently used first, and counted in [Stats].
// An episode is a run of drops without a silence of Config.EpisodeGap.
//
// Limits. Only reported drops are seen: what a queue drops behind the pipeline's back
// is analyzers/latency's business (missing hops). Times are the collector's.
package drops
