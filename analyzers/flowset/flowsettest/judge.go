package flowsettest

import (
	"sync"
	"sync/atomic"

	"github.com/telltale-net/telltale/analyzers/flowset"
)

// Outcome is how decoding fared against the truth.
type Outcome struct {
	Flows    int64 // in the tables
	Right    int64 // of them, with their exact packets
	Found    int64 // of them, without packets
	Wrong    int64 // of them, with other packets
	Invented int64 // flows that are in no table
}

// Add adds another table's outcome.
func (o *Outcome) Add(p Outcome) {
	o.Flows += p.Flows
	o.Right += p.Right
	o.Found += p.Found
	o.Wrong += p.Wrong
	o.Invented += p.Invented
}

// Share returns how many of 100 flows came out with their exact packets.
func (o *Outcome) Share() float64 { return 100 * float64(o.Right) / float64(max(1, o.Flows)) }

// Known returns how many of 100 flows came out, with or without packets.
func (o *Outcome) Known() float64 {
	return 100 * float64(o.Right+o.Found+o.Wrong) / float64(max(1, o.Flows))
}

// Judge compares what was decoded with the truth, by switch.
func (e *Epoch) Judge(got []*flowset.Decoded, workers int) []Outcome {
	type entry struct {
		flow int32
		hop  int8
	}
	at := make([][]entry, len(got))
	for i := range got {
		at[i] = make([]entry, 0, got[i].Coverage.Flows+64)
	}
	for i := range e.Flows {
		for h, s := range e.Flows[i].Path {
			if e.Flows[i].Packets[h] > 0 {
				at[s] = append(at[s], entry{int32(i), int8(h)})
			}
		}
	}
	out := make([]Outcome, len(got))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range max(1, workers) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(got) {
					return
				}
				truth := make(map[flowset.Key]int64, len(at[i]))
				for _, x := range at[i] {
					truth[e.Flows[x.flow].Key] += e.Flows[x.flow].Packets[x.hop]
				}
				out[i] = Judge(truth, got[i])
			}
		})
	}
	wg.Wait()
	return out
}

// Judge compares what was decoded of one table with the packets of its flows.
func Judge(truth map[flowset.Key]int64, got *flowset.Decoded) Outcome {
	o := Outcome{Flows: int64(len(truth))}
	for x := range got.Len() {
		want, ok := truth[got.Key(x)]
		n, counted := got.Packets(x)
		switch {
		case !ok:
			o.Invented++
		case !counted:
			o.Found++
		case n == want:
			o.Right++
		default:
			o.Wrong++
		}
	}
	return o
}
