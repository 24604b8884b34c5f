// Package randpkt makes random inputs for a P4 program that reach its insides: packets
// that its parser accepts, and table entries that such packets hit.
//
// A packet begins as random bytes. The generator walks the parse graph over it: where
// a state selects, it picks a transition and writes the value that takes it; fields are
// now and then given a value that entries match on; checksums are set right. Some
// packets are cut short or bent afterwards, because that happens too.
//
// Entries come from the P4Info: valid requests of every kind that P4Runtime has for
// forwarding state. Entries and packets draw their values from one pool per field
// width, which is what makes them meet.
//
// The package is pure: randomness is handed in, the same sequence gives the same
// inputs. What the inputs do is nobody's business here.
package randpkt
