// Package live analyses what a running collector receives: package window does the
// work, this one gives it records, the time and the losses of reports, and gives out what
// it finds.
//
//	network's goroutine            Run's goroutine
//	Observe ─ Sampler ─ batch ──▶ queue ──▶ window.Analyzer ──▶ Results, OnEvent, OnWindow
//	             ▲                  │ full: shed and counted,
//	             └──────────────────┘ and one packet in twice as many is taken
//
// Observe never waits. What it leaves out, it counts; what it sheds, the windows say.
package live
