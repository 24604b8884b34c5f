// Package model turns what the collector knows into changes of the gNMI tree, and says
// which leaves there are: the schema and the models of Capabilities.
//
//	collector.Snapshot, Log ── Collector ─┐
//	aggregate.Table ─ Sums ─ Postcards ───┤
//	clocks.Aligned ─────────── Clocks ────┤         origin telltale,
//	Finding ────────────────── Findings ──┼─▶ Batch target of the collector
//	Link ───────────────────── LossMap ───┤
//	Blame ──────────────────── Verdicts ──┤
//	Join ───────────────────── Joined ────┤
//	Device ─────────────────── Devices ───┘         origin openconfig, a target per switch
//
// A [Batch] is the whole of what it is about: [Batch.Apply] deletes what it no longer
// holds. Nothing is made up: a figure that nobody reported is an absent leaf.
//
// The openconfig leaves are those of openconfig-interfaces, openconfig-qos and
// openconfig-platform-pipeline-counters 0.3.0. Drops counted from postcards are lower
// bounds: a postcard lost on its way counts nowhere but in telltale:collector/sources.
//
// The package is pure: values in, values out. It may not import analyzers; findings
// come as values of its own type.
package model
