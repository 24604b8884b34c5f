// Package lossradar finds lost packets, each by itself, from the digests that the two ends
// of a segment keep of the packets of an epoch. It is pure.
//
// From: LossRadar (Li, Miao, Kim, Yu, CoNEXT'16). A digest is an invertible Bloom filter:
//
//	packet ─▶ k cells, one in each of k subtables: xor of signatures and checks, packets
//	signature: key 13 bytes │ id 2 │ flags 1 (bit 0: SYN) │ time 4, in µs │ TTL 1
//
// Both ends add every packet; the difference holds those that only one end saw, and is
// decoded by peeling, whatever the number of packets: a digest needs room for losses only,
// 1.3 cells each.
//
// All of the signature must be the same at both ends: the id is one the packet carries
// (the outer IPv4 identification, or a sequence number per link, where stacks draw
// identifications at random), the TTL that of the upstream end, the time one that the
// packet carries, or zero.
//
// Deviations: a cell with one packet is believed only if the packet belongs there and has
// the check of 16 bits, so that packets seen downstream only (duplicates, misrouted ones)
// decode, too. [Classify] is the paper's, with its constants.
package lossradar

import (
	"fmt"
	"time"

	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/analyzers/flowset/decode"
	"github.com/telltale-net/telltale/analyzers/flowset/hash"
)

// Packet is a packet as digests know it.
type Packet struct {
	Key flowset.Key // of 13 bytes
	ID  uint16
	TTL uint8
	SYN bool
	At  time.Duration // µs resolution, below an hour
}

// SignatureBytes is the length of a packet's signature.
const SignatureBytes = flowset.KeyIPv4 + 2 + 1 + 4 + 1

// Signature packs the packet.
func (p *Packet) Signature() flowset.Key {
	k := flowset.Key{p.Key[0], p.Key[1]>>24<<24 | uint64(p.ID)<<8, (uint64(uint32(p.At/time.Microsecond))<<8 | uint64(p.TTL)) << 24}
	if p.SYN {
		k[1] |= 1
	}
	return k
}

// PacketOf is the packet of a signature.
func PacketOf(k flowset.Key) Packet {
	return Packet{
		Key: flowset.Key{k[0], k[1] >> 24 << 24}, ID: uint16(k[1] >> 8), SYN: k[1]&1 != 0,
		TTL: uint8(k[2] >> 24), At: time.Duration(k[2]>>32) * time.Microsecond,
	}
}

// Subtables is how many cells a packet has.
const Subtables = 3

// Digest is what one end keeps of an epoch: a table in which every packet is a flow. The
// ends of a segment have the same seed and size.
type Digest struct{ t *flowset.Table }

// CellBytes is a cell's size in a switch: signature, check and a count of 2 bytes.
const CellBytes = SignatureBytes + 2 + 2

// New returns an empty digest of at least so many cells.
func New(cells int, seed uint64) (*Digest, error) {
	if cells < 1 || cells > flowset.MaxCells {
		return nil, fmt.Errorf("cannot make a digest: got %d cells, want 1 to %d", cells, flowset.MaxCells)
	}
	t, err := flowset.NewTable(flowset.Shape{
		Subtables: Subtables, Cells: (cells + Subtables - 1) / Subtables, KeyBytes: SignatureBytes, CheckBytes: 2,
		Hash: hash.Family{Algorithm: hash.SplitMix64, Seed: seed},
	})
	if err != nil {
		return nil, fmt.Errorf("cannot make a digest: %w", err)
	}
	return &Digest{t}, nil
}

// Of returns the digest that a data set's table is.
func Of(t *flowset.Table) (*Digest, error) {
	if t.KeyBytes != SignatureBytes {
		return nil, fmt.Errorf("cannot use a digest: got signatures of %d bytes, want %d", t.KeyBytes, SignatureBytes)
	}
	return &Digest{t}, nil
}

// Table returns the digest's table, to be written to a data set.
func (d *Digest) Table() *flowset.Table { return d.t }

// Add adds a packet.
func (d *Digest) Add(p *Packet) { d.t.Add(p.Signature(), 0, true) }

// Difference is what two ends do not agree on.
type Difference struct {
	Lost  []Packet // seen upstream only
	Extra []Packet // seen downstream only
	// Left counts packets that could not be decoded, lost less extra: the digests were
	// too small for so many losses.
	Left int64
	// Whole says that everything was decoded.
	Whole bool
}

// Compare decodes the difference of a segment's upstream and downstream digests, which it
// does not change.
func Compare(up, down *Digest) (Difference, error) {
	d, err := decode.Subtract(up.t, down.t)
	if err != nil {
		return Difference{}, err
	}
	out := Difference{Left: d.Left, Whole: d.Whole}
	for _, k := range d.Lost {
		out.Lost = append(out.Lost, PacketOf(k))
	}
	for _, k := range d.Extra {
		out.Extra = append(out.Extra, PacketOf(k))
	}
	return out, nil
}
