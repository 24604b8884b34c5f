package flowset

// Decoded is what a table held.
type Decoded struct {
	Shape
	Coverage Coverage
	Missing  *Missing // nil where nothing is

	Keys   Keys
	Counts []int64 // packets by flow; below 1 = not known
}

// Keys are the keys of flows, in columns.
type Keys struct {
	A, B []uint64    // their first 16 bytes
	Wide [][3]uint64 // of longer ones, the others; else nil
}

// At returns key i.
func (x *Keys) At(i int) Key {
	k := Key{x.A[i], x.B[i]}
	if x.Wide != nil {
		copy(k[2:], x.Wide[i][:])
	}
	return k
}

// Append appends the key of a table whose keys have so many bytes.
func (x *Keys) Append(k Key, keyBytes int) {
	x.A, x.B = append(x.A, k[0]), append(x.B, k[1])
	if keyBytes > 16 {
		x.Wide = append(x.Wide, [3]uint64(k[2:]))
	}
}

// Counted returns flows that were counted by other means as if they had been decoded.
// packets is kept.
func Counted(s Shape, keys []Key, packets []int64) *Decoded {
	d := &Decoded{Shape: s, Counts: packets, Keys: Keys{A: make([]uint64, 0, len(keys)), B: make([]uint64, 0, len(keys))}}
	if s.KeyBytes > 16 {
		d.Keys.Wide = make([][3]uint64, 0, len(keys))
	}
	for _, k := range keys {
		d.Keys.Append(k, s.KeyBytes)
	}
	for _, n := range packets {
		d.Coverage.Packets += n
	}
	n := int64(len(keys))
	d.Coverage.Flows, d.Coverage.Decoded, d.Coverage.Counted, d.Coverage.CountedPackets = n, n, n, d.Coverage.Packets
	return d
}

// Len returns how many flows were decoded.
func (d *Decoded) Len() int { return len(d.Keys.A) }

// Key returns flow i's key.
func (d *Decoded) Key(i int) Key { return d.Keys.At(i) }

// Packets returns flow i's packets; ok is false where only the flow is known.
func (d *Decoded) Packets(i int) (n int64, ok bool) { return max(0, d.Counts[i]), d.Counts[i] > 0 }

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
