package flowset

import (
	"encoding/binary"
	"fmt"
)

// form is how a data set turns a function's number and the switch's seed into what is
// hashed with the key. The zero form is the page's (docs/datasets.md); the others are
// tried where a table's own cells contradict it.
type form struct {
	number numbering
	place  place
	width  uint8 // bytes of the seed; 0 = 4
	little bool  // seed and digest words are little-endian
	scale  bool  // cell = value · cells / 2^bits instead of value mod cells
	across bool  // cells of one number in all subtables stand side by side
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

func (f *form) bytes(s uint64, width int) []byte {
	if f.width != 0 {
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

func (f *form) word(sum []byte) uint64 {
	if f.little {
		return binary.LittleEndian.Uint64(sum)
	}
	return binary.BigEndian.Uint64(sum)
}

// forms returns the forms to try for an algorithm, the page's first.
func forms(alg Algorithm) []form {
	places := []place{before}
	widths := []uint8{0}
	little := []bool{false}
	switch alg {
	case CRC32, CRC32C, FNV1a:
		places = []place{before, after, asInit}
		widths = []uint8{0, 1, 2, 8}
		little = []bool{false, true}
	case MD5, SHA1, SHA256:
		places = []place{before, after}
		widths = []uint8{0, 1, 2, 8}
		little = []bool{false, true}
	}
	var all []form
	for _, across := range []bool{false, true} {
		for _, scale := range []bool{false, true} {
			for _, n := range []numbering{byPage, bySum, byNumber, byNext, byTens, bySame} {
				for _, p := range places {
					for _, w := range widths {
						for _, l := range little {
							all = append(all, form{number: n, place: p, width: w, little: l, scale: scale, across: across})
						}
					}
				}
			}
		}
	}
	return all
}

func (f *form) describe() string {
	s := [...]string{"seeds 256·seed+n", "seeds seed+n", "seeds n", "seeds seed+n+1", "seeds 10·seed+n", "one seed for all"}[f.number]
	s += [...]string{" before the key", " after the key", " as start value", ", none hashed"}[f.place]
	if f.width != 0 {
		s += fmt.Sprintf(" in %d bytes", f.width)
	}
	if f.little {
		s += ", little-endian"
	}
	if f.scale {
		s += ", cell = value·cells/2^bits"
	}
	if f.across {
		s += ", cells of the same number side by side"
	}
	return s
}

func (c *checkForm) describe() string {
	s := fmt.Sprintf("function %d of %s", c.number, c.alg)
	if c.bare {
		s = fmt.Sprintf("%s of the key alone", c.alg)
	}
	if c.high {
		s += ", its first bytes"
	}
	return s
}
