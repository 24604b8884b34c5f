package flowset

import (
	"cmp"
	"net/netip"
	"slices"
)

// Missing is what is known of the flows that could not be decoded.
type Missing struct {
	Flows   int64 `json:"flows"`
	Packets int64 `json:"packets"` // also of flows that are decoded without their packets
	// Src and Dst are prefixes that all of the missing flows share: bits that are equal in
	// all of them, and only those, are the same in every cell with an odd number of flows
	// and zero in every other.
	Src string `json:"src,omitempty"`
	Dst string `json:"dst,omitempty"`
	// Likely are the destinations of flows which neighbours have and which may be here,
	// but which the cells cannot confirm, most first.
	Likely []Likely `json:"likely,omitempty"`
}

// Likely is how many flows to a prefix may be missing.
type Likely struct {
	Prefix string `json:"prefix"`
	Flows  int    `json:"flows"`
}

// mostLikely is how many prefixes are named.
const mostLikely = 10

// missing describes what is left in the cells.
func (s *solver) missing(n *network) *Missing {
	m := &Missing{}
	for i := range s.t.Cells {
		m.Flows += int64(max(0, s.cells[i].flows))
		m.Packets += max(0, s.cells[i].packets)
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
	var ones, zeros, even Key // bits seen as one and as zero in odd cells, as one in even ones
	cells := 0
	for c := range s.cells {
		x := Key{s.cells[c].a, s.cells[c].b}
		if s.wide != nil {
			copy(x[2:], s.wide[c][:])
		}
		odd := s.cells[c].flows%2 != 0
		if odd {
			cells++
		}
		for i := range x {
			switch {
			case odd:
				ones[i] |= x[i]
				zeros[i] |= ^x[i]
			case s.cells[c].flows > 0:
				even[i] |= x[i]
			}
		}
	}
	if at := map[int]int{KeyIPv4: 4, KeyIPv6: 16}[s.t.KeyBytes]; at > 0 && cells >= 10 {
		var differ Key
		for i := range differ {
			differ[i] = ones[i]&zeros[i] | even[i]
		}
		var value, mask [MaxKey]byte
		ones.Append(value[:0], MaxKey)
		differ.Append(mask[:0], MaxKey)
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
func (s *solver) likely(n *network) []Likely {
	count := map[string]int{}
	add := func(k Key) {
		f, ok := FlowOf(k, s.t.KeyBytes, s.t.Order)
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
	for f := range s.a {
		if s.state[f] == taken && !s.in(f) {
			add(s.key(f))
		}
	}
	for _, r := range s.pending {
		v := &n.view[r.table]
		k := Key{v.a[r.flow], v.b[r.flow]}
		if v.w != nil {
			copy(k[2:], v.w[r.flow][:])
		}
		var at [MaxSubtables]uint32
		s.t.place.Place(k[0], k[1], (*[3]uint64)(k[2:]), k.digest(s.t.KeyBytes), &at)
		if !slices.ContainsFunc(at[:s.k], func(c uint32) bool { return s.cells[c].flows < 1 }) {
			add(k)
		}
	}
	out := make([]Likely, 0, len(count))
	for p, c := range count {
		out = append(out, Likely{p, c})
	}
	slices.SortFunc(out, func(a, b Likely) int {
		return cmp.Or(cmp.Compare(b.Flows, a.Flows), cmp.Compare(a.Prefix, b.Prefix))
	})
	return out[:min(len(out), mostLikely)]
}

func (s *solver) key(f int) Key {
	k := Key{s.a[f], s.b[f]}
	if s.w != nil {
		copy(k[2:], s.w[f][:])
	}
	return k
}
