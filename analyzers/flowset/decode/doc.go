// Package decode answers which flows encoded flow sets hold, and how many packets of each:
// of single tables, and of all tables of an epoch with one another's help. It reads tables
// and returns flowset.Decoded; how tables came to be, and where packets were lost, it does
// not know. It is pure; it runs in parallel over tables, and its result does not depend on
// how many threads.
//
// From: FlowRadar (Li, Miao, Kim, Yu, NSDI'16), and, for [Subtract], LossRadar (CoNEXT'16).
//
//	single    a cell with one flow is its key: take it out of its other cells, go on
//	flow      flows that a neighbour decoded, and that the filter here knows, are taken
//	          out here; hash functions differ by switch, so what is stuck differs, too;
//	          so are those that were here an epoch earlier (Options.Earlier): with a
//	          filter, new flows alone then decide how many cells are enough
//	counter   packets of those flows: peel as above; believe neighbours' counts where
//	          all cells agree; count jointly as if nothing were lost, by peeling, and
//	          where cells contradict that, by least squares; mend what cells show lost
//	repair    count anew with flows that a filter's false positive hid as unknowns
//	confirm   take back what no second cell confirms
//
// A cell with one flow is believed only if its key belongs in that cell, and has its
// check. A flow that was taken out and is not there leaves −1 flows and its own key behind
// somewhere, and is put back: with the filter's false positives the decoder peels signed
// sets. Without a filter, a neighbour's flow is taken where what remains of a cell with
// two flows is a key that belongs there. Guesses of counts are taken only where they add up
// in every cell whose flows are all guessed or known. In the end, whatever rests on
// neighbours' help, and all of a table that does not add up or whose filter hides flows
// often, must be confirmed: a flow by a second cell where there are no checks, a count by
// a second cell, and contradicted by none. The others are told without their packets, and
// Coverage.Withheld counts them: past the cliff, much is not said, and next to nothing
// that is said is wrong.
//
// Deviations from the paper: neighbours' counts are verified against the cells instead of
// being a starting point of LSQR only; least squares come last here, over all tables at
// once, which gives every flow the equations of all nodes on its way, and like every guess
// they are believed only where rounded values fit the cells; hidden flows are found instead
// of merely noticed; decoding goes on past the cliff, and the coverage says how far.
package decode
