// Package patterns aggregates causal relations, "packets of this flow at this node made
// packets of that flow late at that node, this much", into the few patterns a person
// can read. It is the last step of Microscope (SIGCOMM'20, §4.4), which aggregates with
// AutoFocus (Estan et al., SIGCOMM'03). Pure: values in, values out.
//
// # Definition
//
// A flow at a node is a point in six dimensions, each with a hierarchy: node (node, type
// of node, any), source and destination address (prefixes), protocol, source and
// destination port (dyadic ranges of 1, 2, 4 … 65,536 ports). A cluster names one place
// of every hierarchy; its level is the sum of the depths of those places.
//
// The clusters of points with scores are defined by a walk through the whole lattice, most
// specific first (by level; then the greater residual score; then by place): a cluster
// whose residual score, the score of its points that no cluster reported before it
// covers, is at least the threshold, is reported and covers its points. This is the
// compressed report of AutoFocus, with one difference: AutoFocus lets clusters of which
// neither contains the other count the same points. Then uniform noise alone reports
// thousands of clusters at 1 %. Here a point is counted once, so at most 1/threshold
// clusters are reported and their scores add up to no more than what there is.
//
// From those clusters patterns are described. Port ranges are as the data has them, not
// powers of two, and prefixes are as long as the data allows. A set of patterns is better
// the fewer bits it takes to write the relations down with its help (minimum description
// length): a pattern costs the bits of its places and ends, and every unit of score (half
// the threshold) the bits that say which pattern, and where inside it. Patterns
// are merged, two at a time or all in one hull, while that saves bits; then a range or a
// prefix is widened where the points just outside are cheaper inside. Which node it was
// counts four times as many bits as anything else: where the trouble is, is the first thing
// to know. So 81 flows that fill ports 2000–2008 × 6000–6008 are one pattern with these
// ranges, although each alone is above the threshold (Microscope reports 80 patterns
// there), while two flows of ports 2000 and 60000 remain two.
//
// # Two passes
//
// Microscope first aggregates the victims of each single culprit, then the culprits of each
// aggregate of victims. With a threshold relative to the culprit, most victims stand for
// themselves and nothing is left to aggregate; with an absolute one, equal culprits get
// different victims by chance and one bug is many patterns again. Here the passes change
// places: culprits over all relations first, then the victims of each pattern. One row
// is one cause; its Victims are the aggregates of whom it harmed, down to the same
// threshold, and Victim is their hull.
//
// # Cost
//
// Points that are above the threshold by themselves leave first. Of the rest, a dimension's
// hierarchy shrinks to the places above the threshold, points that no such place tells
// apart become one, and the closed clusters above the threshold are enumerated once each
// (prefix-preserving extension, as in LCM by Uno et al.), O(points) for each. Clusters are
// taken from a heap, their residual computed anew when their turn comes. The number of
// clusters is exponential in the dimensions for data made to be so; where enumeration
// exceeds its budget, prefixes and ranges are looked at in steps of 4 or 8 bits, and
// [Result.StepBits] says so. Memory is O(relations + budget).
//
// Addresses are IPv6, IPv4 mapped into it: a cluster of both families is "any address".
package patterns
