// Package evalqueue reruns the experiments of the Microscope paper (SIGCOMM 2020,
// section 6) on the simulated chain: problems are injected, methods that know nothing
// of them say who delayed each victim, and the counterfactual truth judges. It joins
// the simulator (bmv2/lab/chain) and the queue analyzers, which may not import one
// another.
//
//	chain ─► truth: victims and their problems ─────────────────────┐
//	  └─► records (degraded on request) ─► method ─► ranked causes ─► judge ─► tables
//
// # What is right
//
// Fixed before any result was seen, and the same for all methods.
//
// Victims are drawn from the truth: packets that a problem delayed at a node by at least
// 50 µs and 60 % of their time there, or that were lost there and would not have been.
// At most 64 of each problem are drawn, evenly at random, so that a problem counts for
// about as much as any other, however many packets it harmed. Packets of bursts are
// culprits, not victims.
//
// A method is told packet and node of the victim, and answers with a ranked list of
// causes. The rank of an answer is the place of the first cause that is right:
//
//	problem        right cause
//	interrupt, bug the node, and that its processing is to blame
//	burst          the source, that its traffic is to blame, and one of the burst's
//	               flows among the first five flows named
//
// A method that names components only (NetMedic, time windows) is judged on the node
// alone, as the paper does for NetMedic. Where several problems each qualify for a victim by themselves, any of them
// is right. A list without the right cause has no rank and counts as wrong at every rank.
//
// An answer is certain if it names a cause and does not call itself ambiguous. With
// degraded records, victims whose own record is lost cannot be asked about and are
// counted apart.
//
// The answers of a run, aggregated, show its bug rightly if exactly one pattern is at the
// buggy node and of the bug's two hosts, and its ports contain all flows of the bug that
// sent packets and none outside of the bug's ranges. (Patterns that contain them among
// everything else, as any → any for what is left, count for nothing.)
//
// Figures are medians over seeds of the share per seed, with the least and the greatest.
//
// # Published figures
//
// Paper: rank 1 overall 89.7 %; bursts 99.8 %, interrupts 85.0 %, bugs 73.0 %. NetMedic
// overall 36 %, 66 % within five; bursts 3.7 %, interrupts 52.8 %, bugs 63.3 %.
//
// Printing and files are the command's business; here are values, tables and plots.
package evalqueue
