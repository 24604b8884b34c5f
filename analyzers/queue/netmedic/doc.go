// Package netmedic is NetMedic (Kandula et al., SIGCOMM'09: "Detailed diagnosis in
// enterprise networks") as Microscope (SIGCOMM'20 §6) used it for service chains: the
// baseline that the queue analyzer is held against. Components are the nodes of the
// chain, the edges of the dependency graph are those of the chain, and states are package
// window's variables per 10 ms. Pure.
//
// # Steps
//
// Abnormality of a variable is |erf(z/√2)|, of a component the largest of its variables'.
// A component is normal below 0.1.
//
// The weight of an edge S→D, how likely S is to be affecting D: 0.1 if either is normal.
// Otherwise the history is cut into K = min(10, windows) chunks, and in each the window t is
// taken in which S was most like it is now:
//
//	weight = Σ (1−|D(t)−D(now)|)·w(t) / Σ w(t),   w(t) = 1−|S(t)−S(now)| where that distance is ≤ 1/3, else 0
//
// and 0.8 where no w is above 0. The distance of two states is Σ d·a·r / Σ a·r over the
// variables: d the difference over the range observed, a the abnormality now, r = 1 for
// variables that count. Those are not redundant (of variables correlated above 0.8, one) and
// correlated above 0.8 with a variable of some neighbour. A variable of D that is an aggregate, correlated above 0.9 with the sum of one variable over
// all nodes before D, is taken without what the nodes other than S contribute.
//
// The impact I(c→e) is the largest geometric mean of the weights along a path from c to
// e, and I(c→c) = 1. Components are ranked, for a victim at e, by I(c→e)·Σ I(c→x)·A(x),
// where A is abnormality and the sum goes over all x.
//
// # Where this may differ from the paper
//
// The digits 0.1 (normal), 0.1 and 0.8 (weights) and 0.9 (aggregates) are as commonly quoted;
// the text at hand had lost them. Where no variable counts by the rule above, all that
// are not redundant do. History is the windows around the victim's, at most
// [Config].History, later ones too: the analysis is offline. Paths have at most 16 edges,
// and in a network with cycles they may repeat nodes. Processes, configuration and the host
// templates of NetMedic have no counterpart here.
package netmedic
