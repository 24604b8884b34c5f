// Package worlds tries analyzers/blame on networks it was not made for. What lives here
// is test code only: nothing may import it, and it looks at blame from outside, as bytes
// of a data set and bytes of an answer (docs/datasets.md). It does not share a line with
// blametest, which is 007's simulation, on purpose.
//
//	network   fat trees, leaf and spine, Clos of odd sizes, wide area networks, rings, chains; names
//	traffic   who sends how much to whom: uniform, hot racks, incast, gravity; mice and elephants
//	faults    what loses packets: links, cables, line cards, devices, queues, some flows only; noise
//	file      how a data set is written: exactly by the contract, or as tired programs do it
//	kinds     the kinds of worlds: each a few of the above
//	oracle    which faults there is evidence for, given the truth about everything else
//	score     answers against the truth
//	tiny      worlds so small that all sets of faults can be tried
//
// A world is made from its kind and a number, always the same. TestWorlds asserts floors
// by kind; `go test ./analyzers/blame/worlds -v -run Worlds$ -worlds 100` prints a table of
// more of them, beside 007's votes, and a line for every miss. `-worlds.first`,
// `-worlds.kind` and `-worlds.keep FOLDER` give one of them back as a file.
package worlds
