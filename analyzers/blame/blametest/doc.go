// Package blametest simulates the networks that 007 was evaluated in, with what is at
// fault in them, and scores answers: sets of flows for tests and evaluations of
// analyzers/blame. It has no part in the program's analyses. Everything is a function of
// its seed.
//
// The setting is that of the released simulator (2 pods, 20 ToRs and 8 T1 switches a
// pod, 10 T2 switches, 40 hosts a ToR: 4160 directed links; 60 flows a host and epoch of
// 1 to 100 packets to a host of another ToR, a random next hop at each hop; a healthy
// link loses packets of a flow at a rate drawn from U(0, 1e-6), a failed one at a rate
// drawn once from U(1e-4, 1e-2); failed links are ToR→T1, T1→T2, T2→T1 or T1→ToR, a
// quarter each), without its quirks: a flow's losses are what its links lost, and votes
// are by the whole path, the last link included. 007's 10 % of failures that share a
// switch are kept.
package blametest
