// Package exposition reads the Prometheus text format into the time series of remote
// write, so that what the collector shows at /metrics, what it keeps and what it sends
// are the same.
//
//	# TYPE name kind                 kept as metadata
//	# HELP name text                 kept as metadata
//	name{label="value",…} value      a sample
//	name value                       a sample
//
// It is for text that this process wrote: timestamps, exemplars and the escapes of
// OpenMetrics are errors. A line that cannot be read is counted and told, and the others
// are read all the same. Values only.
//
// [Stale] finds series that have ended, and marks their end as the specification of
// remote write asks ("Senders MUST send stale markers when a time series will no longer
// be appended to").
package exposition
