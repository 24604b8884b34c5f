// Package engine runs BMv2 programs as simple_switch does, for v1model.
//
// A [spec.Program] is compiled once ([Compile]) into an executable [Program]
// that any number of switches share; a [Switch] ([New]) owns what changes:
// entries, counters, registers, queues. A packet's walk is
//
//	Receive: parser → verify checksums → ingress → clone, digest, resubmit, multicast, drop or unicast → queue
//	Run:     queue → egress → clone, drop → update checksums → deparser → recirculate or transmit
//
// in the order of simple_switch.cpp. Nothing here reads a clock or draws
// entropy: time comes with every call, randomness from [Config.Seed]; the same
// calls give the same bytes. Sockets, gRPC and the lab live elsewhere.
package engine
