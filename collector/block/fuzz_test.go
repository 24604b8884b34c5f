package block

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"testing"

	"github.com/telltale-net/telltale/collector/postcard"
)

// FuzzDecode damages blocks behind a sum that holds.
func FuzzDecode(f *testing.F) {
	var enc Encoder
	for seed := range uint64(4) {
		b, err := enc.Append(nil, fabric(seed, 1+int(seed)*20, 3))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		b, err = enc.Append(nil, []postcard.Record{anything(rand.New(rand.NewPCG(seed, 0)))})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	var dec Decoder
	f.Fuzz(func(t *testing.T, b []byte) {
		b = bytes.Clone(b)
		if len(b) >= fixedSize {
			binary.LittleEndian.PutUint32(b[12:], crc32.Checksum(b[fixedSize:], castagnoli))
		}
		got, err := dec.Decode(nil, b, nil)
		if err != nil {
			if len(got) != 0 {
				t.Fatalf("got %d records along with the error %v", len(got), err)
			}
			return
		}
		var again Encoder
		again.Unit = 1
		c, err := again.Append(nil, got)
		if err != nil {
			t.Fatalf("what was decoded cannot be encoded: %v", err)
		}
		back, err := dec.Decode(nil, c, nil)
		if err != nil {
			t.Fatalf("what was encoded cannot be decoded: %v", err)
		}
		want := canonical(got)
		for i, r := range canonical(back) {
			if r != want[i] {
				t.Fatalf("record %d: got %+v, want %+v", i, r, want[i])
			}
		}
	})
}
