// Package block packs postcards into blocks: a few thousand records, columnar and
// compressed, with a header that says what they are about, so that a reader skips
// what it need not open. A block is the unit of the log and of the bus. The package
// is pure: bytes in, records out.
//
// # Layout
//
// Numbers are little-endian; varint is that of encoding/binary.
//
//	 0        4            8          12         16
//	+--------+------------+----------+----------+--------+------+
//	| "TTB1" | header len | body len | crc32c   | header | body |
//	+--------+------------+----------+----------+--------+------+
//	                                  of header and body
//
//	header: varint records | varint first, last Received | varint low, high Ingress |
//	        varint max QueueDepth | varint max Latency | any Flags | varint any Has |
//	        bits of filter: varint words, 8 bytes each | varint length of each column
//	body:   the columns one after another, each a zstd frame, or as it is where
//	        that is shorter (the lowest bit of its length in the header says which);
//	        how hard the encoder tries ([Encoder.Fast]) does not show
//
// The low and high Ingress are over the records that have one. The filter is a Bloom
// filter of everything that a query may ask by equality: node, inner flow, inner and
// outer addresses, VNI, drop reason.
//
// # Columns
//
// Records are sorted by inner flow, then packet id, then Ingress, so that what one
// packet did at its hops stands together and the next packet of the flow, which
// mostly does the same, follows. What repeats is then predicted, and a column holds
// the difference:
//
//	dictionary  addresses; flows (addresses by index, ports, protocol, VNI, hash, number of records); outer flows;
//	            shapes: all that is a matter of the place rather than the packet (node, ports, queue, reason, flags …)
//	packet      PacketID − that of the record before, within the flow; 0 = the same packet
//	shape       0 = the one that followed the last record's shape last time, else index + 1
//	first       Ingress − that of the flow's packet before, at a packet's first record
//	wire        Ingress − Egress of the record before − the same the last time at this shape and length
//	stay        Egress − Ingress
//	latency     Latency − (Egress − Ingress), mostly 0
//	queue, enq  QueueDepth, EnqDepth
//	length      Length − that of the record before − the same the last time at this shape
//	outer       0 = the flow's last one, else index + 1
//	epoch       Epoch − that of the record before
//	seq         by node and subsystem in order of time: Seq − the one before − 1
//	instants    the distinct values of Received, ascending, each − the one before
//	received    in the order of seq: index of Received − that of the one before, or (where that is shorter) − that
//	            of what comes after the one before by as much as the node's clock says
//
// Fabric traffic takes less than 4 bytes a record so. Whatever a record holds comes
// back, fields without their Has bit too; only Received is rounded down to
// [Encoder.Unit].
package block

import (
	"fmt"
)

// MaxRecords is the largest number of records in a block.
const MaxRecords = 1 << 15

const (
	magic     = "TTB1"
	fixedSize = 16
)

// column numbers one of the body's columns.
type column int

const (
	colAddresses column = iota
	colFlows
	colOuters
	colShapes
	colPacket
	colShape
	colFirst
	colWire
	colStay
	colLatency
	colQueue
	colEnq
	colLength
	colOuter
	colEpoch
	colSeq
	colInstants
	colReceived
	columns
)

var columnNames = [columns]string{
	"addresses", "flows", "outers", "shapes", "packet", "shape", "first", "wire", "stay",
	"latency", "queue", "enq", "length", "outer", "epoch", "seq", "instants", "received",
}

func (c column) String() string { return columnNames[c] }

// Error says where a block is not one.
type Error struct {
	Part   string // "frame", "header", or the column's name
	Offset int    // bytes, within the part as decompressed
	What   string // got and want
}

func (e *Error) Error() string {
	return fmt.Sprintf("cannot read block of records: %s, byte %d: %s", e.Part, e.Offset, e.What)
}
