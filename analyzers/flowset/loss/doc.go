// Package loss finds where packets were lost, from how many packets of every flow every
// node counted in an epoch (flowset.Decoded): on which link, in which device, in which
// loop or black hole. It compares counts and ways; how counts were come by, it does not
// know, and nothing here decodes. It is pure, and knows no topology but the links, ways and
// neighbours it is told of.
//
// From: FlowRadar (Li, Miao, Kim, Yu, NSDI'16). A flow's way is, in
// order of preference, what Config.Path says; the chain of linked nodes that counted it, from
// the end behind which its source is (learnt from other flows of the same addresses); or
// the order of its counts, which fall along the way. Then
//
//	counted    12 ─▶ 12 ─▶ 9 ─▶ 9      lost 3 between the second node and the third
//	counted    12 ─▶ 12 ─▶ nothing     a black hole, if the third would have counted it
//	counted    12 ─▶ 40 ─▶ 41 ─▶ 12    a loop through the second node and the third
//
// Deviations from the paper: flows whose ways nobody knows are compared all the same; a flow
// that used several ways in an epoch is compared from end to end; where the node between
// could not tell, a loss is put on the stretch between those that could (Link.Gap).
package loss
