package flowset

import (
	"cmp"
	"fmt"
	"math"

	"github.com/telltale-net/telltale/analyzers/flowset/hash"
)

// take makes a table of an object. What it says is wrong is about a field, "" = the object.
func (r *Reader) take(o *object) (field, text string) {
	switch {
	case o.problem != "":
		return o.problemField, o.problem
	case !o.hasNode || o.node == "":
		return "node", "got none, want a node's name"
	case !o.hasTable:
		return "table", "got none, want cells"
	case o.segment && o.end == "":
		return "end", fmt.Sprintf("got none, want %s or %s", EndUp, EndDown)
	case o.segment:
		if field, text := o.asDigest(); text != "" {
			return field, text
		}
	}
	if r.seen[nodeEpoch{o.node, o.stage, o.epoch}] {
		return "", fmt.Sprintf("got another flow set of node %s and epoch %d", o.node, o.epoch)
	}
	shape, raws, field, text := o.layOut()
	if text != "" {
		return field, text
	}
	h, err := hash.Parse(o.hash)
	if err != nil {
		h, _ = hash.Guess(o.hash)
	}
	if len(o.seeds) == 1 {
		h.Seed = uint64(o.seeds[0])
	} else if len(o.seeds) > 1 {
		h.Seeds = nil
		for _, n := range o.seeds {
			h.Seeds = append(h.Seeds, uint64(n))
		}
	}
	shape.Hash = h
	if shape.Hash.Algorithm == "" {
		shape.Hash.Algorithm = hash.SplitMix64 // until the cells say otherwise
	}
	t, bad := NewTable(shape)
	if bad != nil {
		return "", bad.Error()
	}
	shift := MaxKey - shape.KeyBytes
	for i := range raws {
		w := &raws[i]
		t.Set(int(w.subtable), int(w.at), leftAlign(w.key, shift), w.flows, w.packets, w.check)
	}
	if closest, ok := r.fit(t, o.hash, h.Algorithm != ""); !ok {
		why := unfit(o.hash, h.Algorithm != "", closest)
		if !t.coherent() {
			return "hash", why
		}
		t.Blind, t.Filtered = true, o.filter != nil
		o.filter = nil
		r.blind(o.node, why)
	}
	if !o.ordered {
		t.Order = guessOrder(t)
		if t.Order == ProtoLast {
			r.note("node %s: keys read as src, dst, sport, dport, proto: byte 8 of none of the flows is a usual protocol, byte 12 of all is", o.node)
		}
	}
	if o.filter != nil {
		if text := o.addFilter(t); text != "" {
			return "filter", text
		}
		if !r.filterFits(t) && o.filter.hash == "" { // its functions may be as the table's are
			t.Filter.Hash = t.Hash
			t.Filter.ready()
		}
		if !r.filterFits(t) {
			r.note("node %s: the filter does not know flows that its table holds: it is not used", o.node)
			t.Filter = nil
		}
	}
	r.seen[nodeEpoch{o.node, o.stage, o.epoch}] = true
	r.Stats.Cells += uint64(t.Len())
	if o.segment {
		r.Digests = append(r.Digests, t)
		r.Stats.Digests++
		return "", ""
	}
	r.Tables = append(r.Tables, t)
	r.Stats.Tables++
	flows, _ := t.Totals(0)
	r.Stats.Flows += uint64(max(0, flows))
	return "", ""
}

// blind notes that only flows alone in a cell are told of a node.
func (r *Reader) blind(node, why string) {
	const text = "only flows that are alone in a cell are told, which nothing verifies"
	if r.blinded == nil {
		r.blinded = map[string]bool{}
	}
	if r.blinded[node] {
		return
	}
	if len(r.blinded) == 0 {
		r.note("node %s: %s: hash: %s", node, text, why)
	} else {
		r.note("node %s: %s, either", node, text)
	}
	r.blinded[node] = true
}

// unfit says why a table's hash is not understood.
func unfit(text string, named bool, closest string) string {
	if closest == "" {
		closest = "none of the flows that are alone in a cell where any way of hashing puts them"
	}
	tried := fmt.Sprintf("tried were other numbers and places of seeds, seeds up to %d, parts of digests, scaling, and cells of all subtables together, side by side, or without subtables; the best is %s", hash.MostSeed-1, closest)
	switch {
	case text == "":
		return fmt.Sprintf("got none, and the cells fit none of %v; %s", hash.Algorithms(), tried)
	case !named:
		return fmt.Sprintf("got %q, which is none of %v, and the cells fit none of them; %s", text, hash.Algorithms(), tried)
	}
	return fmt.Sprintf("got %q, and flows alone in a cell are not where it puts them: want functions as docs/datasets.md describes; %s", text, tried)
}

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
func leftAlign(k Key, bytes int) Key {
	words, bits := bytes/8, 8*(bytes%8)
	var out Key
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
func (o *object) layOut() (s Shape, rows []row, field, text string) {
	s = Shape{Node: o.node, Epoch: o.epoch, KeyBytes: o.keyBytes, CheckBytes: o.checkBytes, Order: o.order, Stage: o.stage, Neighbours: o.neighbours}
	longest, check := 0, 0
	sparse := false
	for i := range o.rows {
		longest = max(longest, int(o.rows[i].keyLen))
		check = max(check, int(o.rows[i].chkLen))
		sparse = sparse || o.rows[i].at >= 0
	}
	if s.KeyBytes == 0 {
		switch {
		case longest <= KeyIPv4:
			s.KeyBytes = KeyIPv4
		case longest <= KeyIPv6:
			s.KeyBytes = KeyIPv6
		default:
			s.KeyBytes = MaxKey
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
	if k < 1 || k > MaxSubtables {
		return s, nil, "subtables", fmt.Sprintf("got %d, want 1 to %d", k, MaxSubtables)
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
	if n < 1 || n > MaxCells/k {
		return s, nil, "cells", fmt.Sprintf("got %d in each of %d subtables, want 1 to %d in all", n, k, MaxCells)
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

func (o *object) addFilter(t *Table) string {
	f := o.filter
	h, err := hash.Parse(cmp.Or(f.hash, o.hash))
	if err != nil {
		var ok bool
		if h, ok = hash.Guess(cmp.Or(f.hash, o.hash)); !ok {
			if f.hash != "" {
				return err.Error()
			}
			h = t.Hash
		}
	}
	if f.bits == 0 {
		f.bits = int64(8 * len(f.data))
	}
	if f.bits < 0 || f.hashes < 0 {
		return fmt.Sprintf("got %d bits and %d hash functions", f.bits, f.hashes)
	}
	if f.bits > int64(8*len(f.data)) {
		return fmt.Sprintf("got %d bits and %d bytes of data", f.bits, len(f.data))
	}
	t.Filter, err = NewFilter(h, uint64(f.bits), int(f.hashes), t.KeyBytes)
	if err == nil {
		err = t.Filter.SetBytes(f.data)
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// samples is how many flows that are alone in a cell are looked at.
const samples = 256

// alone calls fn with flows that are alone in a cell, spread over the table.
func (t *Table) alone(fn func(n int, k Key)) {
	found := 0
	step := max(1, len(t.cells)/(64*samples))
	for from := range step {
		for n := from; n < len(t.cells); n += step {
			if t.cells[n].Flows != 1 {
				continue
			}
			k, _, _, _ := t.Cell(n/t.Cells, n%t.Cells)
			fn(n, k)
			if found++; found == samples {
				return
			}
		}
	}
}

// guessOrder tells the two orders of fields apart by where protocols stand.
func guessOrder(t *Table) Order {
	at := map[int]int{KeyIPv4: 8, KeyIPv6: 32}[t.KeyBytes]
	if at == 0 {
		return ProtoThird
	}
	usual := func(p byte) bool { return p == 1 || p == 6 || p == 17 || p == 58 || p == 132 }
	third, last, all := 0, 0, 0
	t.alone(func(_ int, k Key) {
		var b [MaxKey]byte
		k.Append(b[:0], MaxKey)
		all++
		if usual(b[at]) {
			third++
		}
		if usual(b[at+4]) {
			last++
		}
	})
	if all > 0 && last == all && third < all {
		return ProtoLast
	}
	return ProtoThird
}

// filterFits reports whether the filter knows the flows that are alone in a cell.
func (r *Reader) filterFits(t *Table) bool {
	all, known := 0, 0
	t.alone(func(_ int, k Key) {
		all++
		if t.Filter.Has(k) {
			known++
		}
	})
	return 10*known >= 9*all
}
