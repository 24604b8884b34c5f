// Package ledger keeps account of telemetry that did not make it, over time and for
// good, so that whatever is concluded from a log can be shown with the loss of its
// window. A [Book] turns the running counts of a collector into a [Page] per span of
// time, a page is a few bytes per stream in the log beside the records, and [Sum] adds
// pages up again for a window, in all and by stream (source, node, subsystem).
//
// A page is, little-endian, varints as in encoding/binary, signed ones zigzag:
//
//	 0        4         8
//	+--------+---------+------------+
//	| "TTL1" | crc32c  | zstd frame |     the sum is over the frame
//	+--------+---------+------------+
//
//	frame: From (signed) | To − From | kernel drops | rejected | shed by the log |
//	       counts of streams that were forgotten | number of lines | lines
//	line:  bytes of the source (0, 4 or 16), source | node | hw_id 8 | version 8 | counts
//	counts: received | lost (signed) | duplicates | restarts | reports | skipped | malformed | records | shed
//
// A window is made of whole pages: the account covers at least the window, and less
// than two pages more. Loss is booked when it was noticed: the datagrams lost at the end
// of a page may stand on the next, and a late datagram that fills a gap takes one back
// there. What of a window no page covers ([Loss.Uncovered]) is not known: nobody was
// listening, or the page could not be kept.
//
// The package is pure.
package ledger
