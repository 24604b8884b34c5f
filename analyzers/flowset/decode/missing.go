package decode

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/telltale-net/telltale/analyzers/flowset"
)

// mostLikely is how many prefixes are named.
const mostLikely = 10

// missing describes what is left in the cells.
func (s *solver) missing(n *network) *flowset.Missing {
	m := &flowset.Missing{}
	for i := range s.t.Cells {
		m.Flows += int64(max(0, s.cells[i].Flows))
		m.Packets += max(0, s.cells[i].Packets)
	}
	if s.t.Pooled { // every flow is in as many cells as there are functions
		k := int64(s.k)
		m.Flows, m.Packets = (m.Flows+k-1)/k, (m.Packets+k-1)/k
	}
	if m.Flows == 0 && m.Packets == 0 {
		return nil
	}
	if m.Flows == 0 {
		return m
	}
	var ones, zeros, even flowset.Key // bits seen as one and as zero in odd cells, as one in even ones
	cells := 0
	for c := range s.cells {
		x := flowset.Key{s.cells[c].A, s.cells[c].B}
		if s.wide != nil {
			copy(x[2:], s.wide[c][:])
		}
		odd := s.cells[c].Flows%2 != 0
		if odd {
			cells++
		}
		for i := range x {
			switch {
			case odd:
				ones[i] |= x[i]
				zeros[i] |= ^x[i]
			case s.cells[c].Flows > 0:
				even[i] |= x[i]
			}
		}
	}
	if at := map[int]int{flowset.KeyIPv4: 4, flowset.KeyIPv6: 16}[s.t.KeyBytes]; at > 0 && cells >= 10 {
		var differ flowset.Key
		for i := range differ {
			differ[i] = ones[i]&zeros[i] | even[i]
		}
		var value, mask [flowset.MaxKey]byte
		ones.Append(value[:0], flowset.MaxKey)
		differ.Append(mask[:0], flowset.MaxKey)
		m.Src = common(value[:at], mask[:at])
		m.Dst = common(value[at:2*at], mask[at:2*at])
	}
	m.Likely = s.likely(n)
	return m
}

// common returns the prefix before the first bit that differs; "" if there is none.
func common(value, differ []byte) string {
	bits := 0
	for _, b := range differ {
		for i := 7; i >= 0; i-- {
			if b>>i&1 != 0 {
				return prefix(value, bits)
			}
			bits++
		}
	}
	return prefix(value, bits)
}

func prefix(address []byte, bits int) string {
	a, ok := netip.AddrFromSlice(address)
	if !ok || bits == 0 {
		return ""
	}
	p, err := a.Prefix(bits)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return p.String()
}

// likely counts flows of neighbours that may be among the missing ones, by destination.
func (s *solver) likely(n *network) []flowset.Likely {
	count := map[string]int{}
	add := func(k flowset.Key) {
		f, ok := flowset.FlowOf(k, s.t.KeyBytes, s.t.Order)
		if !ok {
			return
		}
		bits := 24
		if f.Dst.Is6() {
			bits = 64
		}
		if p, err := f.Dst.Prefix(bits); err == nil {
			count[p.String()]++
		}
	}
	for f := range s.keys.A {
		if s.state[f] == taken && !s.in(f) {
			add(s.keys.At(f))
		}
	}
	for _, r := range s.pending {
		v := &n.view[r.table]
		k := v.At(int(r.flow))
		var at [flowset.MaxSubtables]uint32
		s.place.Place(k[0], k[1], (*[3]uint64)(k[2:]), k.Digest(s.t.KeyBytes), &at)
		if !slices.ContainsFunc(at[:s.k], func(c uint32) bool { return s.cells[c].Flows < 1 }) {
			add(k)
		}
	}
	out := make([]flowset.Likely, 0, len(count))
	for p, c := range count {
		out = append(out, flowset.Likely{Prefix: p, Flows: c})
	}
	slices.SortFunc(out, func(a, b flowset.Likely) int {
		return cmp.Or(cmp.Compare(b.Flows, a.Flows), cmp.Compare(a.Prefix, b.Prefix))
	})
	return out[:min(len(out), mostLikely)]
}
