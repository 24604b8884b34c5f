package analyzequeue

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/telltale-net/telltale/analyzers/queue/records"
	"github.com/telltale-net/telltale/analyzers/queue/reident"
)

func read(inputs []Input, limit int) (*records.Trace, Summary, error) {
	var sum Summary
	r := records.NewReader(limit)
	for _, in := range inputs {
		plain, done, err := decompress(in.Reader)
		if err == nil {
			err = r.Read(in.Name, plain)
			done()
		}
		if err != nil {
			return nil, sum, fmt.Errorf("%s: %w", in.Name, err)
		}
	}
	t := r.Trace()
	sum.Problems = r.Problems
	sum.Records = t.Stats
	return t, sum, nil
}

// decompress looks at the first bytes: gzip, zstd, or neither.
func decompress(in io.Reader) (plain io.Reader, done func(), err error) {
	b := bufio.NewReaderSize(in, 1<<16)
	head, err := b.Peek(4)
	if err != nil && err != io.EOF {
		return nil, nil, fmt.Errorf("cannot read the data set: %w", err)
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, nil, fmt.Errorf("cannot unpack gzip: %w", err)
		}
		return z, func() { z.Close() }, nil
	case bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, nil, fmt.Errorf("cannot unpack zstd: %w", err)
		}
		return z, z.Close, nil
	}
	return b, func() {}, nil
}

// identify gives every packet an id of its own where the records have only 16-bit
// identifications, which repeat.
func (s *Summary) identify(t *records.Trace) (*records.Trace, error) {
	if !shortIDs(t) {
		return t, nil
	}
	links, err := reident.Link(t, reident.Config{})
	if err != nil {
		return nil, fmt.Errorf("cannot tell packets with the same id apart: %w", err)
	}
	t, err = links.Packets()
	if err != nil {
		return nil, fmt.Errorf("cannot tell packets with the same id apart: %w", err)
	}
	st := &links.Stats
	s.Notes = append(s.Notes, fmt.Sprintf("packet ids of 16 bits repeat: packets were told apart by flow, time and order, and numbered anew; %d records linked, %d of them by order, %d by exclusion", st.Linked(), st.Order, st.Knot))
	return t, nil
}

// shortIDs reports whether packet ids are of 16 bits and name several packets.
func shortIDs(t *records.Trace) bool {
	repeated, seen := 0, 0
	for i := range t.Queues {
		ids := make([]bool, reident.IDs)
		for _, p := range t.Queues[i].Packet {
			switch {
			case p == records.NoPacket:
			case p >= reident.IDs:
				return false
			default:
				seen++
				if ids[p] {
					repeated++
				}
				ids[p] = true
			}
		}
	}
	return repeated > seen/100
}
