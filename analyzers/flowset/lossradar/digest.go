// Package lossradar finds lost packets, each by itself, from the digests that the two ends
// of a segment keep of the packets of an epoch. It is pure.
//
// From: LossRadar (Li, Miao, Kim, Yu, CoNEXT'16). A digest is an invertible Bloom filter:
//
//	packet ─▶ k cells, one in each of k subtables: xor of signatures and checks, packets
//	signature: key 13 bytes │ id 2 │ flags 1 │ time 4, TTL 1
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
// the check of 16 bits, so that packets seen downstream only (duplicates, misrouted ones) decode, too. [Classify] is the
// paper's, with its constants.
package lossradar

import (
	"fmt"
	"time"

	"github.com/telltale-net/telltale/analyzers/flowset"
)

// Packet is a packet as digests know it.
type Packet struct {
	Key flowset.Key // of 13 bytes
	ID  uint16
	TTL uint8
	SYN bool
	At  time.Duration // µs resolution, below an hour
}

// words packs a packet into its signature.
func (p *Packet) words() (a, b, c uint64) {
	a, b = p.Key[0], p.Key[1]|uint64(p.ID)<<8
	c = uint64(uint32(p.At/time.Microsecond))<<8 | uint64(p.TTL)
	if p.SYN {
		b |= 1
	}
	return a, b, c
}

func unpack(a, b, c uint64) Packet {
	return Packet{
		Key: flowset.Key{a, b >> 24 << 24}, ID: uint16(b >> 8), SYN: b&1 != 0,
		TTL: uint8(c), At: time.Duration(c>>8) * time.Microsecond,
	}
}

// Subtables is how many cells a packet has.
const Subtables = 3

// Digest is what one end keeps of an epoch. The ends of a segment have the same seed and
// size.
type Digest struct {
	seed  uint64
	per   uint64 // cells of a subtable
	cells []cell
}

type cell struct {
	a, b, c uint64
	check   uint16
	n       int64
}

// CellBytes is a cell's size in a switch: signature, check and a count of 2 bytes.
const CellBytes = 13 + 2 + 1 + 5 + 2 + 2

// New returns an empty digest of at least so many cells.
func New(cells int, seed uint64) (*Digest, error) {
	if cells < 1 || cells > flowset.MaxCells {
		return nil, fmt.Errorf("cannot make a digest: got %d cells, want 1 to %d", cells, flowset.MaxCells)
	}
	per := (cells + Subtables - 1) / Subtables
	return &Digest{seed: seed, per: uint64(per), cells: make([]cell, Subtables*per)}, nil
}

// Add adds a packet.
func (d *Digest) Add(p *Packet) {
	a, b, c := p.words()
	at, check := d.place(a, b, c)
	for _, n := range at {
		x := &d.cells[n]
		x.check ^= check
		x.a ^= a
		x.b ^= b
		x.c ^= c
		x.n++
	}
}

func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (d *Digest) place(a, b, c uint64) (at [Subtables]uint64, check uint16) {
	h := mix(mix(mix(a+d.seed)^b) ^ c)
	for i := range at {
		at[i] = uint64(i)*d.per + mix(h^uint64(i+1)*0x9e3779b97f4a7c15)%d.per
	}
	return at, uint16(h)
}

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
	if up.seed != down.seed || up.per != down.per {
		return Difference{}, fmt.Errorf("cannot compare digests: got seeds %d and %d, %d and %d cells in a subtable, want the same", up.seed, down.seed, up.per, down.per)
	}
	d := Digest{seed: up.seed, per: up.per, cells: make([]cell, len(up.cells))}
	var work []uint64
	for n := range d.cells {
		x, y := &up.cells[n], &down.cells[n]
		d.cells[n] = cell{x.a ^ y.a, x.b ^ y.b, x.c ^ y.c, x.check ^ y.check, x.n - y.n}
		if m := d.cells[n].n; m == 1 || m == -1 {
			work = append(work, uint64(n))
		}
	}
	var out Difference
	for len(work) > 0 {
		n := work[len(work)-1]
		work = work[:len(work)-1]
		x := d.cells[n]
		if x.n != 1 && x.n != -1 {
			continue
		}
		at, check := d.place(x.a, x.b, x.c)
		if check != x.check || n != at[0] && n != at[1] && n != at[2] {
			continue // several packets, lost and extra
		}
		p := unpack(x.a, x.b, x.c)
		if x.n > 0 {
			out.Lost = append(out.Lost, p)
		} else {
			out.Extra = append(out.Extra, p)
		}
		if len(out.Lost)+len(out.Extra) > len(d.cells) {
			break // contradictory cells would go round for ever
		}
		for _, m := range at {
			y := &d.cells[m]
			y.a ^= x.a
			y.b ^= x.b
			y.c ^= x.c
			y.check ^= x.check
			y.n -= x.n
			if y.n == 1 || y.n == -1 {
				work = append(work, m)
			}
		}
	}
	out.Whole = true
	for n := range d.cells {
		if d.cells[n] != (cell{}) {
			out.Whole = false
		}
		if uint64(n) < d.per {
			out.Left += d.cells[n].n
		}
	}
	return out, nil
}
