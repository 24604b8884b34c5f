package hash

import (
	"slices"
	"testing"
)

func TestGuess(t *testing.T) {
	for text, want := range map[string]Family{
		"murmur3(1, 2, 3)":              {Algorithm: Murmur3, Seeds: []uint64{1, 2, 3}},
		"crc32 seeds=[7, 0x10]":         {Algorithm: CRC32, Seeds: []uint64{7, 16}},
		"zlib.crc32":                    {Algorithm: CRC32},
		"SHA_256;seeds=1;2":             {Algorithm: SHA256, Seeds: []uint64{1, 2}},
		"name md5 seeds 4 5 6":          {Algorithm: MD5, Seeds: []uint64{4, 5, 6}},
		"MurmurHash3_x86_32 seed 99":    {Algorithm: Murmur3, Seed: 99},
		"crc-32c/30470/55194":           {Algorithm: CRC32C, Seeds: []uint64{30470, 55194}},
		"fnv1a_32":                      {Algorithm: FNV1a32},
		"xxh64 double":                  {Algorithm: XXH64, Double: true},
		"crc32 of the key, then sha256": {Algorithm: CRC32},
	} {
		h, ok := Guess(text)
		if !ok || h.Algorithm != want.Algorithm || h.Seed != want.Seed || !slices.Equal(h.Seeds, want.Seeds) || h.Double != want.Double {
			t.Errorf("%q: got %+v, %v, want %+v", text, h, ok, want)
		}
	}
	for _, text := range []string{"", "siphash", "mycrc32", "crc321", "x"} {
		if h, ok := Guess(text); ok {
			t.Errorf("%q: got %+v, want none", text, h)
		}
	}
}

// Published values: xxHash's own, the CRC catalogue's of "123456789", Jenkins's page.
func TestAlgorithmVectors(t *testing.T) {
	digits := []byte("123456789")
	for _, c := range []struct {
		name      string
		got, want uint32
	}{
		{"xxh32 of nothing", xxh32(nil, 0), 0x02cc5d05},
		{"xxh32 abc", xxh32([]byte("abc"), 0), 0x32d153ff},
		{"xxh32 long", xxh32([]byte("Nobody inspects the spammish repetition"), 0), 0xe2293b2f},
		{"crc16 arc", uint32(crc16(CRC16, 0, digits)), 0xbb3d},
		{"crc16 ccitt", uint32(crc16(CRC16CCITT, 0xffff, digits)), 0x29b1},
		{"jenkins a", jenkins([]byte("a"), 0), 0xca2e9442},
		{"jenkins fox", jenkins([]byte("The quick brown fox jumps over the lazy dog"), 0), 0x519e91f5},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %#x, want %#x", c.name, c.got, c.want)
		}
	}
}
