// Package entity converts between P4Runtime messages and the plain values of
// bmv2/device, under the rules of one P4Info.
//
// Everything here is pure: no device is touched, no clock is read, nothing is
// sent. [New] indexes a P4Info into a [Schema] and holds it against the BMv2 JSON
// it is meant for; the Decode functions validate what a client sent
// and the Encode functions write what a client reads.
//
// # Bytestrings (specification, "Bytestrings")
//
// A client may pad a value with as many leading zero bytes as it likes; the
// value must fit the declared width. The device sees exactly ⌈width/8⌉ bytes.
// What is sent back is canonical: the shortest string that holds the value, and
// one zero byte for zero.
//
//	client  00 00 01 2c   bit<9>   →   device 01 2c   →   client 01 2c
//	client  05            bit<9>   →   device 00 05   →   client 05
//	client  02 00         bit<9>   →   does not fit
//
// # Codes
//
// Every error carries the gRPC code that the specification asks for ([CodeOf]).
// The section on bytestrings says OUT_OF_RANGE for a value that does not fit;
// the sections on match fields, action parameters and registers say
// INVALID_ARGUMENT for the same mistake. The narrower sections win here.
//
// An id that is zero where it must not be is INVALID_ARGUMENT; a table,
// profile, counter, meter, register, digest or value set that the P4Info does
// not have is NOT_FOUND; a field, action or parameter that its table or action
// does not have is INVALID_ARGUMENT.
package entity
