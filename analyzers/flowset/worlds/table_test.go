package worlds

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// place is where and when packets are counted.
type place struct {
	node, stage string
	epoch       uint64
}

type cell struct {
	xor            []byte
	flows, packets uint64
	check          uint64
}

// table is an encoded flow set.
type table struct {
	place
	k          int
	cells      uint64 // in each subtable, or in all if the scheme is whole
	of         *scheme
	at         []cell
	neighbours []string
	bits       []byte // filter
	nbits      uint64
	nhash      int
	hidden     int // flows the filter kept out
}

// index is the cell of a flow's n-th function.
func (t *table) index(n int, key []byte) uint64 {
	if t.of.whole {
		return t.of.cell(n, key, t.cells)
	}
	return uint64(n)*t.cells + t.of.cell(n, key, t.cells)
}

// seen says whether the filter knows the key, and adds it if asked to.
func (t *table) seen(key []byte, add bool) bool {
	known := true
	for n := range t.nhash {
		b := t.of.bit(n, key, t.nbits)
		known = known && t.bits[b/8]>>(b%8)&1 == 1
		if add {
			t.bits[b/8] |= 1 << (b % 8)
		}
	}
	return known
}

// encode counts flows as a switch does; order is that in which they come.
func encode(at place, s *scheme, k int, cells uint64, order []flow, packets map[flow]uint64, filterBits uint64, filterHashes int) *table {
	t := &table{place: at, k: k, cells: cells, of: s, nbits: filterBits, nhash: filterHashes, bits: make([]byte, (filterBits+7)/8)}
	total := cells
	if !s.whole {
		total *= uint64(k)
	}
	t.at = make([]cell, total)
	for _, f := range order {
		n, ok := packets[f]
		if !ok {
			continue
		}
		key := f.key(s.order)
		fresh := t.nhash == 0 || !t.seen(key, true)
		if !fresh {
			t.hidden++
		}
		for i := range k {
			c := &t.at[t.index(i, key)]
			c.packets += n
			if fresh {
				t.toggle(c, key)
				c.flows++
			}
		}
	}
	return t
}

func (t *table) toggle(c *cell, key []byte) {
	if c.xor == nil {
		c.xor = make([]byte, len(key))
	}
	for i := range key {
		c.xor[i] ^= key[i]
	}
	if t.of.check != nil {
		c.check ^= t.of.check(key)
	}
}

// format is how a data set is written.
type format struct {
	upper, prefix, strip, decimal bool
	sparse                        string // "", "cell", "subtable"
	nested, noCells, pretty, gz   bool
	omitZero, files, shuffle      bool
	stringEpoch, floatNumbers     bool
	total                         bool // "cells" are those of all subtables
}

func (f *format) hex(b []byte) string {
	s := hex.EncodeToString(b)
	if f.strip {
		if s = strings.TrimLeft(s, "0"); s == "" {
			s = "0"
		}
	}
	if f.upper {
		s = strings.ToUpper(s)
	}
	if f.prefix {
		s = "0x" + s
	}
	return s
}

func (f *format) cell(b *bytes.Buffer, t *table, i int, c cell, keyLength int) {
	b.WriteByte('{')
	comma := ""
	put := func(name, value string) {
		fmt.Fprintf(b, "%s%q:%s", comma, name, value)
		comma = ","
	}
	switch f.sparse {
	case "cell":
		put("cell", strconv.Itoa(i))
	case "subtable":
		put("subtable", strconv.Itoa(i/int(t.cells)))
		put("cell", strconv.Itoa(i%int(t.cells)))
	}
	xor := c.xor
	if xor == nil {
		xor = make([]byte, keyLength)
	}
	number := func(n uint64) string {
		if f.floatNumbers {
			return strconv.FormatUint(n, 10) + ".0"
		}
		return strconv.FormatUint(n, 10)
	}
	empty := c.flows == 0 && c.packets == 0
	if !f.omitZero || !empty {
		put("xor", strconv.Quote(f.hex(xor)))
		put("flows", number(c.flows))
		put("packets", number(c.packets))
		if t.of.check != nil {
			if f.decimal {
				put("check", strconv.FormatUint(c.check, 10))
			} else {
				sum := make([]byte, t.of.length)
				for i := range sum {
					sum[i] = byte(c.check >> (8 * (t.of.length - 1 - i)))
				}
				put("check", strconv.Quote(f.hex(sum)))
			}
		}
	}
	b.WriteByte('}')
}

func (f *format) object(t *table, keyLength int) []byte {
	var b bytes.Buffer
	epoch := strconv.FormatUint(t.epoch, 10)
	if f.stringEpoch {
		epoch = strconv.Quote(epoch)
	}
	fmt.Fprintf(&b, `{"node":%q,"epoch":%s,"subtables":%d`, t.node, epoch, t.k)
	if t.stage != "" {
		fmt.Fprintf(&b, `,"stage":%q`, t.stage)
	}
	if !f.noCells || f.sparse != "" {
		cells := t.cells
		if f.total && !t.of.whole {
			cells *= uint64(t.k)
		}
		fmt.Fprintf(&b, `,"cells":%d`, cells)
	}
	if t.of.text != "" {
		fmt.Fprintf(&b, `,"hash":%q`, t.of.text)
	}
	if t.of.raw != "" {
		fmt.Fprintf(&b, `,"hash":%s`, t.of.raw)
	}
	b.WriteString(t.of.extra)
	if t.neighbours != nil {
		b.WriteString(`,"neighbours":[`)
		for i, n := range t.neighbours {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(strconv.Quote(n))
		}
		b.WriteByte(']')
	}
	if t.nhash > 0 {
		fmt.Fprintf(&b, `,"filter":{"bits":%d,"hashes":%d,"data":%q}`, t.nbits, t.nhash, hex.EncodeToString(t.bits))
	}
	b.WriteString(`,"table":[`)
	comma := false
	for i, c := range t.at {
		if f.nested && i%int(t.cells) == 0 {
			if i > 0 {
				b.WriteByte(']')
			}
			if comma {
				b.WriteByte(',')
			}
			b.WriteByte('[')
			comma = false
		}
		if f.sparse != "" && c.flows == 0 && c.packets == 0 {
			continue
		}
		if comma {
			b.WriteByte(',')
			if f.pretty {
				b.WriteString("\n  ")
			}
		}
		f.cell(&b, t, i, c, keyLength)
		comma = true
	}
	if f.nested {
		b.WriteByte(']')
	}
	b.WriteString("]}\n")
	return b.Bytes()
}

// write writes tables and links to files in dir and returns their names.
func (f *format) write(t *testing.T, rng *rand.Rand, dir string, tables []*table, links []string) []string {
	t.Helper()
	var objects [][]byte
	var names []string
	for _, table := range tables {
		length := 13
		for _, c := range table.at {
			if c.xor != nil {
				length = len(c.xor)
				break
			}
		}
		objects = append(objects, f.object(table, length))
		names = append(names, strings.ReplaceAll(table.node, "/", "_"))
	}
	if links != nil {
		quoted := make([]string, len(links))
		for i, l := range links {
			quoted[i] = strconv.Quote(l)
		}
		objects = append(objects, []byte(`{"links":[`+strings.Join(quoted, ",")+"]}\n"))
		names = append(names, "links")
	}
	if f.shuffle {
		rng.Shuffle(len(objects), func(i, j int) {
			objects[i], objects[j] = objects[j], objects[i]
			names[i], names[j] = names[j], names[i]
		})
	}
	content := map[string]*bytes.Buffer{}
	var files []string
	for i, o := range objects {
		name := "flowsets"
		if f.files {
			name = names[i]
		}
		name += ".jsonl"
		if f.gz {
			name += ".gz"
		}
		name = filepath.Join(dir, name)
		if content[name] == nil {
			content[name] = &bytes.Buffer{}
			files = append(files, name)
		}
		content[name].Write(o)
	}
	for name, b := range content {
		data := b.Bytes()
		if f.gz {
			var z bytes.Buffer
			w := gzip.NewWriter(&z)
			w.Write(data)
			w.Close()
			data = z.Bytes()
		}
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatalf("cannot write the data set: %v", err)
		}
	}
	return files
}
