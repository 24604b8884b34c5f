package jsonl

import (
	"cmp"
	"fmt"
	"math"

	"github.com/telltale-net/telltale/analyzers/flowset"
)

// signatureBytes is the length of a packet's signature in a digest: see lossradar.
const signatureBytes = 21

// asDigest makes the object's cells those of a digest, which counts packets only.
func (o *object) asDigest() (field, text string) {
	o.stage = o.end
	o.ordered = true // its keys are no five-tuples
	if o.keyBytes == 0 {
		o.keyBytes = signatureBytes
	}
	for i := range o.rows {
		w := &o.rows[i]
		if w.packets < 0 || w.packets > math.MaxInt32 {
			return fmt.Sprintf("table[%d].packets", i), fmt.Sprintf("got %d, want 0 to %d", w.packets, math.MaxInt32)
		}
		w.flows, w.packets = int32(w.packets), 0
	}
	return "", ""
}

// leftAlign moves a key that was read as a number to the front.
func leftAlign(k flowset.Key, bytes int) flowset.Key {
	words, bits := bytes/8, 8*(bytes%8)
	var out flowset.Key
	for i := range out {
		if i+words < len(k) {
			out[i] = k[i+words] << bits
			if bits > 0 && i+words+1 < len(k) {
				out[i] |= k[i+words+1] >> (64 - bits)
			}
		}
	}
	return out
}

// layOut finds the table's measures, and every row's subtable and cell.
func (o *object) layOut() (s flowset.Shape, rows []row, field, text string) {
	s = flowset.Shape{Node: o.node, Epoch: o.epoch, KeyBytes: o.keyBytes, CheckBytes: o.checkBytes, Order: o.order, Stage: o.stage, Neighbours: o.neighbours}
	longest, check := 0, 0
	sparse := false
	for i := range o.rows {
		longest = max(longest, int(o.rows[i].keyLen))
		check = max(check, int(o.rows[i].chkLen))
		sparse = sparse || o.rows[i].at >= 0
	}
	if s.KeyBytes == 0 {
		switch {
		case longest <= flowset.KeyIPv4:
			s.KeyBytes = flowset.KeyIPv4
		case longest <= flowset.KeyIPv6:
			s.KeyBytes = flowset.KeyIPv6
		default:
			s.KeyBytes = flowset.MaxKey
		}
	} else if longest > s.KeyBytes {
		return s, nil, "key_bytes", fmt.Sprintf("got %d, and a xor of %d bytes", s.KeyBytes, longest)
	}
	s.CheckBytes = cmp.Or(s.CheckBytes, check)
	k := o.subtables
	if k < 0 {
		if k = int64(len(o.nested)); k == 0 {
			return s, nil, "subtables", "got none, want how many there are"
		}
	}
	if k < 1 || k > flowset.MaxSubtables {
		return s, nil, "subtables", fmt.Sprintf("got %d, want 1 to %d", k, flowset.MaxSubtables)
	}
	s.Subtables = int(k)
	n := o.cells
	if n < 0 {
		if sparse || len(o.rows)%int(k) != 0 {
			return s, nil, "cells", "got none, want how many there are in a subtable"
		}
		n = int64(len(o.rows)) / k
	}
	all := n * k
	if !sparse {
		switch int64(len(o.rows)) {
		case n * k:
		case n: // of all subtables together
			all = n
			if n%k != 0 {
				s.Pooled = true
				break
			}
			n /= k
		default:
			return s, nil, "table", fmt.Sprintf("got %d cells, want %d in each of %d subtables", len(o.rows), n, k)
		}
	}
	if n < 1 || n > flowset.MaxCells/k {
		return s, nil, "cells", fmt.Sprintf("got %d in each of %d subtables, want 1 to %d in all", n, k, flowset.MaxCells)
	}
	s.Cells = int(n)
	used := make([]bool, all)
	for i := range o.rows {
		w := &o.rows[i]
		at := int64(i)
		if sparse {
			if at = w.at; at < 0 {
				return s, nil, fmt.Sprintf("table[%d].cell", i), "got none, want a number, as other cells have"
			}
			if w.subtable >= 0 {
				if at >= n {
					return s, nil, fmt.Sprintf("table[%d].cell", i), fmt.Sprintf("got %d, want less than %d", at, n)
				}
				at += n * int64(w.subtable)
			}
		}
		if at >= all {
			return s, nil, fmt.Sprintf("table[%d].cell", i), fmt.Sprintf("got %d, want less than %d", at, all)
		}
		if used[at] {
			return s, nil, fmt.Sprintf("table[%d].cell", i), fmt.Sprintf("got %d twice", at)
		}
		used[at] = true
		w.subtable, w.at = int32(at/n), at%n
	}
	return s, o.rows, "", ""
}
