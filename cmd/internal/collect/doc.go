// Package collect runs the live collector as a process: settings from a YAML file, the
// environment and flags, by the same names, the HTTP listener, and what is printed at
// the end. What collecting is, package collector/pipeline knows.
//
// A setting is a flag. In the file it has the flag's name, in the environment that name
// in capitals behind TELLTALE_COLLECT_, with _ for -:
//
//	--receive-buffer 4194304      receive-buffer: 4194304      TELLTALE_COLLECT_RECEIVE_BUFFER=4194304
//
// A flag wins over the environment, that over the file, that over the default. Lists are
// YAML lists in the file and separated by blanks in the environment. A name that is no
// setting is an error.
//
// Beside the log, what the collector knows goes to outputs, each in files of its own:
//
//	pipeline ── tap ──▶ output.Observe   every batch of records, on the network's time
//	         ── source ▶ output.Run      counts, clocks and losses, on the output's time
//	                       │
//	                       └─▶ whoever listens; /metrics, /readyz and pages of its own
//
// An output that fails or cannot keep up takes nothing away from the collector.
package collect
