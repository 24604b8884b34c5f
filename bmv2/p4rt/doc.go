// Package p4rt is a P4Runtime server in front of one device.Device.
//
// What lives here: the gRPC service, arbitration between controllers, the
// pipeline in force and the one saved beside it, the application of updates and
// reads to the device, and packet I/O. What a message means under a P4Info is
// decided in the package entity, which is pure; what the device does with it is
// the device's business.
//
//	controller ── StreamChannel ──► stream ──► arbiter   who is primary, per role
//	              PacketOut     ──► stream ──► Config.PacketOut
//	              ◄─────────────── outbox ◄── Server.PacketIn / Digest / Tick
//	controller ── Write, Read   ──► store  ──► device.Device
//	controller ── SetForwardingPipelineConfig ──► Config.Load, Config.Commit
//
// Clauses in comments are section titles of the P4Runtime specification 1.5. Its
// messages are newer than the stubs, 1.4.0-rc.5: fields that matter here are
// understood all the same (entity, newer.go), the others refused, never skipped.
// docs/p4runtime-conformance.md lists every requirement with its test.
//
// # Bounds
//
// Every stream has an outbox of fixed size. Packet-ins, digests and idle
// notifications that do not fit are dropped and counted ([Stats]); of
// arbitration notices only the newest counts, and it takes the place of the one
// before. Streams per role, roles, and the size of a message are limited.
//
// # Atomicity
//
// All three modes. DATAPLANE_ATOMIC needs a device.Atomic; packets run meanwhile and
// wait only for the cells of arrays that the batch writes, which is why [Limits]
// bounds them. With ROLLBACK_ON_ERROR packets see the batch being applied, so that it
// cannot take back counters and registers.
//
// # Deliberate limits
//
// No role configurations (every role has the whole pipeline), no port translation,
// no counters per meter colour, no direct counter or meter on a default entry (the
// model counts hits only), no backup replicas. Value sets are offered if the device
// is a device.ValueSets. Replacing a one-shot action set takes room in the selector
// for the old and the new one at once, so that packets see one or the other.
package p4rt
