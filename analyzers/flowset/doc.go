// Package flowset has the words of encoded flow sets: what a switch exports of an epoch
// (Table, with its Filter), what is told of it (Decoded, Coverage, Missing), and the keys of
// flows. It encodes, as a switch does; it neither decodes nor reads. It is pure.
//
// From: FlowRadar (Li, Miao, Kim, Yu, NSDI'16). What is done with flow sets is below, and
// imports this package, never the other way round:
//
//	hash         from a key to its cells: the functions (imported here)
//	jsonl        docs/datasets.md to tables and back
//	fit          how a table was filled whose data set does not say so as the page does
//	decode       from tables to flows and their packets
//	loss         from flows and their packets to lost packets, links, loops, black holes
//	lossradar    single lost packets, from digests (CoNEXT'16)
//	postcards    flows counted off per-hop reports instead
//	flowsettest  epochs whose truth is known
//	worlds       tests that share no code with any of these
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
package flowset
