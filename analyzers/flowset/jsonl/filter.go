package jsonl

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/telltale-net/telltale/analyzers/flowset"
	"github.com/telltale-net/telltale/analyzers/flowset/hash"
)

// rawFilter is a filter as it stands.
type rawFilter struct {
	bits, hashes int64
	hash         string
	data         []byte
}

func (o *object) readFilter(s *stream) error {
	if c, err := s.next(); err == nil && c == 'n' { // null
		return s.skip(0)
	}
	f := &rawFilter{}
	o.filter = f
	return s.object(func(name string) (err error) {
		switch name {
		case "bits":
			f.bits, err = s.whole()
		case "hashes":
			f.hashes, err = s.whole()
		case "hash":
			f.hash, err = s.name()
		case "data":
			var b []byte
			if b, err = s.text(flowset.MaxFilterBits / 4 / 8); err == nil {
				if f.data, err = hex.DecodeString(strings.TrimPrefix(strings.ToLower(string(b)), "0x")); err != nil {
					o.wrong("filter.data", "got no bytes in hex: %v", err)
					err = nil
				}
			}
		default:
			err = s.skip(0)
		}
		return err
	})
}

// addFilter gives the table its filter.
func (o *object) addFilter(t *flowset.Table) string {
	f := o.filter
	h, err := hash.Parse(cmp.Or(f.hash, o.hash))
	if err != nil {
		var ok bool
		if h, ok = hash.Guess(cmp.Or(f.hash, o.hash)); !ok {
			if f.hash != "" {
				return err.Error()
			}
			h = t.Hash
		}
	}
	if f.bits == 0 {
		f.bits = int64(8 * len(f.data))
	}
	if f.bits < 0 || f.hashes < 0 {
		return fmt.Sprintf("got %d bits and %d hash functions", f.bits, f.hashes)
	}
	if f.bits > int64(8*len(f.data)) {
		return fmt.Sprintf("got %d bits and %d bytes of data", f.bits, len(f.data))
	}
	if err := f.fill(t, h); err != nil {
		return err.Error()
	}
	return ""
}

// fill gives the table the filter, with functions.
func (f *rawFilter) fill(t *flowset.Table, h hash.Family) (err error) {
	t.Filter, err = flowset.NewFilter(h, uint64(f.bits), int(f.hashes), t.KeyBytes)
	if err == nil {
		err = t.Filter.SetBytes(f.data)
	}
	return err
}
