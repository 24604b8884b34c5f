// Package demo is the scenario of `telltale demo`: an emulated fabric carries tenant
// traffic, suffers faults one after another, and is diagnosed from its postcards.
//
//	topology ─► lab (engine switches, links, hosts) ◄─ P4Runtime ─ controller
//	                 │ Telemetry Report datagrams
//	                 ▼
//	            collector ─► records ─► incident ─► findings ─► judge: right place, right reason?
//
// The scenario runs in virtual time. The controller talks to the switches while that
// time stands still, so one seed gives one result, to the byte.
//
// The demo knows what it broke; the analyzers do not. They are handed the topology,
// the records and how many reports never arrived, and nothing else.
//
// Printing is the command's business; here are values only.
package demo
