// Package window describes nodes by time windows, and has the simplest diagnosis that
// can be made of that: the node that is least like itself in the window in which the
// victim arrived is the culprit. It is a baseline, and what package netmedic, the other
// baseline, starts from. Pure.
//
// # Variables
//
// Per node and window (10 ms unless said otherwise; Microscope, SIGCOMM'20 §6.1, found
// NetMedic best at that), from the records alone:
//
//	in         packets that arrived, at a source sent
//	out        packets that left
//	busy       share of the window in which something was being served (without start
//	           times: in which something was waiting or being served)
//	queue      packets waiting, mean over time (without start times: or in service)
//	queue max  packets found waiting by an arriving one, at most
//	drops      packets lost
//
// The paper's variables are CPU, memory and traffic rates. A polling network function
// always shows a CPU of 100 %; what it has to do is "busy".
//
// # Abnormality
//
// Of a variable: |erf(z/√2)|, z = (value − mean)/standard deviation over all other
// windows, as in NetMedic (SIGCOMM'09 §5.1): the share of a normal distribution closer to
// its mean. Of a node: the largest of its variables'. Where a variable never changes but
// in this window, z is infinite and the abnormality 1. erf is 1 in floating point beyond
// z ≈ 6; [Ranker] orders by z.
package window
