package flowset

// Decoded is what a table held.
type Decoded struct {
	Shape
	Coverage Coverage
	Missing  *Missing // nil where nothing is

	a, b    []uint64
	w       [][3]uint64
	packets []int64
}

// Counted returns flows that were counted by other means as if they had been decoded. The
// slices are kept.
func Counted(s Shape, keys []Key, packets []int64) *Decoded {
	d := &Decoded{Shape: s, packets: packets, a: make([]uint64, len(keys)), b: make([]uint64, len(keys))}
	if s.KeyBytes > 16 {
		d.w = make([][3]uint64, len(keys))
	}
	for i, k := range keys {
		d.a[i], d.b[i] = k[0], k[1]
		if d.w != nil {
			d.w[i] = [3]uint64(k[2:])
		}
	}
	for _, n := range packets {
		d.Coverage.Packets += n
	}
	n := int64(len(keys))
	d.Coverage.Flows, d.Coverage.Decoded, d.Coverage.Counted, d.Coverage.CountedPackets = n, n, n, d.Coverage.Packets
	return d
}

// Len returns how many flows were decoded.
func (d *Decoded) Len() int { return len(d.a) }

// Key returns flow i's key.
func (d *Decoded) Key(i int) Key {
	k := Key{d.a[i], d.b[i]}
	if d.w != nil {
		copy(k[2:], d.w[i][:])
	}
	return k
}

// Packets returns flow i's packets; ok is false where only the flow is known.
func (d *Decoded) Packets(i int) (n int64, ok bool) { return max(0, d.packets[i]), d.packets[i] > 0 }

// Coverage says how much of a table was decoded. Shares are by what the cells count, so
// they are exact.
type Coverage struct {
	Flows          int64 `json:"flows"`                  // in the table
	Decoded        int64 `json:"decoded"`                // of them
	Counted        int64 `json:"counted"`                // of them with their packets
	Packets        int64 `json:"packets"`                // in the table
	CountedPackets int64 `json:"counted_packets"`        // of decoded flows
	Refused        int   `json:"refused,omitempty"`      // cells with one flow whose key or check is wrong
	RolledBack     int   `json:"rolled_back,omitempty"`  // flows that were taken to be here and are not
	Hidden         int   `json:"hidden,omitempty"`       // flows that a filter had kept out of the cells, found by their packets
	Inconsistent   int   `json:"inconsistent,omitempty"` // cells whose packets do not add up: a filter hid flows that were not found
	Withheld       int   `json:"withheld,omitempty"`     // counts that were taken back, because no second cell confirmed them or one contradicted them
}

// result returns what was decoded, in the solver's own memory.
func (s *solver) result() *Decoded {
	d := &Decoded{Shape: s.t.Shape}
	c := &d.Coverage
	c.Flows, c.Packets = s.t.totals(0)
	c.RolledBack, c.Inconsistent, c.Withheld = s.undone, s.inconsistent, s.withheld
	keep := 0
	for f := range s.a {
		if !s.in(f) {
			continue
		}
		s.a[keep], s.b[keep], s.packets[keep] = s.a[f], s.b[f], s.packets[f]
		if s.w != nil {
			s.w[keep] = s.w[f]
		}
		keep++
		c.Decoded++
		if s.state[f] == hidden {
			c.Hidden++
			c.Flows++
		}
		if p := s.packets[f]; p > 0 {
			c.Counted++
			c.CountedPackets += p
		}
	}
	d.a, d.b, d.packets = s.a[:keep], s.b[:keep], s.packets[:keep]
	if s.w != nil {
		d.w = s.w[:keep]
	}
	for n := range s.cells {
		if s.cells[n].flows == 1 {
			c.Refused++
		}
	}
	return d
}

// Add adds what another table's coverage says.
func (c *Coverage) Add(o Coverage) {
	c.Flows += o.Flows
	c.Decoded += o.Decoded
	c.Counted += o.Counted
	c.Packets += o.Packets
	c.CountedPackets += o.CountedPackets
	c.Refused += o.Refused
	c.RolledBack += o.RolledBack
	c.Hidden += o.Hidden
	c.Inconsistent += o.Inconsistent
	c.Withheld += o.Withheld
}

// Shares returns the shares of flows that were decoded, of flows that were counted, too,
// and of packets that are theirs; of nothing, 1.
func (c *Coverage) Shares() (decoded, counted, packets float64) {
	share := func(a, b int64) float64 {
		if b <= 0 {
			return 1
		}
		return float64(a) / float64(b)
	}
	return share(c.Decoded, c.Flows), share(c.Counted, c.Flows), share(c.CountedPackets, c.Packets)
}
