// Package aggregate sums records up in bounded memory: what every output queue of every
// node did (packets, bytes, drops by reason, latencies, depths), and what every tenant
// lost. It is what the collector gives out as metrics and over gNMI.
//
// A record counts as one packet at one hop. A report that was lost on its way is in no
// sum: sums are lower bounds, and how many reports are missing is told by the accounts
// of package sequence.
//
// What does not fit into the limits is counted in [Table.Overflow] and nowhere else. A
// table forgets nothing, so that its counters never go down.
//
// Values only: no clock, no sockets, no names. Metric names are of package
// metricstore/series, gNMI paths of gnmi/model.
package aggregate
