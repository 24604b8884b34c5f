package worlds

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/bits"
	"testing"
)

// function is a hash algorithm of a seed and a key.
type function func(seed uint64, key []byte) uint64

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func be32(seed uint64, key []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(seed)), key...)
}

func splitmix64(seed uint64, key []byte) uint64 {
	mix := func(x uint64) uint64 {
		x ^= x >> 30
		x *= 0xbf58476d1ce4e5b9
		x ^= x >> 27
		x *= 0x94d049bb133111eb
		return x ^ x>>31
	}
	const golden = 0x9e3779b97f4a7c15
	n := max(16, (len(key)+7)/8*8)
	padded := append(append([]byte(nil), key...), make([]byte, n-len(key))...)
	d := uint64(0)
	for i := 0; i < n; i += 8 {
		d = mix((d ^ binary.BigEndian.Uint64(padded[i:])) + golden)
	}
	return mix(d ^ (seed+1)*golden)
}

func crc32Mix(seed uint64, key []byte) uint64 {
	h := (crc32.ChecksumIEEE(key) ^ uint32(seed)) * 0x9e3779b1
	h = (h ^ h>>15) * 0x85ebca6b
	return uint64(h ^ h>>16)
}

func murmur3(seed uint64, key []byte) uint64 {
	h, n := uint32(seed), len(key)
	scramble := func(k uint32) uint32 { return bits.RotateLeft32(k*0xcc9e2d51, 15) * 0x1b873593 }
	for ; len(key) >= 4; key = key[4:] {
		h = bits.RotateLeft32(h^scramble(binary.LittleEndian.Uint32(key)), 13)*5 + 0xe6546b64
	}
	if len(key) > 0 {
		k := uint32(0)
		for i := len(key) - 1; i >= 0; i-- {
			k = k<<8 | uint32(key[i])
		}
		h ^= scramble(k)
	}
	h ^= uint32(n)
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return uint64(h ^ h>>16)
}

const (
	xp1 = 0x9E3779B185EBCA87
	xp2 = 0xC2B2AE3D27D4EB4F
	xp3 = 0x165667B19E3779F9
	xp4 = 0x85EBCA77C2B2AE63
	xp5 = 0x27D4EB2F165667C5
)

func xxh64(seed uint64, key []byte) uint64 {
	round := func(acc, in uint64) uint64 { return bits.RotateLeft64(acc+in*xp2, 31) * xp1 }
	n, h := uint64(len(key)), seed+xp5
	if len(key) >= 32 {
		var p1, p2 uint64 = xp1, xp2
		v := [4]uint64{seed + p1 + p2, seed + p2, seed, seed - p1}
		for ; len(key) >= 32; key = key[32:] {
			for i := range v {
				v[i] = round(v[i], binary.LittleEndian.Uint64(key[8*i:]))
			}
		}
		h = bits.RotateLeft64(v[0], 1) + bits.RotateLeft64(v[1], 7) + bits.RotateLeft64(v[2], 12) + bits.RotateLeft64(v[3], 18)
		for i := range v {
			h = (h^round(0, v[i]))*xp1 + xp4
		}
	}
	h += n
	for ; len(key) >= 8; key = key[8:] {
		h = bits.RotateLeft64(h^round(0, binary.LittleEndian.Uint64(key)), 27)*xp1 + xp4
	}
	if len(key) >= 4 {
		h = bits.RotateLeft64(h^uint64(binary.LittleEndian.Uint32(key))*xp1, 23)*xp2 + xp3
		key = key[4:]
	}
	for _, b := range key {
		h = bits.RotateLeft64(h^uint64(b)*xp5, 11) * xp1
	}
	h = (h ^ h>>33) * xp2
	h = (h ^ h>>29) * xp3
	return h ^ h>>32
}

func xxh32(seed uint64, key []byte) uint64 {
	const p1, p2, p3, p4, p5 = 2654435761, 2246822519, 3266489917, 668265263, 374761393
	s, n := uint32(seed), uint32(len(key))
	round := func(acc, in uint32) uint32 { return bits.RotateLeft32(acc+in*p2, 13) * p1 }
	h := s + p5
	if len(key) >= 16 {
		var q1, q2 uint32 = p1, p2
		v := [4]uint32{s + q1 + q2, s + q2, s, s - q1}
		for ; len(key) >= 16; key = key[16:] {
			for i := range v {
				v[i] = round(v[i], binary.LittleEndian.Uint32(key[4*i:]))
			}
		}
		h = bits.RotateLeft32(v[0], 1) + bits.RotateLeft32(v[1], 7) + bits.RotateLeft32(v[2], 12) + bits.RotateLeft32(v[3], 18)
	}
	h += n
	for ; len(key) >= 4; key = key[4:] {
		h = bits.RotateLeft32(h+binary.LittleEndian.Uint32(key)*p3, 17) * p4
	}
	for _, b := range key {
		h = bits.RotateLeft32(h+uint32(b)*p5, 11) * p1
	}
	h = (h ^ h>>15) * p2
	h = (h ^ h>>13) * p3
	return uint64(h ^ h>>16)
}

func fnv64(h uint64, key []byte, a bool) uint64 {
	for _, b := range key {
		if a {
			h = (h ^ uint64(b)) * 1099511628211
		} else {
			h = h*1099511628211 ^ uint64(b)
		}
	}
	return h
}

func fnv32a(h uint32, key []byte) uint64 {
	for _, b := range key {
		h = (h ^ uint32(b)) * 16777619
	}
	return uint64(h)
}

func jenkins(seed uint64, key []byte) uint64 { // one-at-a-time
	h := uint32(seed)
	for _, b := range key {
		h += uint32(b)
		h += h << 10
		h ^= h >> 6
	}
	h += h << 3
	h ^= h >> 11
	return uint64(h + h<<15)
}

func crc16(poly, init uint16, reflected bool, key []byte) uint64 {
	c := init
	for _, b := range key {
		if reflected {
			c ^= uint16(b)
		} else {
			c ^= uint16(b) << 8
		}
		for range 8 {
			switch {
			case reflected && c&1 != 0:
				c = c>>1 ^ poly
			case reflected:
				c >>= 1
			case c&0x8000 != 0:
				c = c<<1 ^ poly
			default:
				c <<= 1
			}
		}
	}
	return uint64(c)
}

func crc16CCITT(key []byte) uint64 { return crc16(0x1021, 0xffff, false, key) }
func crc16ARC(key []byte) uint64   { return crc16(0xa001, 0, true, key) }

// crcForward is a CRC-32 that is not reflected, as in BZIP2 (final complement) and MPEG-2 (none).
func crcForward(poly, init, final uint32, key []byte) uint64 {
	c := init
	for _, b := range key {
		c ^= uint32(b) << 24
		for range 8 {
			if c&0x80000000 != 0 {
				c = c<<1 ^ poly
			} else {
				c <<= 1
			}
		}
	}
	return uint64(c ^ final)
}

// documented are the algorithms of docs/datasets.md.
var documented = map[string]function{
	"splitmix64": splitmix64,
	"crc32-mix":  crc32Mix,
	"crc32":      func(s uint64, k []byte) uint64 { return uint64(crc32.ChecksumIEEE(be32(s, k))) },
	"crc32c":     func(s uint64, k []byte) uint64 { return uint64(crc32.Checksum(be32(s, k), castagnoli)) },
	"murmur3":    murmur3,
	"xxh64":      xxh64,
	"fnv1a":      func(s uint64, k []byte) uint64 { return fnv64(14695981039346656037, be32(s, k), true) },
	"md5":        func(s uint64, k []byte) uint64 { d := md5.Sum(be32(s, k)); return binary.BigEndian.Uint64(d[:]) },
	"sha1":       func(s uint64, k []byte) uint64 { d := sha1.Sum(be32(s, k)); return binary.BigEndian.Uint64(d[:]) },
	"sha256":     func(s uint64, k []byte) uint64 { d := sha256.Sum256(be32(s, k)); return binary.BigEndian.Uint64(d[:]) },
}

var documentedNames = []string{"splitmix64", "crc32-mix", "crc32", "crc32c", "murmur3", "xxh64", "fnv1a", "md5", "sha1", "sha256"}

// TestHashes compares with published values.
func TestHashes(t *testing.T) {
	for _, c := range []struct {
		name      string
		got, want uint64
	}{
		{"murmur3 empty", murmur3(0, nil), 0},
		{"murmur3 hello", murmur3(0, []byte("hello")), 0x248bfa47},
		{"murmur3 quick", murmur3(0x9747b28c, []byte("The quick brown fox jumps over the lazy dog")), 0x2fa826cd},
		{"xxh64 empty", xxh64(0, nil), 0xef46db3751d8e999},
		{"xxh64 abc", xxh64(0, []byte("abc")), 0x44bc2cf5ad770999},
		{"xxh32 empty", xxh32(0, nil), 0x02cc5d05},
		{"xxh32 abc", xxh32(0, []byte("abc")), 0x32d153ff},
		{"fnv1a a", fnv64(14695981039346656037, []byte("a"), true), 0xaf63dc4c8601ec8c},
		{"fnv32a a", fnv32a(2166136261, []byte("a")), 0xe40c292c},
		{"crc16 ccitt", crc16CCITT([]byte("123456789")), 0x29b1},
		{"crc16 arc", crc16ARC([]byte("123456789")), 0xbb3d},
		{"crc32 bzip2", crcForward(0x04c11db7, 0xffffffff, 0xffffffff, []byte("123456789")), 0xfc891918},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %#x, want %#x", c.name, c.got, c.want)
		}
	}
}

// scheme says how a switch finds its cells and checks.
type scheme struct {
	text   string // the data set's "hash"; empty: left out
	raw    string // "hash" as JSON, if it is no string
	extra  string // further members of the object, with a comma before each
	cell   func(n int, key []byte, cells uint64) uint64
	check  func(key []byte) uint64 // nil: no checks
	length int                     // bytes of a check
	bit    func(n int, key []byte, bits uint64) uint64
	order  int  // of the fields in the key, see flow.key
	whole  bool // every function reaches all cells
}

func low(bytes int) uint64 {
	if bytes >= 8 {
		return 1<<64 - 1
	}
	return 1<<(8*bytes) - 1
}

// contract is a scheme as documented.
func contract(name string, seed uint64, k, checkBytes int) *scheme {
	f := documented[name]
	s := &scheme{text: fmt.Sprintf("%s:seed=%d", name, seed), length: checkBytes}
	at := func(n int) uint64 { return 256*seed + uint64(n) }
	s.cell = func(n int, key []byte, cells uint64) uint64 { return f(at(n), key) % cells }
	s.bit = s.cell
	if checkBytes > 0 {
		s.check = func(key []byte) uint64 { return f(at(k), key) & low(checkBytes) }
	}
	return s
}
