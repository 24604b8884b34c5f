// Package dataset reads the files that the analyzers are given: plain, gzip or zstd, told
// apart by their first bytes, and only until the context ends. What is in them is the
// analyzers' own.
package dataset

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// Input is one file of a data set.
type Input struct {
	Name   string // for errors
	Reader io.Reader
}

// Read gives the unpacked file to a reader of it and returns that one's error, or why
// the file cannot be unpacked. The reader sees the context's error once that has ended.
func (in Input) Read(ctx context.Context, read func(name string, r io.Reader) error) error {
	b := bufio.NewReaderSize(stoppable{ctx, in.Reader}, 1<<16)
	head, err := b.Peek(4)
	if err != nil && err != io.EOF {
		return fmt.Errorf("cannot read data set %s: %w", in.Name, err)
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(b)
		if err != nil {
			return fmt.Errorf("cannot read data set %s: cannot unpack gzip: %w", in.Name, err)
		}
		defer z.Close()
		return read(in.Name, z)
	case bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return fmt.Errorf("cannot read data set %s: cannot unpack zstd: %w", in.Name, err)
		}
		defer z.Close()
		return read(in.Name, z)
	}
	return read(in.Name, b)
}

// stoppable is a reader that ends with the context.
type stoppable struct {
	ctx context.Context
	r   io.Reader
}

func (s stoppable) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(p)
}
