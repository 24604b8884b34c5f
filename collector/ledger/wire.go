package ledger

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net/netip"

	"github.com/klauspost/compress/zstd"
)

const (
	magic     = "TTL1"
	fixedSize = 8
	lineSize  = 4       // bytes of a line at the least, and more
	maxFrame  = 1 << 27 // bytes, decompressed
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Error says where a page is not one.
type Error struct {
	Offset int // in the page, or in its frame as decompressed
	What   string
}

func (e *Error) Error() string {
	return fmt.Sprintf("cannot read page of the ledger: byte %d: %s", e.Offset, e.What)
}

// Append appends the page to dst.
func (p *Page) Append(dst []byte) ([]byte, error) {
	u := binary.AppendUvarint
	b := binary.AppendVarint(nil, p.From)
	b = u(b, uint64(p.To-p.From))
	b = u(u(u(b, p.Kernel), p.Rejected), p.ShedLog)
	b = p.Others.append(b)
	b = u(b, uint64(len(p.Lines)))
	for i := range p.Lines {
		l := &p.Lines[i]
		src := unmapped(l.Source).AsSlice()
		b = append(append(b, byte(len(src))), src...)
		b = append(u(b, uint64(l.Node)), l.HwID, l.Version)
		b = l.Counts.append(b)
	}
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return dst, fmt.Errorf("cannot start zstd: %w", err)
	}
	at := len(dst)
	dst = append(append(dst, magic...), 0, 0, 0, 0)
	dst = z.EncodeAll(b, dst)
	binary.LittleEndian.PutUint32(dst[at+4:], crc32.Checksum(dst[at+fixedSize:], castagnoli))
	return dst, nil
}

func (c *Counts) append(b []byte) []byte {
	b = binary.AppendUvarint(b, c.Received)
	b = binary.AppendVarint(b, c.Lost)
	for _, v := range [...]uint64{c.Duplicates, c.Restarts, c.Reports, c.Skipped, c.Malformed, c.Records, c.Shed} {
		b = binary.AppendUvarint(b, v)
	}
	return b
}

// Read reads a page.
func Read(b []byte) (Page, error) {
	if len(b) < fixedSize || string(b[:4]) != magic {
		return Page{}, &Error{0, fmt.Sprintf("got %.8q, want magic %q", b, magic)}
	}
	if got, want := crc32.Checksum(b[fixedSize:], castagnoli), binary.LittleEndian.Uint32(b[4:]); got != want {
		return Page{}, &Error{4, fmt.Sprintf("got sum %08x, want %08x", got, want)}
	}
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxFrame), zstd.WithDecoderLowmem(true))
	if err != nil {
		return Page{}, fmt.Errorf("cannot start zstd: %w", err)
	}
	defer z.Close()
	frame, err := z.DecodeAll(b[fixedSize:], nil)
	if err != nil {
		return Page{}, &Error{fixedSize, err.Error()}
	}
	r := reader{b: frame}
	p := Page{From: r.signed()}
	p.To = p.From + int64(r.number())
	p.Kernel, p.Rejected, p.ShedLog = r.number(), r.number(), r.number()
	r.counts(&p.Others)
	n := r.number()
	if n > uint64(len(frame)-r.at)/lineSize {
		r.fail(fmt.Sprintf("got %d lines in %d bytes", n, len(frame)-r.at))
		n = 0
	}
	p.Lines = make([]Line, 0, n)
	for range n {
		var l Line
		r.line(&l)
		p.Lines = append(p.Lines, l)
	}
	if r.at != len(frame) {
		r.fail(fmt.Sprintf("%d bytes too many", len(frame)-r.at))
	}
	if p.To < p.From {
		r.fail(fmt.Sprintf("got a page from %d to %d", p.From, p.To))
	}
	if r.err != nil {
		return Page{}, r.err
	}
	return p, nil
}

// reader reads a frame. The first error sticks; afterwards everything is zero.
type reader struct {
	b   []byte
	at  int
	err error
}

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = &Error{r.at, what}
		r.at = len(r.b)
	}
}

func (r *reader) number() uint64 {
	v, n := binary.Uvarint(r.b[r.at:])
	if n <= 0 {
		r.fail("no number is here")
		return 0
	}
	r.at += n
	return v
}

func (r *reader) signed() int64 {
	v := r.number()
	return int64(v>>1) ^ -int64(v&1)
}

func (r *reader) bytes(n int) []byte {
	if n > len(r.b)-r.at {
		r.fail(fmt.Sprintf("got %d bytes, want %d", len(r.b)-r.at, n))
		return nil
	}
	r.at += n
	return r.b[r.at-n : r.at]
}

func (r *reader) line(l *Line) {
	size := r.bytes(1)
	if size == nil {
		return
	}
	if n := size[0]; n != 0 {
		a, ok := netip.AddrFromSlice(r.bytes(int(n)))
		if !ok {
			r.fail(fmt.Sprintf("got a source of %d bytes, want 0, 4 or 16", n))
			return
		}
		l.Source = unmapped(a)
	}
	node := r.number()
	if node > 1<<32-1 {
		r.fail(fmt.Sprintf("got node %d, want at most 2^32-1", node))
		return
	}
	l.Node = uint32(node)
	if b := r.bytes(2); b != nil {
		l.HwID, l.Version = b[0], b[1]
	}
	r.counts(&l.Counts)
}

func (r *reader) counts(c *Counts) {
	c.Received = r.number()
	c.Lost = r.signed()
	for _, v := range [...]*uint64{&c.Duplicates, &c.Restarts, &c.Reports, &c.Skipped, &c.Malformed, &c.Records, &c.Shed} {
		*v = r.number()
	}
}
