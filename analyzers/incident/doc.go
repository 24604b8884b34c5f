// Package incident joins the evidence of the other analyzers into verdicts: what is
// wrong, where, since when, on what evidence, and how sure that is.
//
// From: none of the papers has this object (reference list: "what none of them has",
// points 1, 2, 4 and 8). The vocabulary of causes is VTrace's table 4, the split of
// queueing into slow service and high load is Microscope's, losses between two hops
// are found as in VTrace-stats (out of i > in to i+1), without counters.
//
// A verdict is an explicit model of a fault class: which signals it must show, what
// excludes it, and which other symptoms it explains.
//
//	kind             must show                                     excluded or explained by
//	policy-deny      rule denies a service that was delivered      never delivered: intended
//	route-missing    route or next-hop misses at a switch          start-up (Config.Settle)
//	slow-port        drain < Config.SlowShare of the port's rate,  single stalls (most gaps,
//	                 packet by packet, in two windows               waits must be long), lost reports
//	congestion       queue drops, nearly all of a second           slow-port here or next hop
//	link-loss        A sent it, B and all behind never saw it,     report loss of B, overload
//	                 B reports                                      in B, B not yet reporting
//	mapping-missing  no mapping for an address that exists         address nobody has
//	isolation, ttl-expired, mtu-exceeded, unexplained-drop: their drop reasons, lasting
//
// Findings open when the evidence suffices, are updated while it grows and close after
// Config.Quiet without new evidence. All state advances in Advance; Observe only adds.
//
// Confidence is a noisy-or: each piece of evidence i excludes other explanations with
// strength sᵢ, confidence = (1 − Π(1 − sᵢ)) · (1 − report loss/2), at most 0.99. The
// strengths are judgement, set in the detectors beside the evidence; calibrating them
// against injected faults is for the evaluation that a later version brings.
//
// Limits. One verdict per place and kind at a time. A slow port that never has two
// packets in its queue shows nothing and is not found. A link that loses packets and a
// switch that loses them before its pipeline look alike and are both called link-loss.
// An intended new deny rule is reported as policy-deny: intent is not in the packets,
// though whether the topology's policy has the rule is said. Slow trickles (gaps above
// Config.Quiet) open nothing.
package incident
