package jsonl

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"github.com/telltale-net/telltale/analyzers/flowset"
)

// Write writes the table as one line of a data set.
func Write(w io.Writer, t *flowset.Table) error {
	b := bufio.NewWriterSize(w, 1<<16)
	name, err := json.Marshal(t.Node)
	if err != nil {
		return fmt.Errorf("cannot write a flow set: %w", err)
	}
	what := "node"
	if t.IsDigest() {
		what = "segment"
	}
	fmt.Fprintf(b, `{%q:%s,"epoch":%d,"subtables":%d,"cells":%d,"key_bytes":%d,"check_bytes":%d,"hash":%q`,
		what, name, t.Epoch, t.Subtables, t.Cells, t.KeyBytes, t.CheckBytes, t.Hash.String())
	switch {
	case t.IsDigest():
		fmt.Fprintf(b, `,"end":%q`, t.Stage)
	case t.Stage != "":
		fmt.Fprintf(b, `,"stage":%q`, t.Stage)
	}
	if t.Neighbours != nil {
		names, err := json.Marshal(t.Neighbours)
		if err != nil {
			return fmt.Errorf("cannot write a flow set: %w", err)
		}
		fmt.Fprintf(b, `,"neighbours":%s`, names)
	}
	if f := t.Filter; f != nil {
		fmt.Fprintf(b, `,"filter":{"bits":%d,"hashes":%d,"hash":%q,"data":"%x"}`, f.Bits, f.Hashes, f.Hash.String(), f.Bytes())
	}
	b.WriteString(`,"table":[`)
	var line []byte
	var raw [flowset.MaxKey]byte
	for n := range t.Len() {
		key, flows, packets, check := t.Cell(n/t.Cells, n%t.Cells)
		line = line[:0]
		if n > 0 {
			line = append(line, ',')
		}
		line = append(line, `{"xor":"`...)
		line = hex.AppendEncode(line, key.Append(raw[:0], t.KeyBytes))
		line = append(line, '"')
		if t.IsDigest() {
			packets = int64(flows)
		} else {
			line = append(line, `,"flows":`...)
			line = strconv.AppendInt(line, int64(flows), 10)
		}
		line = append(line, `,"packets":`...)
		line = strconv.AppendInt(line, packets, 10)
		if t.CheckBytes > 0 {
			line = fmt.Appendf(line, `,"check":"%0*x"`, 2*min(4, t.CheckBytes), check)
		}
		line = append(line, '}')
		b.Write(line) // errors stay until Flush
	}
	b.WriteString("]}\n")
	if err := b.Flush(); err != nil {
		return fmt.Errorf("cannot write a flow set: %w", err)
	}
	return nil
}
