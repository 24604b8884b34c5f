package hash

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"math/bits"
)

// Functions are a Family's functions for keys of n bytes, made ready.
type Functions struct {
	alg   Algorithm
	form  Form
	n     int // bytes of a key
	seeds []uint64
	table *crc32.Table
	mod   uint64 // of digests taken as one number; 0 = their lowest 64 bits
}

// Functions makes so many of the family's functions ready.
func (h *Family) Functions(count, keyBytes int) Functions {
	f := Functions{alg: h.Algorithm, form: h.Form, n: keyBytes, seeds: make([]uint64, count)}
	switch h.Algorithm {
	case CRC32, CRC32Mix:
		f.table = crc32.IEEETable
	case CRC32C:
		f.table = crc32.MakeTable(crc32.Castagnoli)
	}
	for i := range f.seeds {
		f.setSeed(i, h.seed(i))
	}
	return f
}

// setSeed makes function i that of a seed.
func (f *Functions) setSeed(i int, s uint64) {
	f.seeds[i] = s
	switch f.alg {
	case SplitMix64:
		f.seeds[i] = (s + 1) * golden
	case CRC32, CRC32C:
		if f.form.place == before { // linear: what a seed before the key changes is the same for all keys
			var zeros [MaxKey]byte
			f.seeds[i] = uint64(crc32.Update(crc32.Update(0, f.table, f.form.bytes(s, 4)), f.table, zeros[:f.n]) ^ crc32.Update(0, f.table, zeros[:f.n]))
		}
	}
}

const golden = 0x9e3779b97f4a7c15

// Mix64 is the finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA'14).
func Mix64(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Digest folds a key of at most 16 bytes: what SplitMix64 has of a key before any seed,
// and what sets of flows are hashed by.
func Digest(a, b uint64) uint64 { return Mix64(Mix64(a+golden) ^ b + golden) }

// WideDigest is Digest for keys of n bytes; w has those after the first 16.
func WideDigest(a, b uint64, w *[3]uint64, n int) uint64 {
	d := Digest(a, b)
	for i := 2; 8*i < n; i++ {
		d = Mix64(d ^ w[i-2] + golden)
	}
	return d
}

// Prepared is a key about to be hashed: what all seeds share.
type Prepared struct {
	d   uint64
	raw [MaxKey]byte
}

// Prepare makes a key ready for Value: its first words, those after 16 bytes, and its digest.
func (f *Functions) Prepare(p *Prepared, a, b uint64, w *[3]uint64, d uint64) {
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

// Value returns function i of the key.
func (f *Functions) Value(i int, p *Prepared) uint64 {
	if f.form.double {
		return f.single(0, p) + uint64(i)*f.single(1, p)
	}
	return f.single(i, p)
}

// Double returns where double hashing begins, and its step, of the first two functions: of a
// key's first words, those after 16 bytes, and its digest.
func (f *Functions) Double(a, b uint64, w *[3]uint64, d uint64) (begin, step uint64) {
	if f.alg == SplitMix64 {
		return Mix64(d ^ f.seeds[0]), Mix64(d^f.seeds[1]) | 1
	}
	var p Prepared
	f.Prepare(&p, a, b, w, d)
	return f.Value(0, &p), f.Value(1, &p) | 1
}

func (f *Functions) single(i int, p *Prepared) uint64 {
	s := f.seeds[i]
	switch f.alg {
	case SplitMix64:
		return Mix64(p.d ^ s)
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
	case XXH32:
		return uint64(xxh32(p.raw[:f.n], uint32(s)))
	case Jenkins:
		return uint64(jenkins(p.raw[:f.n], uint32(s)))
	}
	return f.bySeedBytes(i, s, p)
}

// bySeedBytes hashes seed and key as one string of bytes.
func (f *Functions) bySeedBytes(i int, s uint64, p *Prepared) uint64 {
	var buf [MaxKey + 24]byte
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
	case CRC16, CRC16CCITT:
		init := uint16(0)
		if f.alg == CRC16CCITT {
			init = 0xffff
		}
		if f.form.place == asInit {
			init = uint16(s)
		}
		return uint64(crc16(f.alg, init, msg))
	case FNV1a32:
		h := uint32(0x811c9dc5)
		if f.form.place == asInit {
			h ^= uint32(s)
		}
		for _, c := range msg {
			h = (h ^ uint32(c)) * 0x01000193
		}
		return uint64(h)
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
		return f.take(i, sum[:])
	case SHA1:
		sum := sha1.Sum(msg)
		return f.take(i, sum[:])
	case SHA256:
		sum := sha256.Sum256(msg)
		return f.take(i, sum[:])
	}
	panic("BUG: no algorithm " + string(f.alg))
}

// take makes function i's value of a digest.
func (f *Functions) take(i int, sum []byte) uint64 {
	switch f.form.take {
	case firstFour:
		sum = sum[:4]
	case words:
		i = 4 * i % (len(sum) &^ 3)
		sum = sum[i : i+4]
	case all:
		v := uint64(0)
		for i := range sum {
			c := sum[i]
			if f.form.little {
				c = sum[len(sum)-1-i]
			}
			if v = v<<8 | uint64(c); f.mod != 0 {
				v %= f.mod
			}
		}
		return v
	}
	if len(sum) == 4 {
		if f.form.little {
			return uint64(binary.LittleEndian.Uint32(sum))
		}
		return uint64(binary.BigEndian.Uint32(sum))
	}
	if f.form.little {
		return binary.LittleEndian.Uint64(sum)
	}
	return binary.BigEndian.Uint64(sum)
}

// bits returns how many bits values have.
func (f *Functions) bits() int {
	switch f.alg {
	case CRC16, CRC16CCITT:
		return 16
	case CRC32, CRC32C, CRC32Mix, Murmur3, XXH32, FNV1a32, Jenkins:
		return 32
	case MD5, SHA1, SHA256:
		if f.form.take == firstFour || f.form.take == words {
			return 32
		}
	}
	return 64
}

// Cell returns where a value puts a key among n.
func (f *Functions) Cell(v, n uint64) uint64 {
	if !f.form.scale {
		return v % n
	}
	if b := f.bits(); b < 64 {
		return v & (1<<b - 1) * n >> b
	}
	hi, _ := bits.Mul64(v, n)
	return hi
}
