// Package flowset answers how many packets of every flow every switch saw in an epoch: it
// decodes encoded flow sets, and reads and writes the data set of docs/datasets.md. It is
// pure; it knows no topology but what it is told of neighbours and paths.
//
// From: FlowRadar (Li, Miao, Kim, Yu, NSDI'16). Below it, loss finds from the counts which
// link or device lost packets, lossradar holds LossRadar's digests (CoNEXT'16), postcards
// counts flows off per-hop reports, and flowsettest makes epochs whose truth is known.
//
// # The table
//
// k subtables of cells; each flow has one cell in each:
//
//	         ┌ xor of keys ┬ flows ┬ packets ┬ xor of checks ┐
//	flow f ─▶│             │       │         │               │ subtable 0, cell F0(f)
//	       ─▶│             │       │         │               │ subtable 1, cell F1(f)
//	       ─▶│             │       │         │               │ subtable 2, cell F2(f)
//	         └─────────────┴───────┴─────────┴───────────────┘ check: Fk(f)
//
// A flow's first packet, told by a Bloom filter, is added to xor, flows and check; every
// packet is counted. The check is ours: 16 bits in the room of the paper's larger filter.
//
// # Decoding
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
//
// [Decode] runs in parallel over tables; its result does not depend on how many threads.
package flowset
