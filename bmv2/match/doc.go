// Package match finds the entry of a P4 table that a key hits.
//
// A table's layout is a list of fields, each exact, lpm, ternary, range or valid.
// The kinds decide the structure behind the table:
//
//	all exact or valid     one open-addressing hash table
//	one lpm, others exact  longest prefix wins: a stride trie or hash tables by length
//	any ternary or range   greatest priority wins: see below
//
// A lookup key is packed words: every field takes ⌈width/64⌉ of them, its most
// significant word first, the value right-aligned:
//
//	field   ipv6.dst (128 bits)             tcp.dport (16)
//	word    0: bits 127…64  1: bits 63…0    2: 000000000000dddd
//
// An entry is a list of matches (byte strings, see device.Match), a priority and
// an int32 chosen by the caller, which is what a lookup returns. Matches and
// priority are an entry's identity. What counters, actions and timeouts an entry
// has is the engine's business; so is locking: a Table takes one call at a time.
package match
