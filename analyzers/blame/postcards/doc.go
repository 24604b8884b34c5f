// Package postcards makes a data set for the blame analyzer of postcards: which packets
// a tenant's flow sent into the fabric, which of them came out, and what way they took.
// Pure.
//
//	postcard                                says
//	of a vswitch, in from a tenant's port   the packet set out
//	of a vswitch, out to a tenant's port    it arrived
//	of any switch                           it got this far, and left by this port
//	with a drop reason                      the loss is announced: somebody's decision, or a full queue
//	none from the next switch               silently lost between the two, unless that one's reports are missing
//
// # What a packet tells
//
// A packet that was last seen at L crossed all links before L for certain, and was lost
// between L and the first switch behind it that reports and did not report it. So one
// packet makes at most two rows of the set: one that lost nothing over the links before L,
// and one that lost all over the links behind it. The likelihood of the packet is the
// product of the two. Rows of a flow with the same links are one row.
//
// # Ways
//
// The ports in a flow's postcards tell its way. Where some hops say nothing, the
// shortest paths of the topology through those that do are its alternatives, all alike
// probable (ECMP). Where a flow's packets took different ways in one interval, each
// packet's own postcards count.
//
// # Reports that are missing
//
// A report that is missing is not a packet that is lost. Postcards of a switch are
// numbered: a hole in the numbers of a switch excuses its silence from the report before
// to the one after, and [Config.Jitter] on both sides (twice the delay from one hop's
// report to the next one's, where it is not given): one packet for each missing report,
// packets that arrived first, and as many again of the packets that did not, those that were
// seen one hop before the last switch first, because it is not known which of the silences
// are missing reports. Before its first report and after its last one, less that time, all
// is excused. Excused silence says nothing: the packet may have been lost
// before that switch or behind it. Where the last switch is excused, too, nothing is
// known of the packet ([Account.Undecided]), and it is left out.
//
// A switch that says nothing of packets that are known to have crossed it does not
// report at every hop (a watch list, a queue threshold): its silence says nothing
// ([Config.Coverage]). But where such switches report the same packets (one in so many,
// chosen by what is the same at all hops), its silence about a packet that another one of
// them reported does say that the packet did not get there. How often a switch that does report kept silent about a packet
// that arrived is [Account.Unseen].
//
// # What is announced
//
// A queue that dropped for want of room (TRAFFIC_MANAGER) lost packets on the link behind it: a row
// of that link alone. Packets that were dropped for another reason lost nothing where
// they went: their rows say that they got so far.
//
// # Limits
//
// Packets are joined by (VNI, flow hash, packet id); ids have 16 bits, so a name that
// comes again after [Config.Settle] is another packet's. Packets between tenants of one vswitch
// cross no link. The links between vswitch and tenant carry no postcard: losses there are
// not seen. A packet without a postcard of its first vswitch is left out.
package postcards
