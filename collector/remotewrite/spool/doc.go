// Package spool is a queue of byte strings in a folder: what is appended stays until it
// is taken off, over kill -9 and restarts, in order, within a limit of bytes.
//
// The folder holds segments, named by the number of their first record in 16 hex digits,
// and how far has been read:
//
//	0000000000000000.seg  0000000000000123.seg  …  position  lock
//
//	record     0                   4                   8
//	           +-------------------+-------------------+
//	           | bytes of payload  | samples           |
//	           +-------------------+-------------------+
//	           | number, 8 bytes                       |
//	           +-------------------+-------------------+
//	           | CRC-32C           | payload …
//	           +-------------------+
//	position   +---------------------------------------+-------------------+
//	           | number of the record to read next     | CRC-32C           |
//	           +---------------------------------------+-------------------+
//
// All big-endian; a record's CRC covers what is before it and the payload. A record is
// written in one call, and nothing is synced: a process that dies loses nothing, a
// machine that dies may lose the newest records. The end of the last segment that is
// torn is cut off at the next start; of a segment that is damaged elsewhere the rest is
// lost and counted.
//
// A record is delivered at least once: one that was taken and not marked as done comes
// again. Beyond the limit the oldest segment goes, and what had not been done of it is
// counted as dropped.
//
// Why not VictoriaMetrics' lib/persistentqueue: it moves its read mark before the server
// has answered, so that a kill loses what was on its way, starts anew when its metadata
// are damaged, and panics when the disk does not take what it writes.
package spool
