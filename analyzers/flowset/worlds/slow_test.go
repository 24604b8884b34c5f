package worlds

import "bytes"

// slow decodes by the book: peel every table, then take away what neighbours have and the
// filter knows, and peel again, until nothing changes. It maps each table to its flows and to
// those whose packets follow by peeling the cells' packets.
type slow struct {
	flows  map[*table]map[string]bool
	counts map[*table]map[string]uint64
}

func slowDecode(tables []*table) *slow {
	s := &slow{map[*table]map[string]bool{}, map[*table]map[string]uint64{}}
	work := map[*table][]cell{}
	for _, t := range tables {
		s.flows[t], s.counts[t] = map[string]bool{}, map[string]uint64{}
		cells := make([]cell, len(t.at))
		for i, c := range t.at {
			cells[i] = c
			cells[i].xor = bytes.Clone(c.xor)
		}
		work[t] = cells
		s.peel(t, cells)
	}
	for changed := true; changed; {
		changed = false
		for _, t := range tables {
			if t.nhash == 0 {
				continue
			}
			helped := false
			for _, u := range tables {
				if u == t || u.epoch != t.epoch || u.of.order != t.of.order {
					continue
				}
				for key := range s.flows[u] {
					if !s.flows[t][key] && t.seen([]byte(key), false) {
						s.remove(t, work[t], key)
						helped = true
					}
				}
			}
			if helped {
				s.peel(t, work[t])
				changed = true
			}
		}
	}
	for _, t := range tables {
		s.count(t)
	}
	return s
}

func (s *slow) remove(t *table, cells []cell, key string) {
	s.flows[t][key] = true
	for i := range t.k {
		c := &cells[t.index(i, []byte(key))]
		t.toggle(c, []byte(key))
		c.flows--
	}
}

func (s *slow) peel(t *table, cells []cell) {
	for again := true; again; {
		again = false
		for i := range cells {
			c := &cells[i]
			if c.flows != 1 || c.xor == nil {
				continue
			}
			key := string(c.xor)
			here := s.flows[t][key]
			for n := range t.k {
				if t.index(n, c.xor) == uint64(i) && !here && (t.of.check == nil || t.of.check(c.xor) == c.check) {
					s.remove(t, cells, key)
					again = true
					break
				}
			}
		}
	}
}

// count finds packets where a cell holds one flow whose packets are not known yet, and no flow
// that is not decoded.
func (s *slow) count(t *table) {
	known, in, left := make([]uint64, len(t.at)), make([]map[string]bool, len(t.at)), make([]uint64, len(t.at))
	for key := range s.flows[t] {
		for n := range t.k {
			i := t.index(n, []byte(key))
			if in[i] == nil {
				in[i] = map[string]bool{}
			}
			known[i]++
			in[i][key] = true
		}
	}
	for i, c := range t.at {
		left[i] = c.packets
	}
	for again := true; again; {
		again = false
		for i, c := range t.at {
			if known[i] != c.flows || len(in[i]) != 1 {
				continue
			}
			for key := range in[i] {
				if _, ok := s.counts[t][key]; ok {
					continue
				}
				s.counts[t][key] = left[i]
				again = true
				n := left[i]
				for f := range t.k {
					j := t.index(f, []byte(key))
					left[j] -= n
					delete(in[j], key)
				}
			}
		}
	}
}
