// Package collector receives Telemetry Reports and accounts for every one of them:
// datagram → report → postcard record → sink, and a count for whatever does not
// take the whole way.
//
//	UDP socket 0 ─ reader ─ Ingest ─┐ batches   ┌─ bounded ─┐
//	UDP socket 1 ─ reader ─ Ingest ─┤ of records│   queue   │─ Sink
//	     …         (SO_REUSEPORT)   ┘ ─────────▶└───────────┘
//	kernel drops    malformed,        full queue: shed by policy,
//	(SO_RXQ_OVFL)   loss by sequence   counted by source
//
// [Collector.Ingest] is the synchronous core: no socket, no clock, no goroutine. A
// laboratory in virtual time calls it directly; [Collector.Run] calls it from the
// sockets. The wire format is collector/report's, the judging of sequence numbers
// collector/sequence's; no analysis lives here.
//
// How a source deviates from the specifications says its profile (report/profile): the
// configured one, or else a guess. A report becomes the record of the node that sent
// it and one of every hop that its packet tells of (report/perhop).
//
// What holds at every moment when nothing is on its way:
//
//	datagrams = accounted to a source + rejected (no readable group header)
//	records   = given to the sink + shed
package collector
