package hash

import "fmt"

// Check is what the check of a key is. The zero value is the page's: the function after the
// subtables', its lowest bytes.
type Check struct {
	alg    Algorithm // "" = the table's
	number int       // of the function, if alg is set
	bare   bool      // no seed
	sum    bool      // exclusive or of all subtables' functions
	high   bool      // the first bytes of the value instead of the last
	none   bool
}

// NoCheck is for checks that are not understood: they are not used.
func NoCheck() Check { return Check{none: true} }

// Checks returns the checks to try where the page's is contradicted, for a table whose
// functions are of an algorithm.
func Checks(own Algorithm) []Check {
	out := []Check{{sum: true}, {high: true}, {sum: true, high: true}}
	for _, alg := range append([]Algorithm{own}, Algorithms()...) {
		for _, high := range []bool{false, true} {
			out = append(out, Check{alg: alg, bare: true, high: high})
		}
		for _, number := range []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 16, 99, 100, 255, 256, 1000, 0xffff} {
			for _, high := range []bool{false, true} {
				out = append(out, Check{alg: alg, number: number, high: high})
			}
		}
	}
	return out
}

// String says which function it is.
func (c Check) String() string {
	s := fmt.Sprintf("function %d of %s", c.number, c.alg)
	switch {
	case c.none:
		return "not understood"
	case c.alg == "" && !c.sum:
		s = "the function after the cells'"
	case c.bare:
		s = fmt.Sprintf("%s of the key alone", c.alg)
	case c.sum:
		s = "the exclusive or of the cells' functions"
	}
	if c.high {
		s += ", its first bytes"
	}
	return s
}

// functions makes the functions ready of which the check's is the last, where it has an
// algorithm of its own.
func (c *Check) functions(table *Family, keyBytes int) Functions {
	h := Family{Algorithm: c.alg, Seed: table.Seed, Form: table.Form}
	h.Form.double = false
	if h.Form.take == words {
		h.Form.take = firstEight
	}
	if h.Form.number == byPage && table.Form == (Form{}) {
		h.Form.number = byNumber
	}
	if c.bare {
		h.Seed, h.Form.number, h.Form.place = 0, byNumber, nowhere
	}
	return h.Functions(c.number+1, keyBytes)
}
