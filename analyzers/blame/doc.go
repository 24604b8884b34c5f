// Package blame answers which link lost the packets: from flows, their paths, and how
// many packets each of them lost, to the links (or devices) that did it, how certain
// that is, and the cause of every flow's loss. It is pure and knows no topology but the
// paths; it reads and writes the data set of docs/datasets.md.
//
// From: 007 (Arzani et al., NSDI'18), which is [Votes], to the letter. [Likelihood] is
// ours, in the family of Flock (Harsh et al., CoNEXT'23): greedy maximum likelihood.
//
// # Model of Likelihood
//
// A packet gets through link l with probability exp(−θ_l), independently of others.
// A flow without losses has the log-likelihood −n·Θ, one with losses that of the fact
// that there were some, not of their number, for losses come in bursts:
//
//	log(1−exp(−n·Θ_f))    Θ_f = h_f·ε + Σ θ_c over the faults c on its path
//
// Where most flows lose packets, that fact says little: flows are divided into stretches
// in which losses are rare, and k losses are taken to be spread over them.
//
// ε is the noise of every link (h_f links), estimated along with the rest. What
// flows without losses add is linear: they need only be added up per link, once, and give
// the denominators that 007 does not have. A fault is a link or a device (a node of links
// named "from>to"; a packet meets it once per visit). A healthy link is the rule: the
// number of faults has a beta-binomial prior by which the first is improbable and the
// next ones are less so; a fault's rate is log-uniform between 10 ε (at least 1e-5) and
// everything. Two packets may be a coincidence, since noise is not quite the same
// everywhere: a fault that has lost fewer than three has its odds divided by e. Integrated
// over the rate (Laplace), this gives the Bayes factor of a fault
// given the others.
//
//	grow    add the fault of the largest posterior odds while they exceed 1, fit all
//	        rates and ε anew each time (coordinate ascent; the objective is concave)
//	refine  take each fault out: does it still pay, is another one better in its place?
//
// A probability is that of the fault against none and against each other one in its
// place, the other faults given: two links that carry the same losses share it.
//
// Deviations from Flock: rates are estimated instead of configured, so is the noise; the
// number of links needs no calibrated threshold; alternatives are compared one for one,
// not jointly (a fault is not weighed against a pair of others).
//
// Bounded: a data set holds at most 2³²−1 path entries and bytes of names; a [Tracker]
// carries at most [Config.MaxCarried] losing flows from earlier epochs and counts the
// ones it shed.
package blame
