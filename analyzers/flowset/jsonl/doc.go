// Package jsonl reads and writes flow sets and digests as JSON Lines (docs/datasets.md), one
// object for a node and epoch. It reads tables of millions of cells value by value, and what
// programs of others write: cells as objects, nested or sparse, keys and checks as numbers or
// hex of any case, hashes by other names. What is read otherwise than the page says is noted,
// what cannot be read is a problem with its line and field, and the rest is read all the same.
// What a table's cells say of its functions is for package fit to find. It is pure: it reads
// from and writes to what it is handed.
package jsonl
