// Package evalflowset reruns the experiments of the FlowRadar paper (NSDI 2016, section 6)
// and of LossRadar's digests (CoNEXT 2016) on fat trees of our making
// (analyzers/flowset/flowsettest): flows between pods, sizes Pareto with shape 1.05, every
// switch with as many flows as the others on average.
//
// # What counts
//
// An epoch is decoded if at least 99.9 % of its flows, summed over switches, came out with
// their exact packets; a wrong count and an invented flow are counted apart, and there must
// be none. Memory is what a switch needs: 20 bytes a cell (key 13, flows 1, packets 4,
// check 2) and the filter; the paper's cells have 18 bytes, and its filter is larger.
// Losses are right if they are on the link that lost them, in the epoch after which the
// counters are read.
//
// Published: 100 K flows in 99 % of epochs at 2.88 MB alone and 2.36 MB network-wide, 1 M
// at 29.7 and 24.8 MB (k=8, 10 ms); 283 ms for 101 K and 3,275 ms for 126.8 K flows, on a
// 3.6 GHz core, where below 100 K decoding alone took less than 10 ms.
//
// Times are processor time as measured by the caller's clock. Printing and files are the
// command's business.
package evalflowset
