package jsonl_test

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/analyzers/flowset/decode"
	"github.com/telltale-net/telltale/analyzers/flowset/flowsettest"
	"github.com/telltale-net/telltale/analyzers/flowset/jsonl"
	"github.com/telltale-net/telltale/analyzers/flowset/loss"
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
		r := jsonl.NewReader(0)
		if err := r.Read("f", strings.NewReader(g.write(flows))); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(r.Tables) != 1 {
			t.Errorf("%s: not taken: %v", name, r.Problems)
			continue
		}
		d := decode.Tables(r.Tables, decode.Options{})[0]
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

// What is written is read back: tables, filters, and what is decoded of them.
func TestRoundTrip(t *testing.T) {
	e, err := flowsettest.New(flowsettest.Config{
		Tree: flowsettest.FatTree{K: 4}, FlowsPerNode: 90, Seed: 8, Epoch: 4, Cells: 30, CheckBytes: 3, FilterBits: 2001, FilterHashes: 9, Losses: 5,
	})
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	for i, table := range e.Tables {
		for _, n := range e.Tree.Neighbours(i) {
			table.Neighbours = append(table.Neighbours, e.Tree.Name(n))
		}
		if err := jsonl.Write(&text, table); err != nil {
			t.Fatal(err)
		}
	}
	r := jsonl.NewReader(0)
	if err := r.Read("f", iotest.OneByteReader(&text)); err != nil || r.Stats.Bad > 0 || len(r.Notes) > 0 {
		t.Fatal(err, r.Problems, r.Notes)
	}
	want := decode.Tables(e.Tables, decode.Options{})
	got := decode.Tables(r.Tables, decode.Options{})
	if len(got) != len(want) {
		t.Fatalf("got %d tables, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i].Coverage != want[i].Coverage || got[i].Node != want[i].Node || got[i].Epoch != 4 {
			t.Errorf("table %d: got %+v, want %+v", i, got[i].Coverage, want[i].Coverage)
		}
	}
}

// Bad objects are named by line and field, and the others are taken.
func TestReadProblems(t *testing.T) {
	const good = `{"node":"n%d","epoch":1,"subtables":1,"cells":2,"hash":"crc32","table":[{},{}]}`
	var text strings.Builder
	want := []string{}
	add := func(line, problem string) {
		fmt.Fprintln(&text, line)
		if problem != "" {
			want = append(want, fmt.Sprintf("f:%d: %s", strings.Count(text.String(), "\n"), problem))
		}
	}
	add(fmt.Sprintf(good, 1), "")
	add(`{"node":"a","epoch":1,"subtables":1,"cells":2,"hash":"crc32"}`, "table: got none, want cells")
	add(`{"epoch":1,"subtables":1,"cells":2,"hash":"crc32","table":[{},{}]}`, "node: got none, want a node's name")
	add(`{"node":"b","epoch":-1,"subtables":1,"cells":2,"hash":"crc32","table":[{},{}]}`, "epoch: got -1, want an epoch's number")
	add(`{"node":"b","subtables":9,"cells":1,"hash":"crc32","table":[{},{}]}`, "subtables: got 9, want 1 to 8")
	add(`{"node":"b","subtables":2,"cells":2,"hash":"crc32","table":[{},{},{}]}`, "table: got 3 cells, want 2 in each of 2 subtables")
	add(`{"node":"b","subtables":1,"cells":1,"hash":"crc32","table":[{"xor":"0g"}]}`, `table[0].xor: got "0g", want at most 40 bytes in hex`)
	add(`{"node":"b","subtables":1,"cells":9,"hash":"crc32","table":[{"cell":9}]}`, "table[0].cell: got 9, want less than 9")
	add(`{"node":"b","subtables":1,"cells":9,"hash":"crc32","table":[{"cell":3},{"cell":3}]}`, "table[1].cell: got 3 twice")
	add(`{"node":"b","subtables":1,"cells":1,"table":[{"packets":1.5}]}`, `got "1.5", want a whole number`)
	add(`{"node":"b","subtables":1,"cells":1,"table":[{"packets":1}}`, `malformed JSON: got '}', want ']'`)
	add(fmt.Sprintf(good, 1), "got another flow set of node n1 and epoch 1")
	add(`{"node":"b","subtables":1,"cells":50,"hash":"crc32","table":[{"cell":1,"xor":"0102","flows":1,"packets":1},{"cell":2,"xor":"0103","flows":1,"packets":1},{"cell":7,"xor":"0909","flows":1,"packets":1},{"cell":40,"xor":"0a09","flows":1,"packets":1}]}`,
		`hash: got "crc32", and flows alone in a cell are not where it puts them`)
	add(fmt.Sprintf(good, 2), "")
	r := jsonl.NewReader(0)
	if err := r.Read("f", strings.NewReader(text.String())); err != nil {
		t.Fatal(err)
	}
	if len(r.Tables) != 2 || int(r.Stats.Bad) != len(want) {
		t.Errorf("got %d tables and %d bad, want 2 and %d", len(r.Tables), r.Stats.Bad, len(want))
	}
	for i, p := range r.Problems {
		if i >= len(want) || !strings.HasPrefix(p.Error(), want[i]) {
			t.Errorf("got %s, want %s", p, want[min(i, len(want)-1)])
		}
	}
	if err := jsonl.NewReader(3).Read("f", strings.NewReader(text.String())); err == nil {
		t.Error("more cells than allowed were held")
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"node":"s1","epoch":7,"subtables":2,"cells":2,"hash":"crc32","table":[{"xor":"0a","flows":1,"packets":9,"check":"1f"},{},null,{"xor":"0X0A","flows":1,"packets":9}]}`))
	f.Add([]byte(`{"node":1,"subtables":1,"cells":4,"hash":"xxh64:seed=0x7,double","filter":{"bits":9,"hashes":2,"data":"ffff"},"table":[{"cell":3,"xor":"01","flows":-1,"packets":-4}]}`))
	f.Add([]byte(`{"links":["a>b"]} {"node":"\u0061","table":[[{}],[{}]],"stage":"ingress","neighbours":["x"],"seeds":[1,2,3]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := jsonl.NewReader(1000)
		if err := r.Read("f", bytes.NewReader(data)); err != nil {
			return
		}
		m := loss.NewMap(loss.Config{Links: r.Links})
		for _, d := range decode.Tables(r.Tables, decode.Options{Workers: 1}) {
			for i := range d.Len() {
				flowset.AppendFlow(nil, d.Key(i), d.KeyBytes, d.Order)
			}
			m.Epoch(d.Epoch, []*flowset.Decoded{d})
		}
	})
}
