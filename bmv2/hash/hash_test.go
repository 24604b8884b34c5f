package hash

import (
	"encoding/hex"
	"errors"
	stdcrc "hash/crc64"
	"math/bits"
	"math/rand/v2"
	"strings"
	"testing"
)

func mustHash(tb testing.TB, name string) *Hash {
	tb.Helper()
	h, err := New(name, 1)
	if err != nil {
		tb.Fatal(err)
	}
	return h
}

// TestKnownAnswers holds the results BMv2's own tests expect, and catalogued
// check values.
func TestKnownAnswers(t *testing.T) {
	f := func(name, data string, want uint64) {
		t.Helper()
		in, err := hex.DecodeString(data)
		if err != nil {
			t.Fatal(err)
		}
		if got := mustHash(t, name).Sum(in); got != want {
			t.Errorf("%s(%s): got %#x; want %#x", name, data, got, want)
		}
	}
	const check = "313233343536373839" // "123456789"
	f("identity", "0102030405", 0x0102030405)
	f("identity", "010203040506070809", 0x0102030405060708)
	f("identity", "", 0)
	f("xor16", "0bb81f90", 0x1428)
	f("xor16", "0bb81f905a", 0x4e28)
	f("xor32", "0b0bb8b81f1f9090", 0x14142828)
	f("xor32", "0b0bb8b81f1f90905a", 0x4e142828)
	f("xor32", "0b0bb8b81f1f90905a5a", 0x4e4e2828)
	f("xor32", "0b0bb8b81f1f90905a5abd", 0x4e4e9528)
	f("cksum16", "45000073000040004011"+"0000c0a80001c0a800c7", 0xb861)
	f("csum16", "45000073000040004011"+"0000c0a80001c0a800c7", 0xb861)
	f("csum16", "", 0xffff)
	f("csum16", "ff", 0x00ff)
	f("crc16", "0bb81f90", 0x5d8a)
	f("crcCCITT", "0bb81f90", 0x5d75)
	f("crc32", "0bb81f90", 0x005d6a6f)
	f("crc16_custom", "0bb81f90", 0x5d8a)
	f("crc32_custom", "0bb81f90", 0x005d6a6f)
	f("crc8_custom", check, 0xf4)
	f("crc16", check, 0xbb3d)
	f("crcCCITT", check, 0x29b1)
	f("crc32", check, 0xcbf43926)
	f("crc64_custom", check, 0x46a5a9388a5beffe)
	f("xxh64", "", 0xef46db3751d8e999)
	f("xxh64", "61", 0xd24ec4f1a98c6e5b)
	f("xxh64", "616263", 0x44bc2cf5ad770999)
	f("bmv2_hash", "616263", 0x44bc2cf5ad770999)
	f("xxh64", hex.EncodeToString([]byte("Nobody inspects the spammish repetition")), 0xfbcea83c8a378bf1)
}

func TestCustomCRC(t *testing.T) {
	f := func(name string, p CRC, want uint64) {
		t.Helper()
		h := mustHash(t, name)
		if err := h.SetCRC(p); err != nil {
			t.Fatal(err)
		}
		if got := h.Sum([]byte("123456789")); got != want {
			t.Errorf("%s %+v: got %#x; want %#x", name, p, got, want)
		}
	}
	// Check values of the catalogue of parametrised CRC algorithms.
	f("crc8_custom", CRC{0x1d, 0xfd, 0, false, false}, 0x7e)                             // I-CODE
	f("crc8_custom", CRC{0x31, 0, 0, true, true}, 0xa1)                                  // MAXIM
	f("crc8_custom", CRC{0x07, 0, 0x55, false, false}, 0xa1)                             // ITU
	f("crc16_custom", CRC{0x8005, 0, 0, false, false}, 0xfee8)                           // BUYPASS
	f("crc16_custom", CRC{0x0589, 0, 0, false, false}, 0x007f)                           // DECT-X
	f("crc16_custom", CRC{0x3d65, 0, 0xffff, true, true}, 0xea82)                        // DNP
	f("crc16_custom", CRC{0x1021, 0xffff, 0xffff, true, true}, 0x906e)
	f("crc16_custom", CRC{0x1021, 0xb2aa, 0, true, true}, 0x63d0)                        // RIELLO
	f("crc32_custom", CRC{0x04c11db7, 0xffffffff, 0, false, false}, 0x0376e6e7)          // MPEG-2
	f("crc32_custom", CRC{0x1edc6f41, 0xffffffff, 0xffffffff, true, true}, 0xe3069283)   // C
	f("crc32_custom", CRC{0x04c11db7, 0xffffffff, 0xffffffff, false, false}, 0xfc891918) // BZIP2
	f("crc32_custom", CRC{0x04c11db7, 0, 0xffffffff, false, false}, 0x765e7680)          // POSIX
	f("crc64_custom", CRC{0x42f0e1eba9ea3693, ^uint64(0), ^uint64(0), false, false}, 0x62ec59e3f1a4f00a)
	f("crc64_custom", CRC{0xad93d23594c935a9, ^uint64(0), 0, true, true}, 0xcaa717168609f281)
}

// slowCRC divides bit by bit.
func slowCRC(width int, p CRC, data []byte) uint64 {
	top := uint64(1) << (width - 1)
	mask := top | (top - 1)
	r := p.Init
	for _, b := range data {
		if p.ReflectIn {
			b = bits.Reverse8(b)
		}
		for i := 7; i >= 0; i-- {
			feedback := (r&top != 0) != (b>>i&1 != 0)
			r = r << 1 & mask
			if feedback {
				r ^= p.Poly
			}
		}
	}
	if p.ReflectOut {
		r = bits.Reverse64(r) >> (64 - width)
	}
	return r ^ p.XorOut
}

func TestCRCAgainstDivision(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, name := range []string{"crc8_custom", "crc16_custom", "crc32_custom", "crc64_custom"} {
		h := mustHash(t, name)
		for range 200 {
			mask := ^uint64(0) >> (64 - h.Bits())
			p := CRC{r.Uint64() & mask, r.Uint64() & mask, r.Uint64() & mask, r.IntN(2) == 0, r.IntN(2) == 0}
			if err := h.SetCRC(p); err != nil {
				t.Fatal(err)
			}
			data := make([]byte, r.IntN(40))
			for i := range data {
				data[i] = byte(r.Uint32())
			}
			if got, want := h.Sum(data), slowCRC(h.Bits(), p, data); got != want {
				t.Fatalf("%s %+v of %x: got %#x; want %#x", name, p, data, got, want)
			}
		}
	}
	for n := range 200 { // short and long ones go different ways
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(r.Uint32())
		}
		if got, want := uint64(CRC32(data)), slowCRC(32, defaultCRC[crc32Custom], data); got != want {
			t.Fatalf("crc32 of %x: got %#x; want %#x", data, got, want)
		}
		if got, want := uint64(CRC16(data)), slowCRC(16, defaultCRC[crc16Custom], data); got != want {
			t.Fatalf("crc16 of %x: got %#x; want %#x", data, got, want)
		}
	}
	h := mustHash(t, "crc64_custom")
	if err := h.SetCRC(CRC{0x42f0e1eba9ea3693, ^uint64(0), ^uint64(0), true, true}); err != nil {
		t.Fatal(err)
	}
	data := []byte("the standard library's ECMA table")
	if got, want := h.Sum(data), stdcrc.Checksum(data, stdcrc.MakeTable(stdcrc.ECMA)); got != want {
		t.Errorf("got %#x; want %#x as hash/crc64", got, want)
	}
}

// TestChecksumAgainstWords compares with RFC 1071's definition.
func TestChecksumAgainstWords(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	slow := func(data []byte) uint16 {
		sum := uint32(0)
		for i, b := range data {
			if i%2 == 0 {
				sum += uint32(b) << 8
			} else {
				sum += uint32(b)
			}
			sum = sum>>16 + sum&0xffff
		}
		return ^uint16(sum)
	}
	for range 5000 {
		data := make([]byte, r.IntN(70))
		for i := range data {
			data[i] = []byte{0, 0xff, 0xff, byte(r.Uint32())}[r.IntN(4)]
		}
		want := slow(data)
		if got := Checksum(data); got != want {
			t.Fatalf("checksum of %x: got %#x; want %#x", data, got, want)
		}
		cut := r.IntN(len(data)+1) &^ 1
		if got := ^Fold1071(Sum1071(Sum1071(0, data[:cut]), data[cut:])); got != want {
			t.Fatalf("checksum of %x cut at %d: got %#x; want %#x", data, cut, got, want)
		}
	}
}

// TestToeplitz is Microsoft's verification suite for receive side scaling.
func TestToeplitz(t *testing.T) {
	h := mustHash(t, "toeplitz")
	key, _ := hex.DecodeString("6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa")
	if err := h.SetKey(key); err != nil {
		t.Fatal(err)
	}
	f := func(data string, want uint64) {
		t.Helper()
		in, _ := hex.DecodeString(data)
		if got := h.Sum(in); got != want {
			t.Errorf("%s: got %#x; want %#x", data, got, want)
		}
	}
	f("420995bba18e6450", 0x323e8fc2)
	f("420995bba18e64500aea06e6", 0x51ccc178)
	f("c75c6f0241458c53", 0xd718262a)
	if err := h.SetKey(key[:6]); err == nil {
		t.Errorf("a key of 6 bytes was taken")
	}
	if err := mustHash(t, "crc32").SetKey(key); err == nil {
		t.Errorf("crc32 took a key")
	}
}

func TestState(t *testing.T) {
	a, b := mustHash(t, "round_robin"), mustHash(t, "round_robin")
	for i := range uint64(10) {
		if x, y := a.Sum([]byte{1}), b.Sum([]byte{2}); x != i || y != i {
			t.Fatalf("round robin: got %d and %d; want %d", x, y, i)
		}
	}
	c := mustHash(t, "round_robin_consistent")
	for i, want := range []uint64{0, 1, 0, 2, 1} {
		if got := c.Sum([]byte{1, 2, []byte{5, 6, 5, 7, 6}[i]}); got != want {
			t.Errorf("round robin consistent, call %d: got %d; want %d", i, got, want)
		}
	}
	x, y := mustHash(t, "random"), mustHash(t, "random")
	seen := map[uint64]bool{}
	for range 100 {
		v := x.Sum(nil)
		if v != y.Sum([]byte{1}) || seen[v] {
			t.Fatalf("random: got %d, which repeats or depends on more than the seed", v)
		}
		seen[v] = true
	}
}

func TestRefusals(t *testing.T) {
	f := func(err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v; want one with %q", err, want)
		}
	}
	_, err := New("md5", 0)
	f(err, `"md5": unknown hash algorithm`)
	if !errors.Is(err, ErrUnknown) || Known("md5") || !Known("crc32") {
		t.Errorf("Known and New disagree")
	}
	f(mustHash(t, "crc32").SetCRC(CRC{}), "crc32: only")
	f(mustHash(t, "crc16_custom").SetCRC(CRC{Poly: 0x11021}), "at most 16 bits")
}

// TestWithinBits holds Bits against Sum.
func TestWithinBits(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for name := range algorithms {
		h := mustHash(t, name)
		data := make([]byte, 37)
		for range 100 {
			for i := range data {
				data[i] = byte(r.Uint32())
			}
			if sum := h.Sum(data); h.Bits() < 64 && sum>>h.Bits() != 0 {
				t.Errorf("%s: got %#x; want at most %d bits", name, sum, h.Bits())
			}
		}
	}
}

func TestSumAllocatesNothing(t *testing.T) {
	data := make([]byte, 37)
	for name := range algorithms {
		h := mustHash(t, name)
		h.Sum(data)
		if n := testing.AllocsPerRun(100, func() { h.Sum(data) }); n != 0 {
			t.Errorf("%s: got %v allocations per call; want 0", name, n)
		}
	}
}

func BenchmarkSum(b *testing.B) {
	for _, name := range []string{"crc16", "crc32", "crcCCITT", "crc32_custom", "csum16", "xor16", "identity", "xxh64", "toeplitz"} {
		b.Run(name, func(b *testing.B) {
			h := mustHash(b, name)
			data := make([]byte, 16) // a 5-tuple and a bit
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				data[0]++
				h.Sum(data)
			}
		})
	}
}
