package hash

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrUnknown is wrapped by the error of [New] for a name BMv2 does not know.
var ErrUnknown = errors.New("unknown hash algorithm")

type kind uint8

const (
	crc16 kind = iota + 1
	crc32
	crcCCITT
	csum16
	xor16
	xor32
	identity
	xxh64
	hashEx
	toeplitz
	crc8Custom
	crc16Custom
	crc32Custom
	crc64Custom
	roundRobin
	roundRobinConsistent
	random
)

var algorithms = map[string]struct {
	kind kind
	bits int
}{
	"crc16":                  {crc16, 16},
	"crc32":                  {crc32, 32},
	"crcCCITT":               {crcCCITT, 16},
	"csum16":                 {csum16, 16},
	"cksum16":                {csum16, 16},
	"xor16":                  {xor16, 16},
	"xor32":                  {xor32, 32},
	"identity":               {identity, 64},
	"xxh64":                  {xxh64, 64},
	"bmv2_hash":              {xxh64, 64},
	"hash_ex":                {hashEx, 32},
	"toeplitz":               {toeplitz, 32},
	"crc8_custom":            {crc8Custom, 8},
	"crc16_custom":           {crc16Custom, 16},
	"crc32_custom":           {crc32Custom, 32},
	"crc64_custom":           {crc64Custom, 64},
	"round_robin":            {roundRobin, 64},
	"round_robin_consistent": {roundRobinConsistent, 64},
	"random":                 {random, 64},
}

// Known says whether [New] knows the algorithm.
func Known(name string) bool { _, ok := algorithms[name]; return ok }

// Hash is one calculation with its parameters and state. It is not safe for
// concurrent use. Make one with [New].
type Hash struct {
	kind  kind
	bits  int
	name  string
	crc   *crcTable         // crc*_custom
	key   []uint32          // toeplitz
	next  uint64            // round robin; state of the generator
	given map[string]uint64 // round_robin_consistent
}

// New returns the named algorithm with BMv2's default parameters. The seed is
// used by "random" only.
func New(name string, seed uint64) (*Hash, error) {
	a, ok := algorithms[name]
	if !ok {
		return nil, fmt.Errorf("cannot make calculation %q: %w", name, ErrUnknown)
	}
	h := &Hash{kind: a.kind, bits: a.bits, name: name}
	switch a.kind {
	case crc8Custom, crc16Custom, crc32Custom, crc64Custom:
		h.crc = newCRCTable(a.bits, defaultCRC[a.kind])
	case toeplitz:
		h.key = []uint32{0}
	case random:
		h.next = seed
	case roundRobinConsistent:
		h.given = map[string]uint64{}
	}
	return h, nil
}

// Bits is how many low bits of [Hash.Sum] can be set.
func (h *Hash) Bits() int { return h.bits }

// Sum computes the calculation over data. It keeps no reference to data, and
// allocates nothing, except that round_robin_consistent remembers inputs it
// has not seen before, up to [MaxConsistent].
func (h *Hash) Sum(data []byte) uint64 {
	switch h.kind {
	case crc16:
		return uint64(CRC16(data))
	case crc32:
		return uint64(CRC32(data))
	case crcCCITT:
		return uint64(CRCCCITT(data))
	case csum16:
		return uint64(Checksum(data))
	case xor16:
		return uint64(xorWords16(data))
	case xor32:
		return uint64(xorWords32(data))
	case identity:
		return first8(data)
	case xxh64:
		return XXH64(data)
	case hashEx:
		return uint64(fnvMix(data))
	case toeplitz:
		return uint64(toeplitzSum(h.key, data))
	case crc8Custom, crc16Custom, crc32Custom, crc64Custom:
		return h.crc.sum(data)
	case roundRobin:
		h.next++
		return h.next - 1
	case roundRobinConsistent:
		return h.consistent(data)
	case random:
		return h.splitMix()
	}
	panic(fmt.Sprintf("BUG: hash kind %d", h.kind))
}

// MaxConsistent bounds the inputs round_robin_consistent remembers; later new
// ones get numbers that are not kept.
const MaxConsistent = 1 << 20

func (h *Hash) consistent(data []byte) uint64 {
	if n, ok := h.given[string(data)]; ok {
		return n
	}
	n := h.next
	h.next++
	if len(h.given) < MaxConsistent {
		h.given[string(data)] = n
	}
	return n
}

// splitMix is SplitMix64 (Steele, Lea, Flood 2014).
func (h *Hash) splitMix() uint64 {
	h.next += 0x9e3779b97f4a7c15
	z := h.next
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// SetKey sets the key of toeplitz: a positive multiple of four bytes.
func (h *Hash) SetKey(key []byte) error {
	if h.kind != toeplitz {
		return fmt.Errorf("cannot set the key of %s: only toeplitz has one", h.name)
	}
	if len(key) == 0 || len(key)%4 != 0 {
		return fmt.Errorf("cannot set the key of %s: got %d bytes; want a positive multiple of 4", h.name, len(key))
	}
	words := make([]uint32, len(key)/4)
	for i := range words {
		words[i] = binary.BigEndian.Uint32(key[4*i:])
	}
	h.key = words
	return nil
}

// SetCRC sets the parameters of a crc*_custom.
func (h *Hash) SetCRC(p CRC) error {
	if h.crc == nil {
		return fmt.Errorf("cannot set CRC parameters of %s: only crc8_custom, crc16_custom, crc32_custom and crc64_custom have them", h.name)
	}
	if h.bits < 64 && (p.Poly|p.Init|p.XorOut)>>h.bits != 0 {
		return fmt.Errorf("cannot set CRC parameters of %s: got %#x, %#x, %#x; want at most %d bits each", h.name, p.Poly, p.Init, p.XorOut, h.bits)
	}
	h.crc = newCRCTable(h.bits, p)
	return nil
}
