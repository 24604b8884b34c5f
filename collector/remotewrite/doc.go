// Package remotewrite sends time series to a server by Prometheus remote write 1.0
// (https://prometheus.io/docs/specs/prw/remote_write_spec/): VictoriaMetrics, Mimir,
// Thanos, Prometheus itself.
//
//	[Client.Send] ─ requests, compressed ─▶ queue in a folder (spool) ─▶ Run ─▶ server
//
// A request is a snappy block of a protobuf WriteRequest of at most [Config.Samples]
// samples, posted with
//
//	Content-Encoding: snappy
//	Content-Type: application/x-protobuf
//	X-Prometheus-Remote-Write-Version: 0.1.0
//
// and answered with
//
//	2xx        taken
//	5xx, 429,  tried again, the wait doubling from Config.MinWait to Config.MaxWait, or as
//	3xx, none  long as Retry-After says, up to [MaxRetryAfter]
//	4xx        dropped and counted: the server will not take it later either
//
// One request is on its way at a time, in the order of Send, so that a server sees the
// samples of a series in order. Every request goes through the queue: what was not
// acknowledged when the process died is sent again, so that a server may see a request
// twice, with the same timestamps. The queue is bounded; the oldest go, counted.
//
// No secret is in a URL, a metric, an error or the log: they are read from files, for
// every request anew, so that they can be replaced while the process runs.
package remotewrite
