package flowset_test

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/telltale-net/telltale/analyzers/flowset"
)

// foreign writes a data set as somebody else would: with functions of their own, straight
// from bytes.
type foreign struct {
	subtables, cells int
	index            func(t int, key []byte) uint64
	check            func(key []byte) uint64
	hash             string
	cell             func(xor []byte, flows, packets int, check uint64) string
}

func (g foreign) write(flows map[[13]byte]int) string {
	type cell struct {
		xor            [13]byte
		flows, packets int
		check          uint64
	}
	table := make([]cell, g.subtables*g.cells)
	for k, n := range flows {
		for t := range g.subtables {
			c := &table[t*g.cells+int(g.index(t, k[:])%uint64(g.cells))]
			for i := range k {
				c.xor[i] ^= k[i]
			}
			c.flows++
			c.packets += n
			if g.check != nil {
				c.check ^= g.check(k[:])
			}
		}
	}
	var all []string
	for i := range table {
		c := &table[i]
		all = append(all, g.cell(c.xor[:], c.flows, c.packets, c.check))
	}
	return fmt.Sprintf(`{"node":"s1","epoch":7,"subtables":%d,"cells":%d,"hash":%q,"table":[%s]}`+"\n", g.subtables, g.cells, g.hash, strings.Join(all, ","))
}

func someFlows(n int, seed uint64) map[[13]byte]int {
	rng := rand.New(rand.NewPCG(seed, 0))
	out := map[[13]byte]int{}
	for range n {
		var k [13]byte
		binary.BigEndian.PutUint32(k[:], 0x0a000000|rng.Uint32()>>12)
		binary.BigEndian.PutUint32(k[4:], 0x0a000000|rng.Uint32()>>12)
		k[8] = 6
		binary.BigEndian.PutUint32(k[9:], rng.Uint32())
		out[k] = 1 + rng.IntN(100)
	}
	return out
}

func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// splitmix is docs/datasets.md's function, written down once more from the page.
func splitmix(seed uint64, key []byte) uint64 {
	const g = 0x9e3779b97f4a7c15
	var padded [16]byte
	copy(padded[:], key)
	d := uint64(0)
	for i := 0; i < len(padded); i += 8 {
		d = mix((d ^ binary.BigEndian.Uint64(padded[i:])) + g)
	}
	return mix(d ^ (seed+1)*g)
}

func be32(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }

func TestReadForeign(t *testing.T) {
	flows := someFlows(200, 3)
	plain := func(xor []byte, flows, packets int, check uint64) string {
		return fmt.Sprintf(`{"xor":"%x","flows":%d,"packets":%d,"check":"%04x"}`, xor, flows, packets, check)
	}
	crc := func(b ...[]byte) uint64 { return uint64(crc32.ChecksumIEEE(bytes.Join(b, nil))) }
	for name, g := range map[string]foreign{
		"page": {index: func(t int, k []byte) uint64 { return splitmix(256*9+uint64(t), k) }, check: func(k []byte) uint64 { return splitmix(256*9+3, k) & 0xffff }, hash: "splitmix64:seed=9"},
		"page crc32": {index: func(t int, k []byte) uint64 { return crc(be32(256*9+t), k) }, check: func(k []byte) uint64 { return crc(be32(256*9+3), k) & 0xffff },
			hash: "crc32:seed=9"},
		"upper, 0x, spaces": {index: func(t int, k []byte) uint64 { return splitmix(uint64(t), k) }, hash: " SplitMix64 ",
			cell: func(xor []byte, flows, packets int, _ uint64) string {
				return fmt.Sprintf(` { "xor" : "0X%X" , "packets":%d.0, "flows":"%d","more":[{"x":null}]}`, xor, packets, flows)
			}},
		"numbers without leading zeros": {index: func(t int, k []byte) uint64 { return splitmix(uint64(t), k) }, hash: "splitmix64", check: func(k []byte) uint64 { return splitmix(3, k) & 0xffff },
			cell: func(xor []byte, flows, packets int, check uint64) string {
				text := strings.TrimLeft(fmt.Sprintf("%x", xor), "0")
				if flows == 0 {
					return "{}"
				}
				return fmt.Sprintf(`{"xor":"%s","flows":%d,"packets":%d,"check":%d}`, text, flows, packets, check)
			}},
		"crc32, one byte of number before": {index: func(t int, k []byte) uint64 { return crc([]byte{byte(t)}, k) }, check: func(k []byte) uint64 { return crc(k) & 0xffff }, hash: "crc32"},
		"crc32, seeds listed":              {index: func(t int, k []byte) uint64 { return crc(be32(17*t+3), k) }, hash: "crc32:3,20,37"},
		"crc32, number after":              {index: func(t int, k []byte) uint64 { return crc(k, []byte{byte(t)}) }, check: func(k []byte) uint64 { return crc(k, []byte{255}) >> 16 }, hash: "crc32"},
		"md5 of a name nobody knows": {index: func(t int, k []byte) uint64 {
			s := md5.Sum(append([]byte{byte(t)}, k...))
			return binary.BigEndian.Uint64(s[:])
		}, hash: "h3"},
	} {
		g.subtables, g.cells = 3, 127
		if g.cell == nil {
			g.cell = plain
		}
		r := flowset.NewReader(0)
		if err := r.Read("f", strings.NewReader(g.write(flows))); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(r.Tables) != 1 {
			t.Errorf("%s: not taken: %v", name, r.Problems)
			continue
		}
		d := flowset.Decode(r.Tables, flowset.Options{})[0]
		if d.Len() != len(flows) || d.Coverage.Refused != 0 {
			t.Errorf("%s: %d of %d flows, %+v, %v", name, d.Len(), len(flows), d.Coverage, r.Notes)
		}
		for i := range d.Len() {
			var k [13]byte
			d.Key(i).Append(k[:0], 13)
			if n, _ := d.Packets(i); int(n) != flows[k] {
				t.Errorf("%s: flow %x has %d packets, want %d", name, k, n, flows[k])
			}
		}
		t.Log(name, r.Notes)
	}
}
