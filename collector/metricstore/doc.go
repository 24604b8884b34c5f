// Package metricstore is a VictoriaMetrics within the process: time series are kept in a
// folder and asked for with PromQL over the HTTP API of Prometheus, with vmui to look at
// them, and nothing is to be installed.
//
// VictoriaMetrics was made to be a process of its own. What that means here:
//
//   - It is configured by the flags of package flag, of which it registers 192 when the
//     program starts. Nobody parses them: Open sets the few that matter. Commands of
//     this program have flags of another package, which do not mix with them.
//   - It lives in package variables: there is one store in a process, at one time.
//   - Where it cannot go on it ends the process (logger.Fatalf, logger.Panicf). Open
//     looks first for what can be foreseen: that the folder can be made and written to,
//     that no other process has it, and that there is room on its disk. When the disk
//     fills later it refuses what is added, and keeps answering.
//   - It starts 18 goroutines when the program starts (clocks and cleaners of its caches,
//     which sleep a second and more), whether a store is opened or not.
//   - It logs by itself: errors are passed on to the logger of Open.
//   - What was added in the last five seconds is lost when the process is killed.
//   - The package that receives data (app/vminsert) is not part of it; Write gives
//     samples to the storage.
//
// [Store.Handler] serves what reads, and refuses all else: nothing is deleted, added,
// imported or administered over HTTP, whatever VictoriaMetrics may have handlers for.
package metricstore
