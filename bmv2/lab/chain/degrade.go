package chain

import (
	"fmt"
	"slices"
	"time"
)

// Degradation is how records suffer between the node and whoever reads them.
type Degradation struct {
	Loss      float64 // share of the records that are missing
	Duplicate float64 // share that comes twice
	Reorder   float64 // share that comes up to 64 places late
	// Clock is how far a node's clock may be off, either way; it is constant for a node.
	Clock time.Duration
}

// Check says what is wrong with it.
func (d *Degradation) Check() error {
	for _, s := range []struct {
		name  string
		share float64
	}{{"loss", d.Loss}, {"duplicates", d.Duplicate}, {"reordering", d.Reorder}} {
		if !(s.share >= 0 && s.share <= 1) {
			return fmt.Errorf("%s: got a share of %v, want 0 to 1", s.name, s.share)
		}
	}
	if d.Clock < 0 {
		return fmt.Errorf("clock: got an error of %v, want 0 or more", d.Clock)
	}
	return nil
}

// Degrade returns the logs as they would be read; t itself keeps the truth. Rows of the
// result are no longer those of t. The seed decides which records suffer.
func (t *Trace) Degrade(d Degradation, seed uint64) ([]Log, error) {
	if err := d.Check(); err != nil {
		return nil, fmt.Errorf("cannot degrade the records: %w", err)
	}
	logs := make([]Log, len(t.Logs))
	for n := range t.Logs {
		logs[n] = t.degrade(n, &d, seed)
	}
	return logs, nil
}

func (t *Trace) degrade(n int, d *Degradation, seed uint64) Log {
	l := &t.Logs[n]
	rng := stream(seed, saltDegrade, uint64(n))
	off := int64((2*rng.Float64() - 1) * float64(d.Clock))
	rows := make([]int32, 0, l.Len())
	for i := range l.Packet {
		if d.Loss > 0 && rng.Float64() < d.Loss {
			continue
		}
		rows = append(rows, int32(i))
		if d.Duplicate > 0 && rng.Float64() < d.Duplicate {
			rows = append(rows, int32(i))
		}
	}
	if d.Reorder > 0 {
		for i := range rows {
			if rng.Float64() < d.Reorder {
				to := min(len(rows)-1, i+1+rng.IntN(64))
				late := rows[i]
				copy(rows[i:to], rows[i+1:to+1])
				rows[to] = late
			}
		}
	}
	out := newLog(len(rows))
	for k, i := range rows {
		out.Packet[k] = l.Packet[i]
		out.Arrive[k] = l.Arrive[i] + off
		out.Start[k], out.Depart[k] = l.Start[i], l.Depart[i]
		if l.Depart[i] != Lost {
			out.Start[k] += off
			out.Depart[k] += off
		}
	}
	return out
}

// ShortIDs returns the 16-bit id of every packet as hosts write it into the IP header:
// a counter per pair of hosts that begins anywhere.
func (t *Trace) ShortIDs() []uint16 {
	order := make([]uint32, len(t.Flow))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortStableFunc(order, func(a, b uint32) int {
		switch x, y := t.run.o.depart[a], t.run.o.depart[b]; {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	ids := make([]uint16, len(t.Flow))
	sent := map[[2]uint32]uint16{}
	for _, p := range order {
		f := &t.Flows[t.Flow[p]]
		pair := [2]uint32{f.Src, f.Dst}
		n := sent[pair]
		sent[pair] = n + 1
		ids[p] = uint16(mix(t.run.g.salt, saltID, uint64(f.Src)<<32|uint64(f.Dst))) + n
	}
	return ids
}
