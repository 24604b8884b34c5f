package worlds

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/bits"
	"math/rand/v2"
)

// stranger draws hash functions that somebody who knows the contract alone might use, and how
// he would name them. The first string says which it was.
func stranger(rng *rand.Rand, k int) (string, func(node int) *scheme) {
	type way struct {
		text string
		of   func(n uint64, key []byte) uint64 // function n of a node's first seed 0
	}
	zlib := func(init uint64, b []byte) uint64 { return uint64(crc32.Update(uint32(init), crc32.IEEETable, b)) }
	ieee := func(b []byte) uint64 { return uint64(crc32.ChecksumIEEE(b)) }
	pre := func(b byte, key []byte) []byte { return append([]byte{b}, key...) }
	post := func(key []byte, b ...byte) []byte { return append(append([]byte(nil), key...), b...) }
	digest := func(n uint64, d []byte) uint64 { return uint64(binary.BigEndian.Uint32(d[4*n%uint64(len(d)-3):])) }
	le32 := func(n uint64, key []byte) []byte {
		return append(binary.LittleEndian.AppendUint32(nil, uint32(n)), key...)
	}
	polys := []func([]byte) uint64{
		ieee, func(b []byte) uint64 { return uint64(crc32.Checksum(b, castagnoli)) },
		func(b []byte) uint64 { return uint64(crc32.Checksum(b, crc32.MakeTable(0xd5828281))) },
		func(b []byte) uint64 { return uint64(crc32.Checksum(b, crc32.MakeTable(crc32.Koopman))) },
		crc16CCITT, func(b []byte) uint64 { return crcForward(0x04c11db7, 0xffffffff, 0xffffffff, b) },
	}
	ways := map[string][]way{
		"crc32 init":         {{"crc32", zlib}, {"zlib.crc32", zlib}, {"crc32(init=i)", zlib}},
		"crc32 byte before":  {{"crc32", func(n uint64, k []byte) uint64 { return ieee(pre(byte(n), k)) }}},
		"crc32 byte behind":  {{"crc32", func(n uint64, k []byte) uint64 { return ieee(post(k, byte(n))) }}},
		"crc32 LE seed":      {{"crc32", func(n uint64, k []byte) uint64 { return ieee(le32(n, k)) }}},
		"crc32 digit before": {{"crc32", func(n uint64, k []byte) uint64 { return ieee(pre('0'+byte(n), k)) }}},
		"crc32c init": {{"crc32c", func(n uint64, k []byte) uint64 { return uint64(crc32.Update(uint32(n), castagnoli, k)) }},
			{"CRC-32C", func(n uint64, k []byte) uint64 { return uint64(crc32.Update(uint32(n), castagnoli, k)) }}},
		"crc polynomials": {{"crc32,crc32c,crc32d,crc32q", func(n uint64, k []byte) uint64 { return polys[n%uint64(len(polys))](k) }}},
		"murmur3 n":       {{"murmur3", murmur3}, {"murmur3_32", murmur3}, {"MurmurHash3_x86_32", murmur3}, {"mmh3", murmur3}},
		"murmur3 n+1": {{"murmur3", func(n uint64, k []byte) uint64 { return murmur3(n+1, k) }},
			{"murmur3_32(seed=1..k)", func(n uint64, k []byte) uint64 { return murmur3(n+1, k) }}},
		"xxh64 n": {{"xxhash", xxh64}, {"xxh64", xxh64}, {"XXH64", xxh64}, {"xxhash64", xxh64}},
		"xxh32 n": {{"xxh32", xxh32}, {"xxhash32", xxh32}},
		"fnv1a byte before": {{"fnv1a", func(n uint64, k []byte) uint64 { return fnv64(14695981039346656037, pre(byte(n), k), true) }},
			{"fnv-1a", func(n uint64, k []byte) uint64 { return fnv64(14695981039346656037, pre(byte(n), k), true) }}},
		"fnv1a xored offset": {{"fnv1a", func(n uint64, k []byte) uint64 { return fnv64(14695981039346656037^n, k, true) }}},
		"fnv1a32": {{"fnv1a32", func(n uint64, k []byte) uint64 { return fnv32a(2166136261, pre(byte(n), k)) }},
			{"fnv1a", func(n uint64, k []byte) uint64 { return fnv32a(2166136261, be32(n, k)) }}},
		"sha256 words": {{"sha256", func(n uint64, k []byte) uint64 { d := sha256.Sum256(k); return digest(n, d[:]) }}},
		"md5 words":    {{"md5", func(n uint64, k []byte) uint64 { d := md5.Sum(k); return digest(n, d[:]) }}},
		"sha256 decimal before": {{"sha256", func(n uint64, k []byte) uint64 {
			d := sha256.Sum256(append([]byte(fmt.Sprint(n)), k...))
			return binary.BigEndian.Uint64(d[:])
		}}},
		"sha256 decimal colon": {{"sha256", func(n uint64, k []byte) uint64 {
			d := sha256.Sum256(append([]byte(fmt.Sprint(n, ":")), k...))
			return binary.BigEndian.Uint64(d[:])
		}}},
		"md5 byte before 32 bits": {{"md5", func(n uint64, k []byte) uint64 {
			d := md5.Sum(pre(byte(n), k))
			return uint64(binary.BigEndian.Uint32(d[:]))
		}}},
		"md5 byte before LE": {{"md5", func(n uint64, k []byte) uint64 {
			d := md5.Sum(pre(byte(n), k))
			return binary.LittleEndian.Uint64(d[:])
		}}},
		"sha256 all bits": {{"sha256", nil}},
		"double murmur3":  {{"double:murmur3", func(n uint64, k []byte) uint64 { return murmur3(0, k) + n*murmur3(1, k) }}},
		"double crc":      {{"crc32+crc32c", func(n uint64, k []byte) uint64 { return ieee(k) + n*uint64(crc32.Checksum(k, castagnoli)) }}},
		"jenkins":         {{"jenkins", jenkins}},
		"unknown":         {{"siphash", func(n uint64, k []byte) uint64 { return splitmix64(n*77777+0xdeadbeef, pre(7, k)) }}},
	}
	names := []string{"crc32 init", "crc32 byte before", "crc32 byte behind", "crc32 LE seed", "crc32 digit before", "crc32c init", "crc polynomials", "murmur3 n", "murmur3 n+1",
		"xxh64 n", "xxh32 n", "fnv1a byte before", "fnv1a xored offset", "fnv1a32", "sha256 words", "md5 words", "sha256 decimal before", "sha256 decimal colon",
		"md5 byte before 32 bits", "md5 byte before LE", "double murmur3", "double crc", "jenkins", "unknown"}
	name := pick(rng, names...)
	chosen := pick(rng, ways[name]...)
	// The numbers of a node's functions: from 0 everywhere, or apart by node.
	step := pick(rng, 0, 0, 16, 100)
	text, extra := chosen.text, ""
	switch rng.IntN(4) {
	case 0:
		text = "" // no word
	case 1:
		text = pick(rng, chosen.text+"-"+fmt.Sprint(k), chosen.text)
	}
	withSeed := rng.IntN(3) == 0 && step > 0
	length := pick(rng, 0, 1, 2, 2, 4)
	checkName, check := "none", func([]byte) uint64 { return 0 }
	seedOf := func(node int) uint64 { return uint64(step * node) }
	var checkOf func(node int) func([]byte) uint64
	if length > 0 {
		checkName = pick(rng, "next", "crc32", "crc16", "high", "crc16arc", "seed ffff", "all")
		checkOf = func(node int) func([]byte) uint64 {
			switch checkName {
			case "next":
				return func(key []byte) uint64 { return chosen.of(seedOf(node)+uint64(k), key) & low(length) }
			case "crc32":
				return func(key []byte) uint64 { return ieee(key) & low(length) }
			case "high":
				return func(key []byte) uint64 { return ieee(key) >> 16 & low(length) }
			case "crc16":
				return func(key []byte) uint64 { return crc16CCITT(key) & low(length) }
			case "crc16arc":
				return func(key []byte) uint64 { return crc16ARC(key) & low(length) }
			case "seed ffff":
				return func(key []byte) uint64 { return chosen.of(0xffff, key) & low(length) }
			case "all": // exclusive or of the functions
				return func(key []byte) uint64 {
					x := uint64(0)
					for n := range k {
						x ^= chosen.of(seedOf(node)+uint64(n), key)
					}
					return x & low(length)
				}
			}
			return check
		}
	}
	place := pick(rng, "mod", "mod", "mod", "scale", "whole")
	order := pick(rng, protoThird, protoThird, protoLast)
	if name == "double murmur3" || name == "double crc" || name == "crc polynomials" || name == "sha256 words" || name == "md5 words" {
		step = 0
	}
	story := fmt.Sprintf("%s (hash %q, seeds apart %d, check %s of %d, %s, order %d)", name, text, step, checkName, length, place, order)
	return story, func(node int) *scheme {
		s := &scheme{text: text, extra: extra, length: length, order: order}
		if withSeed && text != "" {
			s.text = fmt.Sprintf("%s:seed=%d", text, seedOf(node))
		}
		s.cell = func(n int, key []byte, cells uint64) uint64 {
			h := chosen.of(seedOf(node)+uint64(n), key)
			if place == "scale" {
				if h < 1<<32 {
					return h * cells >> 32
				}
				hi, _ := bits.Mul64(h, cells)
				return hi
			}
			return h % cells
		}
		s.whole = place == "whole"
		if length > 0 {
			s.check = checkOf(node)
		}
		return s
	}
}

// spelled are documented functions with seeds of their own, told in all sorts of ways.
func spelled(rng *rand.Rand, k int) (string, func(node int) *scheme) {
	name := pick(rng, documentedNames...)
	f := documented[name]
	aliases := map[string][]string{
		"crc32":   {"crc32", "CRC32", "crc-32"},
		"crc32c":  {"crc32c", "CRC32C", "crc-32c"},
		"murmur3": {"murmur3", "murmur3_32", "Murmur3", "mmh3"},
		"xxh64":   {"xxh64", "xxhash64", "XXH64"},
		"fnv1a":   {"fnv1a", "fnv-1a", "fnv1a_64", "FNV-1a"},
		"sha256":  {"sha256", "SHA-256"},
	}
	alias := pick(rng, append(aliases[name], name)...)
	spelling := rng.IntN(9)
	bits := pick(rng, 8, 16, 31)
	length := pick(rng, 0, 2, 4)
	story := fmt.Sprintf("%s as %s, spelling %d, seeds of %d bits, checks of %d", name, alias, spelling, bits, length)
	return story, func(int) *scheme {
		seeds := make([]uint64, k+1)
		for i := range seeds {
			seeds[i] = rng.Uint64N(1 << bits)
		}
		list := func(sep string, n int) (s string) {
			for i, seed := range seeds[:n] {
				if i > 0 {
					s += sep
				}
				s += fmt.Sprint(seed)
			}
			return s
		}
		n := k + 1
		if length == 0 {
			n = k
		}
		s := &scheme{length: length}
		switch spelling {
		case 0:
			s.text = alias + ":seeds=" + list("/", n)
		case 1:
			s.text = alias + ":seeds=" + list(",", n)
		case 2:
			s.text = alias + "(" + list(", ", n) + ")"
		case 3:
			s.text = alias + " seeds=[" + list(", ", n) + "]"
		case 4:
			s.text, s.extra = alias, `,"seeds":[`+list(",", n)+`]`
		case 5:
			s.raw = fmt.Sprintf(`{"name":%q,"seeds":[%s]}`, alias, list(",", n))
		case 6:
			s.text = alias + "/" + list("/", n)
		case 7:
			s.text = alias + ";seeds=" + list(";", n)
		case 8:
			for i := range seeds {
				seeds[i] = seeds[0] + uint64(i)
			}
			s.text, s.extra = alias, fmt.Sprintf(`,"seed":%d`, seeds[0])
		}
		s.cell = func(n int, key []byte, cells uint64) uint64 { return f(seeds[n], key) % cells }
		if length > 0 {
			s.check = func(key []byte) uint64 { return f(seeds[k], key) & low(length) }
		}
		return s
	}
}
