package worlds

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
)

// style is how a data set is told.
type style struct {
	losing   bool    // only flows with losses
	sampled  float64 // share of flows that are told; 0 = all
	good     float64 // share of flows without losses that are told; 0 = all
	pathless float64 // share of flows without path
	rehashed float64 // share of flows with a path that they could have taken but did not
	alts     float64 // share of flows with all paths that they may have taken
	gaps     float64 // share of flows with null for a link
	over     float64 // retransmissions that were not needed, per loss
	spurious float64 // share of flows that retransmit without a loss
	flags    bool    // lost is 1 where some were
	again    float64 // share of lines told twice
	idle     float64 // flows without packets, per flow
	bursts   bool    // runs of losses are told
	shuffled bool
	messy    bool // floats, other fields, spaces, fields in any order
}

// tell settles what is told of each flow.
func (w *world) tell() {
	rng := w.rng
	for i := range w.flows {
		f := &w.flows[i]
		f.told, f.count = f.path, f.lost
		if f.lost > 0 && w.style.over > 0 {
			f.count += binomial(rng, 3*f.lost, w.style.over/3)
		}
		if rng.Float64() < w.style.spurious {
			f.count += 1 + rng.IntN(2)
		}
		if w.style.flags {
			f.count = min(f.count, 1)
		}
		from, to := w.net.ends[f.src], w.net.ends[f.dst]
		switch x := rng.Float64(); {
		case x < w.style.pathless:
			f.told = nil
		case x < w.style.pathless+w.style.rehashed:
			f.told = w.net.path(rng, from, to)
			f.wrong = !equal(f.told, f.path)
		case x < w.style.pathless+w.style.rehashed+w.style.alts:
			if f.alts = w.net.paths(from, to, 64); len(f.alts) == 1 {
				f.alts = nil
			} else {
				f.told = nil
			}
		}
	}
	told := w.flows[:0]
	for _, f := range w.flows {
		if w.style.losing && f.count == 0 || w.style.sampled > 0 && rng.Float64() > w.style.sampled || w.style.good > 0 && f.count == 0 && rng.Float64() > w.style.good {
			continue
		}
		told = append(told, f)
	}
	w.flows = told
	if w.style.shuffled {
		rng.Shuffle(len(w.flows), func(i, j int) { w.flows[i], w.flows[j] = w.flows[j], w.flows[i] })
	}
}

func equal(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// write returns the data set. The flow's name is its number in the world.
func (w *world) write() []byte {
	rng := rand.New(rand.NewPCG(w.seed, 2))
	names := make([][]byte, len(w.net.links))
	for i, l := range w.net.links {
		names[i], _ = json.Marshal(l.name)
	}
	var b bytes.Buffer
	path := func(links []int, gap int) {
		b.WriteByte('[')
		for i, l := range links {
			if i > 0 {
				b.WriteByte(',')
			}
			if i == gap {
				b.WriteString("null")
			} else {
				b.Write(names[l])
			}
		}
		b.WriteByte(']')
	}
	number := func(n int) string {
		if w.style.messy && rng.IntN(3) == 0 {
			return fmt.Sprintf("%d.0", n)
		}
		return strconv.Itoa(n)
	}
	for i := range w.flows {
		f := &w.flows[i]
		start := b.Len()
		fields := []func(){
			func() { fmt.Fprintf(&b, `"flow":"f%d"`, i) },
			func() {
				if f.told != nil {
					gap := -1
					if w.style.gaps > 0 && rng.Float64() < w.style.gaps && len(f.told) > 2 {
						gap = 1 + rng.IntN(len(f.told)-2)
					}
					b.WriteString(`"path":`)
					path(f.told, gap)
					return
				}
				if f.alts == nil {
					b.WriteString(`"sampled":false`)
					return
				}
				b.WriteString(`"paths":[`)
				for j, p := range f.alts {
					if j > 0 {
						b.WriteByte(',')
					}
					path(p, -1)
				}
				b.WriteByte(']')
			},
			func() { b.WriteString(`"packets":` + number(f.packets)) },
			func() { b.WriteString(`"lost":` + number(f.count)) },
		}
		if w.style.bursts && f.count == f.lost {
			fields = append(fields, func() { fmt.Fprintf(&b, `"bursts":%d`, f.bursts) })
		}
		comma := ","
		if w.style.messy {
			comma = ", "
			fields = append(fields, func() {
				fmt.Fprintf(&b, `"rtt_us":%.3f,"tags":{"tenant":[%d,null,"a\u00e9"]},"epoch":%d`, rng.Float64()*900, rng.IntN(9), rng.IntN(3))
			})
			rng.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
		}
		b.WriteByte('{')
		for j, field := range fields {
			if j > 0 {
				b.WriteString(comma)
			}
			field()
		}
		b.WriteString("}\n")
		if rng.Float64() < w.style.again {
			b.Write(bytes.Clone(b.Bytes()[start:]))
		}
		if rng.Float64() < w.style.idle {
			fmt.Fprintf(&b, `{"flow":"idle%d","path":`, i)
			path(f.path, -1)
			b.WriteString(`,"packets":0,"lost":0}` + "\n")
		}
	}
	return b.Bytes()
}
