package hash

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Algorithm is a family of functions of (seed, key).
type Algorithm string

// The algorithms; docs/datasets.md defines each.
const (
	SplitMix64 Algorithm = "splitmix64"  // 64 bits: what our encoder uses
	CRC32Mix   Algorithm = "crc32-mix"   // 32 bits: CRC and two multiplications, as our P4 programs mix
	CRC32      Algorithm = "crc32"       // 32 bits, linear: see Family
	CRC32C     Algorithm = "crc32c"      // 32 bits, linear
	Murmur3    Algorithm = "murmur3"     // 32 bits
	XXH64      Algorithm = "xxh64"       // 64 bits
	FNV1a      Algorithm = "fnv1a"       // 64 bits
	MD5        Algorithm = "md5"         // first 64 bits
	SHA1       Algorithm = "sha1"        // first 64 bits
	SHA256     Algorithm = "sha256"      // first 64 bits
	XXH32      Algorithm = "xxh32"       // 32 bits
	FNV1a32    Algorithm = "fnv1a-32"    // 32 bits
	Jenkins    Algorithm = "jenkins"     // 32 bits: one at a time
	CRC16      Algorithm = "crc16"       // 16 bits, linear: CRC-16/ARC, as P4 calls it
	CRC16CCITT Algorithm = "crc16-ccitt" // 16 bits, linear: CRC-16/CCITT-FALSE
)

// Algorithms returns all of them.
func Algorithms() []Algorithm {
	return []Algorithm{SplitMix64, CRC32Mix, CRC32, CRC32C, Murmur3, XXH64, FNV1a, MD5, SHA1, SHA256, XXH32, FNV1a32, Jenkins, CRC16, CRC16CCITT}
}

// aliases are other names that data sets use.
var aliases = map[string]Algorithm{
	"splitmix": SplitMix64, "crc32mix": CRC32Mix,
	"crc": CRC32, "crc-32": CRC32, "crc32-ieee": CRC32, "zlib": CRC32, "crc32-castagnoli": CRC32C, "crc-32c": CRC32C,
	"murmur": Murmur3, "murmur3-32": Murmur3, "murmur3-x86-32": Murmur3, "mmh3": Murmur3, "mmh3-32": Murmur3,
	"murmurhash3": Murmur3, "murmurhash3-32": Murmur3, "murmurhash3-x86-32": Murmur3,
	"xxhash": XXH64, "xxhash64": XXH64, "xx64": XXH64, "xxh-64": XXH64, "xxhash-64": XXH64,
	"xxhash32": XXH32, "xx32": XXH32, "xxh-32": XXH32, "xxhash-32": XXH32,
	"fnv": FNV1a, "fnv1a-64": FNV1a, "fnv1a64": FNV1a, "fnv-1a": FNV1a, "fnv-1a-64": FNV1a, "fnv64a": FNV1a,
	"fnv1a32": FNV1a32, "fnv-1a-32": FNV1a32, "fnv32a": FNV1a32, "fnv32": FNV1a32,
	"jenkins-one-at-a-time": Jenkins, "one-at-a-time": Jenkins, "oaat": Jenkins,
	"crc16-arc": CRC16, "crc-16": CRC16, "crc16-ccitt-false": CRC16CCITT, "crc-16-ccitt": CRC16CCITT, "crc-ccitt": CRC16CCITT,
	"sha-1": SHA1, "sha-256": SHA256,
}

// Family is a table's or filter's hash functions, numbered from 0: function n is the
// algorithm with the seed Seeds[n], or 256·Seed+n where Seeds has none.
//
// A plain CRC is linear: two flows that meet in one subtable whose number of cells is a
// power of two meet in all. Use it with other sizes, or CRC32Mix.
type Family struct {
	Algorithm Algorithm
	Seed      uint64
	Seeds     []uint64
	Double    bool // filters: bit n is at f0 + n·(f1|1)
	Form      Form // how data sets that do not follow the page hash seeds
}

// seed returns the seed of function n.
func (h *Family) seed(n int) uint64 {
	if n < len(h.Seeds) && h.Form.number == byPage {
		return h.Seeds[n]
	}
	switch h.Form.number {
	case bySum:
		return h.Seed + uint64(n)
	case byNumber:
		return uint64(n)
	case byNext:
		return h.Seed + uint64(n) + 1
	case byTens:
		return h.Seed*10 + uint64(n)
	case bySame:
		return h.Seed
	}
	return h.Seed<<8 + uint64(n)
}

// Parse reads "algorithm", or "algorithm:name=value,…" with seed=N, seeds=N/N/… and
// double. Numbers are decimal or 0x….
func Parse(s string) (Family, error) {
	name, rest, _ := strings.Cut(strings.ToLower(strings.TrimSpace(s)), ":")
	h := Family{Algorithm: Algorithm(strings.ReplaceAll(name, "_", "-"))}
	if a, ok := aliases[string(h.Algorithm)]; ok {
		h.Algorithm = a
	}
	if !slices.Contains(Algorithms(), h.Algorithm) {
		return Family{}, fmt.Errorf("cannot read hash %q: got algorithm %q, want one of %v", s, name, Algorithms())
	}
	var bare []uint64 // "crc32:7", "crc32:1,2,3"
	for _, p := range strings.FieldsFunc(rest, func(r rune) bool { return r == ',' || r == ';' || r == ':' }) {
		key, value, named := strings.Cut(strings.TrimSpace(p), "=")
		if !named && key != "double" {
			key, value = "number", key
			if len(h.Seeds) > 0 { // "seeds=1,2,3"
				key = "seeds"
			}
		}
		var err error
		switch key {
		case "double":
			h.Double = true
		case "number":
			var n uint64
			n, err = strconv.ParseUint(value, 0, 64)
			bare = append(bare, n)
		case "seed":
			h.Seed, err = strconv.ParseUint(value, 0, 64)
		case "seeds":
			for _, v := range strings.Split(value, "/") {
				var n uint64
				if n, err = strconv.ParseUint(v, 0, 64); err != nil {
					break
				}
				h.Seeds = append(h.Seeds, n)
			}
		default:
			return Family{}, fmt.Errorf("cannot read hash %q: got parameter %q, want seed, seeds or double", s, key)
		}
		if err != nil {
			return Family{}, fmt.Errorf("cannot read hash %q: got %s %q, want a number", s, key, value)
		}
	}
	if len(bare) == 1 {
		h.Seed = bare[0]
	} else if len(bare) > 1 {
		h.Seeds = bare
	}
	return h, nil
}

// String is what Parse reads. It says nothing of the form.
func (h Family) String() string {
	s := string(h.Algorithm)
	sep := ":"
	if h.Seed != 0 {
		s += sep + "seed=" + strconv.FormatUint(h.Seed, 10)
		sep = ","
	}
	if len(h.Seeds) > 0 {
		texts := make([]string, len(h.Seeds))
		for i, v := range h.Seeds {
			texts[i] = strconv.FormatUint(v, 10)
		}
		s += sep + "seeds=" + strings.Join(texts, "/")
		sep = ","
	}
	if h.Double {
		s += sep + "double"
	}
	return s
}
