// Package pipeline joins the live parts of the collector: datagrams are received and
// accounted for (package collector), their records go into the log (journal), and of a
// share of the packets the hops are put together (hops), from which the clocks of the
// nodes are aligned (clocks).
//
//	UDP ─▶ collector ─ batches ─▶ journal.Append ─▶ log
//	         │ shed: queue full        │ shed: log cannot keep them
//	         │                         ├─▶ taps: whoever else wants the records
//	         │                         ▼
//	         │               one packet of 2^k ─▶ hops.Matcher ─▶ clocks.Aligner
//	         ▼
//	      counted by source
//
// The log sets the pace: while it takes nothing, the collector's queue fills and sheds
// by its policy. Paths are put together for as many packets as [Config.PathRate] allows,
// chosen by the packet's name, so that all hops of a packet are chosen or none.
//
// What holds at every moment ([Account]):
//
//	records decoded = stored + shed by the collector + shed by the log + in flight
//
// and after Run nothing is in flight. What did not arrive, or could not be read or kept,
// goes into the log too, by stream and span of time, as pages of the ledger. No analysis
// lives here, and no wire format.
package pipeline
