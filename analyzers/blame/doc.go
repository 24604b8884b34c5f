// Package blame answers which link lost the packets: from flows, their paths, and how
// many packets each of them lost, to the links (or devices) that did it, how certain
// that is, and the cause of every flow's loss. It is pure and knows no topology but the
// paths; it reads and writes the data set of docs/datasets.md.
//
// From: 007 (Arzani et al., NSDI'18), which is [Votes], to the letter, and what it was
// measured against: [Binary], [Integer] and greedy [Cover] (Score, Tomo). [Likelihood] is
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
// in which losses are rare, and k losses are taken to be spread over them; and so are flows
// that lost more than ten packets, as no noise takes more at once. Where the set shows that
// losses do not come in bursts (as many flows lost two packets as independence explains), each is
// an event of its own; where it is known
// in how many runs a flow's losses lay, each run is one such stretch.
//
// ε is the noise of every link (h_f links), estimated along with the rest; more than
// 1e-6, or than could lose a third of a packet in all, is the less probable the more it is.
// Where noise by flow explains more (retransmissions that nothing was lost for), every flow
// has the noise of so many packets besides. Where links' noise surely differs from link to link,
// each has its own, ε·g with a Gamma distribution of g whose shape is learnt, up to 10 ε, and a
// fault is weighed against this link's noise being higher. What
// flows without losses add is linear: they need only be added up per link, once, and give
// the denominators that 007 does not have. Where only flows with losses are known, what the others
// carried is taken to be the same for every link, and as much as makes the flows' second and further
// losses as likely as they are among the flows' own packets. A fault is a link or a device (a node of links
// named "from>to"): all of a device's links, at half its rate each, so that a packet meets
// its rate once per visit, and half of it on a piece of a path with only one of its links. A
// healthy link is the rule: the
// number of faults has a beta-binomial prior by which the first is improbable and the
// next ones are less so, most of all in the class of links that faults were found in (to
// a node with one neighbour, or not); a fault's rate is at least 10 ε and 1e-5, and
// log-normal with a mean and a variance that are learnt from the faults that are found.
// Integrated over the rate (on a grid where few packets were lost, else by Laplace's
// approximation), this gives the Bayes factor of a fault given the others.
//
//	grow    add the fault of the largest posterior odds while they exceed 1, fit all
//	        rates and ε anew each time (coordinate ascent; the objective is concave)
//	refine  take each fault out: does it still pay, is another one better in its place?
//	leap    rather several links of a device than the device? several links than high noise?
//	        several faults with two devices in each other's place (where paths are uncertain)?
//	level   rather noise that differs from link to link than the weakest faults?
//
// Where there are few suspects (up to 96, and 1,024 rows), several links of one device that lose
// at about the same rate may have a cause in common (a line card), which makes the second and
// further ones less improbable; hypotheses around the best one are weighed all together, also
// those with a device instead of some of its links, other links of it, or links of one device
// instead of noise; and the best of them is the answer.
//
// A probability is that of the fault against none, with the noise fitted anew, and against
// each other one in its place, the other faults given: two links that carry the same
// losses share it, and so do several with their images in the exchange of two devices. Bad is
// what has .95, a link by itself or with its device. Three or more bad links of a device that
// more likely have one cause than each its own are named as a shared risk group.
//
// The cause of a flow's loss: of what is lost on its path each suspect has the share of its
// rate, of the packets that those before it left over; the greatest is named, if it is at
// least .05, rather than noise, and below that where its Bayes factor is ten and two flows whose
// losses nothing else explains crossed it: for who looks at one flow that is more than noise,
// the probability of which is told beside. Where rates of two faults differ by no
// more than their error, the link with more votes is named.
//
// # Paths that are uncertain
//
// A flow whose path is one of several has the likelihood of their mixture: with B(s) =
// Σ w_p·exp(−s·Θ_p) over the alternatives, s packets get through with probability
// exp(−s·Θ)·B(s), Θ being of what all of them cross. It is not concave any more: a rate's best is
// looked for on a grid. Packets that arrived are added up by alternatives and, to a sixth,
// number of packets of a flow. A flow of whose path links are missing has the alternatives
// that fit; where there are none, it only counts if it lost nothing.
//
// # Kind
//
// Corruption or congestion: a loss rate below and another above a threshold of the queue's depth
// against one rate, thresholds and rates integrated out, and losses in runs against
// losses anywhere in a flow. Both are tempered to 50 independent losses and bounded.
//
// Deviations from Flock: rates are estimated instead of configured, so is the noise; the
// number of links needs no calibrated threshold; alternatives are compared one for one,
// not jointly (a fault is not weighed against a pair of others), but for images.
//
// Bounded: a data set holds at most 2³²−1 path entries and bytes of names; a [Tracker]
// carries at most [Config.MaxCarried] losing flows from earlier epochs and counts the
// ones it shed. The search for the smallest cover ends after a bounded amount of work and states the
// lower bound that it has proven. [Links] keeps the alternatives it has seen, as it keeps names.
package blame
