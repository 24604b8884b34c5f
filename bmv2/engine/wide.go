package engine

import (
	"math/big"
	"math/bits"
)

// Wide numbers are two's-complement, least significant word first, of a length
// that the compiler of expressions chose. The functions below compute modulo
// 2^(64·len(dst)); operands are as long as dst.

func wideAdd(dst, x, y []uint64) {
	var c uint64
	for i := range dst {
		dst[i], c = bits.Add64(x[i], y[i], c)
	}
}

func wideSub(dst, x, y []uint64) {
	var b uint64
	for i := range dst {
		dst[i], b = bits.Sub64(x[i], y[i], b)
	}
}

// wideMul needs dst apart from x and y.
func wideMul(dst, x, y []uint64) {
	clear(dst)
	for i, a := range x {
		if a == 0 {
			continue
		}
		var carry uint64
		for j := 0; i+j < len(dst); j++ {
			hi, lo := bits.Mul64(a, y[j])
			var c uint64
			lo, c = bits.Add64(lo, carry, 0)
			hi += c
			dst[i+j], c = bits.Add64(dst[i+j], lo, 0)
			carry = hi + c
		}
	}
}

// wideShl needs dst apart from x, or n a multiple of 64, or dst == x.
func wideShl(dst, x []uint64, n uint64) {
	words, shift := int(min(n/64, uint64(len(dst)))), n%64
	for i := len(dst) - 1; i >= 0; i-- {
		var v uint64
		if i >= words {
			v = x[i-words] << shift
			if shift > 0 && i > words {
				v |= x[i-words-1] >> (64 - shift)
			}
		}
		dst[i] = v
	}
}

// wideShr shifts arithmetically; x may be dst.
func wideShr(dst, x []uint64, n uint64) {
	sign := signOf(x)
	words, shift := int(min(n/64, uint64(len(x)))), n%64
	at := func(i int) uint64 {
		if i < len(x) {
			return x[i]
		}
		return sign
	}
	for i := range dst {
		v := at(i+words) >> shift
		if shift > 0 {
			v |= at(i+words+1) << (64 - shift)
		}
		dst[i] = v
	}
}

// signOf is all ones for a negative number, else zero.
func signOf(x []uint64) uint64 { return uint64(int64(x[len(x)-1]) >> 63) }

// wideCmp compares signed numbers of one length.
func wideCmp(x, y []uint64) int {
	top := len(x) - 1
	if a, b := int64(x[top]), int64(y[top]); a != b {
		if a < b {
			return -1
		}
		return 1
	}
	for i := top - 1; i >= 0; i-- {
		if x[i] != y[i] {
			if x[i] < y[i] {
				return -1
			}
			return 1
		}
	}
	return 0
}

// wideExtend makes x the two's-complement number of its low bits bits.
func wideExtend(x []uint64, bits int) {
	word := (bits - 1) / 64
	if word >= len(x) {
		return
	}
	shift := uint(63 - (bits-1)%64)
	x[word] = uint64(int64(x[word]<<shift) >> shift)
	sign := signOf(x[:word+1])
	for i := word + 1; i < len(x); i++ {
		x[i] = sign
	}
}

// wideBig reads a wide number.
func wideBig(x []uint64) *big.Int {
	v := new(big.Int)
	for i := len(x) - 1; i >= 0; i-- {
		v.Lsh(v, 64).Or(v, new(big.Int).SetUint64(x[i]))
	}
	if signOf(x) != 0 {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(64*len(x))))
	}
	return v
}

// bigWide stores v modulo 2^(64·len(dst)).
func bigWide(dst []uint64, v *big.Int) {
	m := new(big.Int).Lsh(big.NewInt(1), uint(64*len(dst)))
	m.Mod(v, m)
	word := new(big.Int)
	for i := range dst {
		dst[i] = word.And(m, maxWord).Uint64()
		m.Rsh(m, 64)
	}
}

var maxWord = new(big.Int).SetUint64(^uint64(0))

// wideDivMod divides numbers that are not negative; by zero it gives zero.
func wideDivMod(dst, x, y []uint64, mod bool) {
	a, b := wideBig(x), wideBig(y)
	if b.Sign() <= 0 || a.Sign() < 0 {
		clear(dst)
		return
	}
	q, r := new(big.Int).QuoRem(a, b, new(big.Int))
	if mod {
		q = r
	}
	bigWide(dst, q)
}
