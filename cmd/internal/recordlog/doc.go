// Package recordlog is what the commands do with a log of records: list its blocks,
// print and count its records, fill it from a capture, and replay it, to a collector as
// telemetry reports or into an analyzer.
package recordlog
