// Package spec turns the BMv2 JSON that p4c writes into an immutable value, the
// [Program]: names resolved to indices, expressions typed, every construct
// checked. Loading is pure and deterministic: the same bytes give the same
// Program everywhere. What runs a Program lives in bmv2/engine; no state, no
// packets and no I/O may live here.
//
// The format is described in behavioral-model's docs/JSON_format.md, version
// 2.24; what that text leaves out (learn_lists, field_lists, `primitives` of a
// deparser, the operators % / ==h ==u) follows what simple_switch accepts.
//
// A program that is malformed, or uses something unknown, is refused with the
// path of the construct, its name and its place in the input:
//
//	line 812, column 9: actions[3] "MyIngress.foo": primitives[2]: unknown primitive "frobnicate"
package spec
