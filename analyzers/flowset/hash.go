package flowset

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

// Algorithm is a family of functions of (seed, key).
type Algorithm string

// The algorithms; docs/datasets.md defines each.
const (
	SplitMix64 Algorithm = "splitmix64" // 64 bits: what our encoder uses
	CRC32Mix   Algorithm = "crc32-mix"  // 32 bits: CRC and two multiplications, as our P4 programs mix
	CRC32      Algorithm = "crc32"      // 32 bits, linear: see Hash
	CRC32C     Algorithm = "crc32c"     // 32 bits, linear
	Murmur3    Algorithm = "murmur3"    // 32 bits
	XXH64      Algorithm = "xxh64"      // 64 bits
	FNV1a      Algorithm = "fnv1a"      // 64 bits
	MD5        Algorithm = "md5"        // first 64 bits
	SHA1       Algorithm = "sha1"       // first 64 bits
	SHA256     Algorithm = "sha256"     // first 64 bits
)

// Algorithms returns all of them.
func Algorithms() []Algorithm {
	return []Algorithm{SplitMix64, CRC32Mix, CRC32, CRC32C, Murmur3, XXH64, FNV1a, MD5, SHA1, SHA256}
}

// aliases are other names that data sets use.
var aliases = map[string]Algorithm{
	"splitmix": SplitMix64, "crc32mix": CRC32Mix, "crc": CRC32, "crc32-ieee": CRC32, "zlib": CRC32, "crc32-castagnoli": CRC32C,
	"murmur": Murmur3, "murmur3-32": Murmur3, "mmh3": Murmur3, "murmurhash3": Murmur3, "xxhash": XXH64, "xxhash64": XXH64, "xx64": XXH64,
	"fnv": FNV1a, "fnv1a-64": FNV1a, "fnv1a64": FNV1a, "fnv-1a": FNV1a, "sha-1": SHA1, "sha-256": SHA256,
}

// Hash is a table's or filter's hash functions, numbered from 0: function n is the
// algorithm with the seed Seeds[n], or 256·Seed+n where Seeds has none.
//
// A plain CRC is linear: two flows that meet in one subtable whose number of cells is a
// power of two meet in all. Use it with other sizes, or CRC32Mix.
type Hash struct {
	Algorithm Algorithm
	Seed      uint64
	Seeds     []uint64
	Double    bool // filters: bit n is at f0 + n·(f1|1)
	form      form // how data sets that do not follow the page write seeds
}

// seed returns the seed of function n.
func (h *Hash) seed(n int) uint64 {
	if n < len(h.Seeds) {
		return h.Seeds[n]
	}
	switch h.form.number {
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

// ParseHash reads "algorithm", or "algorithm:name=value,…" with seed=N, seeds=N/N/… and
// double. Numbers are decimal or 0x….
func ParseHash(s string) (Hash, error) {
	name, rest, _ := strings.Cut(strings.ToLower(strings.TrimSpace(s)), ":")
	h := Hash{Algorithm: Algorithm(strings.ReplaceAll(name, "_", "-"))}
	if a, ok := aliases[string(h.Algorithm)]; ok {
		h.Algorithm = a
	}
	if !slices.Contains(Algorithms(), h.Algorithm) {
		return Hash{}, fmt.Errorf("cannot read hash %q: got algorithm %q, want one of %v", s, name, Algorithms())
	}
	var bare []uint64 // "crc32:7", "crc32:1,2,3"
	for _, p := range strings.FieldsFunc(rest, func(r rune) bool { return r == ',' || r == ';' || r == ':' }) {
		key, value, named := strings.Cut(strings.TrimSpace(p), "=")
		if !named && key != "double" {
			key, value = "number", key
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
			return Hash{}, fmt.Errorf("cannot read hash %q: got parameter %q, want seed, seeds or double", s, key)
		}
		if err != nil {
			return Hash{}, fmt.Errorf("cannot read hash %q: got %s %q, want a number", s, key, value)
		}
	}
	if len(bare) == 1 {
		h.Seed = bare[0]
	} else if len(bare) > 1 {
		h.Seeds = bare
	}
	return h, nil
}

// String is what ParseHash reads.
func (h Hash) String() string {
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

// functions are a Hash's functions for keys of n bytes, made ready.
type functions struct {
	alg   Algorithm
	form  form
	n     int // bytes of a key
	seeds []uint64
	table *crc32.Table
}

func (h *Hash) functions(count, keyBytes int) functions {
	f := functions{alg: h.Algorithm, form: h.form, n: keyBytes, seeds: make([]uint64, count)}
	switch h.Algorithm {
	case CRC32, CRC32Mix:
		f.table = crc32.IEEETable
	case CRC32C:
		f.table = crc32.MakeTable(crc32.Castagnoli)
	}
	zeros := make([]byte, keyBytes)
	for i := range f.seeds {
		s := h.seed(i)
		f.seeds[i] = s
		if (f.alg == CRC32 || f.alg == CRC32C) && f.form.place == before {
			// A CRC is linear: what a seed before the key changes is the same for all keys.
			f.seeds[i] = uint64(crc32.Update(crc32.Update(0, f.table, f.form.bytes(s, 4)), f.table, zeros) ^ crc32.Update(0, f.table, zeros))
		} else if f.alg == SplitMix64 {
			f.seeds[i] = (s + 1) * golden
		}
	}
	return f
}

const golden = 0x9e3779b97f4a7c15

// mix64 is the finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA'14).
func mix64(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// digest folds a key of at most 16 bytes, wide one of more: what SplitMix64 has of a key
// before any seed, and what sets of flows are hashed by.
func digest(a, b uint64) uint64 { return mix64(mix64(a+golden) ^ b + golden) }

func wideDigest(a, b uint64, w *[3]uint64, n int) uint64 {
	d := digest(a, b)
	for i := 2; 8*i < n; i++ {
		d = mix64(d ^ w[i-2] + golden)
	}
	return d
}

func (k Key) digest(n int) uint64 {
	return wideDigest(k[0], k[1], (*[3]uint64)(k[2:]), n)
}

// prepared is a key about to be hashed: what all seeds share.
type prepared struct {
	d   uint64
	raw [MaxKey]byte
}

func (f *functions) prepare(p *prepared, a, b uint64, w *[3]uint64, d uint64) {
	p.d = d
	if f.alg == SplitMix64 {
		return
	}
	binary.BigEndian.PutUint64(p.raw[:], a)
	binary.BigEndian.PutUint64(p.raw[8:], b)
	if w != nil {
		for i, v := range w {
			binary.BigEndian.PutUint64(p.raw[16+8*i:], v)
		}
	}
	switch f.alg {
	case CRC32, CRC32C, CRC32Mix:
		p.d = uint64(crc32.Update(0, f.table, p.raw[:f.n]))
	}
}

// value returns function i of the key.
func (f *functions) value(i int, p *prepared) uint64 {
	s := f.seeds[i]
	switch f.alg {
	case SplitMix64:
		return mix64(p.d ^ s)
	case CRC32, CRC32C:
		if f.form.place == before {
			return p.d ^ s
		}
	case CRC32Mix:
		h := (uint32(p.d) ^ uint32(s)) * 0x9e3779b1
		h = (h ^ h>>15) * 0x85ebca6b
		return uint64(h ^ h>>16)
	case Murmur3:
		return uint64(murmur3(p.raw[:f.n], uint32(s)))
	case XXH64:
		return xxh64(p.raw[:f.n], s)
	}
	return f.bySeedBytes(s, p)
}

// bySeedBytes hashes seed and key as one string of bytes.
func (f *functions) bySeedBytes(s uint64, p *prepared) uint64 {
	var buf [MaxKey + 8]byte
	msg := buf[:0]
	switch f.form.place {
	case before:
		msg = append(append(msg, f.form.bytes(s, 4)...), p.raw[:f.n]...)
	case after:
		msg = append(append(msg, p.raw[:f.n]...), f.form.bytes(s, 4)...)
	default:
		msg = append(msg, p.raw[:f.n]...)
	}
	switch f.alg {
	case CRC32, CRC32C:
		if f.form.place == asInit {
			return uint64(crc32.Update(uint32(s), f.table, msg))
		}
		return uint64(crc32.Update(0, f.table, msg))
	case FNV1a:
		h := uint64(0xcbf29ce484222325)
		if f.form.place == asInit {
			h ^= s
		}
		for _, c := range msg {
			h = (h ^ uint64(c)) * 0x100000001b3
		}
		return h
	case MD5:
		sum := md5.Sum(msg)
		return f.form.word(sum[:])
	case SHA1:
		sum := sha1.Sum(msg)
		return f.form.word(sum[:])
	case SHA256:
		sum := sha256.Sum256(msg)
		return f.form.word(sum[:])
	}
	panic("BUG: no algorithm " + string(f.alg))
}

// murmur3 is MurmurHash3_x86_32 (Appleby).
func murmur3(b []byte, seed uint32) uint32 {
	const c1, c2 = 0xcc9e2d51, 0x1b873593
	h, n := seed, len(b)
	for ; len(b) >= 4; b = b[4:] {
		h ^= bits.RotateLeft32(binary.LittleEndian.Uint32(b)*c1, 15) * c2
		h = bits.RotateLeft32(h, 13)*5 + 0xe6546b64
	}
	if len(b) > 0 {
		k := uint32(0)
		for i := len(b) - 1; i >= 0; i-- {
			k = k<<8 | uint32(b[i])
		}
		h ^= bits.RotateLeft32(k*c1, 15) * c2
	}
	h ^= uint32(n)
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return h ^ h>>16
}

// xxh64 is XXH64 (Collet; the xxHash specification 0.1.1, section 3).
func xxh64(b []byte, seed uint64) uint64 {
	const (
		p1 = 0x9E3779B185EBCA87
		p2 = 0xC2B2AE3D27D4EB4F
		p3 = 0x165667B19E3779F9
		p4 = 0x85EBCA77C2B2AE63
		p5 = 0x27D4EB2F165667C5
	)
	round := func(acc, lane uint64) uint64 { return bits.RotateLeft64(acc+lane*p2, 31) * p1 }
	n := uint64(len(b))
	h := seed + p5
	if len(b) >= 32 {
		s := seed
		v := [4]uint64{s + p1, s + p2, s, s - p1}
		v[0] += p2
		for ; len(b) >= 32; b = b[32:] {
			for i := range v {
				v[i] = round(v[i], binary.LittleEndian.Uint64(b[8*i:]))
			}
		}
		h = bits.RotateLeft64(v[0], 1) + bits.RotateLeft64(v[1], 7) + bits.RotateLeft64(v[2], 12) + bits.RotateLeft64(v[3], 18)
		for _, x := range v {
			h = (h^round(0, x))*p1 + p4
		}
	}
	h += n
	for ; len(b) >= 8; b = b[8:] {
		h = bits.RotateLeft64(h^round(0, binary.LittleEndian.Uint64(b)), 27)*p1 + p4
	}
	if len(b) >= 4 {
		h = bits.RotateLeft64(h^uint64(binary.LittleEndian.Uint32(b))*p1, 23)*p2 + p3
		b = b[4:]
	}
	for _, c := range b {
		h = bits.RotateLeft64(h^uint64(c)*p5, 11) * p1
	}
	h = (h ^ h>>33) * p2
	h = (h ^ h>>29) * p3
	return h ^ h>>32
}
