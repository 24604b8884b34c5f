package differ

import (
	"bytes"
	"cmp"
	"slices"
)

// expected is what every model agrees that a packet becomes: packets with bytes that
// count and bytes that do not.
type expected struct {
	out  []output
	care [][]bool // by output and byte: all models agree
}

// agree finds what the models have in common: for every shape (ports and lengths in
// order per port) among their outputs, one expectation. Usually there is one; several
// mean that what happens to the packet depends on time or chance.
func agree(all []*model) (shapes []*expected) {
	for _, m := range all {
		out := byPort(m.out)
		i := slices.IndexFunc(shapes, func(e *expected) bool { return e.sameShape(out) })
		if i < 0 {
			e := &expected{out: out}
			for _, o := range out {
				care := make([]bool, len(o.data))
				for k := range care {
					care[k] = true
				}
				e.care = append(e.care, care)
			}
			shapes = append(shapes, e)
			continue
		}
		shapes[i].narrow(out)
	}
	return shapes
}

// byPort sorts by port and keeps the order within a port.
func byPort(out []output) []output {
	out = slices.Clone(out)
	slices.SortStableFunc(out, func(a, b output) int { return cmp.Compare(a.port, b.port) })
	return out
}

func (e *expected) sameShape(out []output) bool {
	return slices.EqualFunc(e.out, out, func(a, b output) bool { return a.port == b.port && len(a.data) == len(b.data) })
}

func (e *expected) narrow(out []output) {
	for i := range out {
		for k, b := range out[i].data {
			if e.out[i].data[k] != b {
				e.care[i][k] = false
			}
		}
	}
}

// masked counts the bytes that do not count.
func (e *expected) masked() (n uint64) {
	for _, care := range e.care {
		for _, c := range care {
			if !c {
				n++
			}
		}
	}
	return n
}

func (e *expected) fits(i int, o output) bool {
	if e.out[i].port != o.port || len(e.out[i].data) != len(o.data) {
		return false
	}
	if bytes.Equal(e.out[i].data, o.data) {
		return true
	}
	for k, b := range o.data {
		if e.care[i][k] && e.out[i].data[k] != b {
			return false
		}
	}
	return true
}

// pairing is what remains when everything that fits has found its partner.
type pairing struct {
	model, judge []output // without a partner
}

func (p *pairing) empty() bool { return len(p.model) == 0 && len(p.judge) == 0 }

// pair matches what the judge sent with what is expected. Order counts among packets of
// one port, except where threads of the judge race: a packet that fits another place of
// the same port is taken there.
func (e *expected) pair(judge []output) pairing {
	judge = byPort(judge)
	taken := make([]bool, len(e.out))
	var rest pairing
	for _, o := range judge {
		found := false
		for i := range e.out {
			if !taken[i] && e.fits(i, o) {
				taken[i], found = true, true
				break
			}
		}
		if !found {
			rest.judge = append(rest.judge, o)
		}
	}
	for i, t := range taken {
		if !t {
			rest.model = append(rest.model, e.out[i])
		}
	}
	return rest
}
