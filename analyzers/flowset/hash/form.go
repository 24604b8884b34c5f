package hash

import (
	"encoding/binary"
	"fmt"
	"strconv"
)

// Form is how a data set turns a function's number and the switch's seed into what is
// hashed with the key. The zero form is the page's (docs/datasets.md); the others are
// tried where a table's own cells contradict it.
type Form struct {
	number numbering
	place  place
	width  width
	little bool // seed and digests are little-endian
	scale  bool // cell = value · cells / 2^bits instead of value mod cells
	take   take // of a digest
	double bool // function n is f0 + n·f1
}

type numbering uint8

const (
	byPage   numbering = iota // 256·seed + n
	bySum                     // seed + n
	byNumber                  // n
	byNext                    // seed + n + 1
	byTens                    // 10·seed + n
	bySame                    // seed, the same for all
)

type place uint8

const (
	before place = iota
	after
	asInit // the CRC's start value, XORed into FNV's
	nowhere
)

// width is how a seed is written where it is hashed along with the key: in so many bytes,
// 0 for as many as the algorithm has, or in digits.
type width uint8

const (
	digits width = 254 // decimal
	colon  width = 255 // decimal, and a colon
)

// take is what of a digest is a function's value.
type take uint8

const (
	firstEight take = iota
	firstFour
	words // function n is the n-th word of four bytes
	all   // all of it, one number
)

func (f Form) bytes(s uint64, width int) []byte {
	switch f.width {
	case digits:
		return strconv.AppendUint(nil, s, 10)
	case colon:
		return append(strconv.AppendUint(nil, s, 10), ':')
	case 0:
	default:
		width = int(f.width)
	}
	var b [8]byte
	if f.little {
		binary.LittleEndian.PutUint64(b[:], s)
		return b[:width]
	}
	binary.BigEndian.PutUint64(b[:], s)
	return b[8-width:]
}

// Forms returns the forms to try for an algorithm, the page's first, and likelier ones
// before others.
func Forms(alg Algorithm) []Form {
	places := []place{before}
	widths := []width{0}
	little := []bool{false}
	takes := []take{firstEight}
	switch alg {
	case CRC32, CRC32C, CRC16, CRC16CCITT, FNV1a, FNV1a32:
		places = []place{before, after, asInit}
		widths = []width{0, 1, 2, 8, digits, colon}
		little = []bool{false, true}
	case MD5, SHA1, SHA256:
		places = []place{before, after}
		widths = []width{0, 1, 2, 8, digits, colon}
		little = []bool{false, true}
		takes = []take{firstEight, firstFour, all}
	}
	var out []Form
	for _, scale := range []bool{false, true} {
		for _, t := range takes {
			if t == all && scale {
				continue
			}
			for _, n := range []numbering{byPage, bySum, byNumber, byNext, byTens, bySame} {
				for _, p := range places {
					for _, w := range widths {
						if p == asInit && w != 0 {
							continue
						}
						for _, l := range little {
							out = append(out, Form{number: n, place: p, width: w, little: l, scale: scale, take: t})
						}
					}
				}
			}
		}
		if len(takes) > 1 {
			for _, l := range little {
				out = append(out, Form{place: nowhere, little: l, scale: scale, take: words}, Form{number: bySame, little: l, scale: scale, take: words})
			}
		}
		for _, n := range []numbering{byPage, bySum, byNumber} {
			out = append(out, Form{number: n, scale: scale, double: true})
		}
	}
	return out
}

// String says what is hashed with the key.
func (f Form) String() string {
	s := [...]string{"seeds 256·seed+n", "seeds seed+n", "seeds n", "seeds seed+n+1", "seeds 10·seed+n", "one seed for all"}[f.number]
	s += [...]string{" before the key", " after the key", " as start value", ", none hashed"}[f.place]
	switch f.width {
	case 0:
	case digits:
		s += " in decimal digits"
	case colon:
		s += " in decimal digits and a colon"
	default:
		s += fmt.Sprintf(" in %d bytes", f.width)
	}
	if f.little {
		s += ", little-endian"
	}
	s += [...]string{"", ", the first four bytes", ", a word of four bytes for every function", ", all of it as one number"}[f.take]
	if f.double {
		s += ", function n is f0 + n·f1"
	}
	if f.scale {
		s += ", cell = value·cells/2^bits"
	}
	return s
}
