package jsonl_test

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/analyzers/flowset/decode"
	"github.com/telltale-net/telltale/analyzers/flowset/jsonl"
)

func plainCell(xor []byte, flows, packets int, check uint64) string {
	return fmt.Sprintf(`{"xor":"%x","flows":%d,"packets":%d,"check":"%04x"}`, xor, flows, packets, check)
}

// Ways to hash that docs/datasets.md does not ask for are found by the cells.
func TestReadOtherHashes(t *testing.T) {
	flows := someFlows(200, 5)
	const cells = 131
	modulo := func(d []byte) uint64 { // all of a digest
		return new(big.Int).Mod(new(big.Int).SetBytes(d), big.NewInt(cells)).Uint64()
	}
	for name, g := range map[string]foreign{
		"first four bytes": {hash: "md5", index: func(i int, k []byte) uint64 {
			s := md5.Sum(append([]byte{byte(i)}, k...))
			return uint64(binary.BigEndian.Uint32(s[:]))
		}},
		"all of a digest": {hash: "sha256", index: func(i int, k []byte) uint64 {
			s := sha256.Sum256(append([]byte{byte(i)}, k...))
			return modulo(s[:])
		}},
		"words of one digest": {hash: "sha256", index: func(i int, k []byte) uint64 {
			s := sha256.Sum256(k)
			return uint64(binary.BigEndian.Uint32(s[4*i:]))
		}},
		"seeds in digits": {hash: "sha256", index: func(i int, k []byte) uint64 {
			s := sha256.Sum256(append([]byte(fmt.Sprint(i, ":")), k...))
			return binary.BigEndian.Uint64(s[:])
		}},
		"seeds that are not told": {hash: "splitmix64", index: func(i int, k []byte) uint64 { return splitmix(uint64(40_000+777*i), k) }},
		"an object":               {hash: `{}`, index: func(i int, k []byte) uint64 { return splitmix(uint64(1_000_000*(i+3)), k) }},
	} {
		g.subtables, g.cells, g.cell = 3, cells, plainCell
		text := g.write(flows)
		if name == "an object" {
			text = strings.Replace(text, `"hash":"{}"`, `"hash":{"name":"SplitMix64","seeds":[3000000,4000000,5000000]}`, 1)
		}
		all(t, name, text, flows)
	}
}

func all(t *testing.T, name, text string, flows map[[13]byte]int) {
	t.Helper()
	r := jsonl.NewReader(0)
	if err := r.Read("f", strings.NewReader(text)); err != nil || len(r.Tables) != 1 {
		t.Errorf("%s: not taken: %v %v", name, err, r.Problems)
		return
	}
	d := decode.Tables(r.Tables, decode.Options{})[0]
	if n := told(t, name, d, flows); n != len(flows) {
		t.Errorf("%s: %d of %d flows, %+v, %v", name, n, len(flows), d.Coverage, r.Notes)
	}
}

// told checks what was decoded and returns how many flows that is.
func told(t *testing.T, name string, d *flowset.Decoded, flows map[[13]byte]int) int {
	t.Helper()
	for i := range d.Len() {
		var k [13]byte
		d.Key(i).Append(k[:0], 13)
		if n, ok := d.Packets(i); flows[k] == 0 || ok && int(n) != flows[k] {
			t.Errorf("%s: flow %x has %d packets, want %d", name, k, n, flows[k])
		}
	}
	return d.Len()
}

// Without subtables, every function reaches every cell, two of a flow's the same one at times.
func TestReadPooled(t *testing.T) {
	flows := someFlows(60, 6)
	g := foreign{subtables: 1, cells: 127, hash: "splitmix64", cell: plainCell}
	type sum struct {
		xor            [13]byte
		flows, packets int
	}
	cells := make([]sum, g.cells)
	for k, n := range flows {
		for i := range 3 {
			c := &cells[splitmix(uint64(i), k[:])%127]
			for j := range k {
				c.xor[j] ^= k[j]
			}
			c.flows++
			c.packets += n
		}
	}
	var rows []string
	for i := range cells {
		rows = append(rows, fmt.Sprintf(`{"xor":"%x","flows":%d,"packets":%d}`, cells[i].xor, cells[i].flows, cells[i].packets))
	}
	all(t, "pooled", fmt.Sprintf(`{"node":"s1","subtables":3,"cells":127,"hash":"splitmix64","table":[%s]}`, strings.Join(rows, ",")), flows)
}

// Of functions that nobody knows, the flows that are alone in a cell are told, and no others.
func TestReadUnknownFunctions(t *testing.T) {
	flows := someFlows(200, 7)
	g := foreign{subtables: 3, cells: 200, hash: "mine", cell: plainCell, index: func(i int, k []byte) uint64 { return splitmix(uint64(i), append([]byte("salt"), k...)) }}
	text := g.write(flows)
	r := jsonl.NewReader(0)
	if err := r.Read("f", strings.NewReader(text)); err != nil || len(r.Tables) != 1 || len(r.Notes) == 0 {
		t.Fatalf("not taken: %v %v %v", err, r.Problems, r.Notes)
	}
	d := decode.Tables(r.Tables, decode.Options{})[0]
	n := told(t, "unknown", d, flows)
	if n < 120 || n > 190 || d.Coverage.Flows != 200 || int(d.Coverage.Decoded) != n {
		t.Errorf("%d of 200 flows, %+v", n, d.Coverage)
	}
	// Cells that were shuffled are no flow set of any functions: their flows recur, but not as chance has it.
	rows := strings.Split(text[strings.Index(text, `"table":[`)+9:], "},")
	rows[len(rows)-1] = strings.TrimSuffix(rows[len(rows)-1], "}]}\n")
	for i := range rows {
		if i%2 == 0 {
			rows[i] = `{"xor":"","flows":0,"packets":0,"check":"0000"`
		}
	}
	r = jsonl.NewReader(0)
	if err := r.Read("f", strings.NewReader(text[:strings.Index(text, `"table":[`)+9]+strings.Join(rows, "},")+"}]}\n")); err != nil {
		t.Fatal(err)
	}
	for _, d := range decode.Tables(r.Tables, decode.Options{}) {
		told(t, "damaged", d, flows)
	}
}

// An epoch without traffic needs no hash.
func TestReadEmpty(t *testing.T) {
	r := jsonl.NewReader(0)
	if err := r.Read("f", strings.NewReader(`{"node":"s1","subtables":2,"cells":3,"table":[{},{},{},{},{},{}]}`)); err != nil || len(r.Tables) != 1 {
		t.Fatalf("not taken: %v %v", err, r.Problems)
	}
	if d := decode.Tables(r.Tables, decode.Options{})[0]; d.Len() != 0 || d.Coverage != (flowset.Coverage{}) {
		t.Errorf("got %+v, want nothing", d.Coverage)
	}
}
