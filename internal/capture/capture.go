// Package capture reads UDP datagrams from a stream: a pcap file, a pcapng file or
// text with one datagram in hex per line. It finds out which by itself, reads
// strictly forward and holds one frame at a time, so pipes work and memory does not
// grow with the stream.
//
//	pcap    micro- and nanoseconds, either byte order, version 2.x
//	pcapng  any number of sections and interfaces, either byte order; enhanced,
//	        simple and obsolete packet blocks; other blocks are passed over
//	text    hex digits, blanks between them allowed; empty lines and lines that
//	        start with # are passed over
//
// Frames may be Ethernet (VLAN tags, MPLS), raw IP, Linux cooked (both versions) or
// loopback. Frames that carry no UDP datagram are passed over and counted.
package capture

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
)

// maxFrame is the longest frame or line of text that is read, bytes. A length
// beyond it means a damaged file.
const maxFrame = 1 << 18

// Format is what a stream is written in.
type Format string

// The formats.
const (
	PCAP   Format = "pcap"
	PCAPNG Format = "pcapng"
	Text   Format = "text"
)

// Datagram is one UDP datagram.
type Datagram struct {
	Time     int64          // ns since 1970; 0 where the stream does not say (text)
	Src, Dst netip.AddrPort // zero where the stream does not say (text)
	Payload  []byte         // good until the next call of Next
	Missing  int            // bytes of the datagram that the capture cut off
	Position Position
}

// Position says where in a stream something is.
type Position struct {
	Offset int64 // of the frame's record, or the line, in bytes from the beginning
	Number int   // of the frame or the line, from 1
	Line   bool  // Number counts lines
}

func (p Position) String() string {
	if p.Line {
		return fmt.Sprintf("line %d", p.Number)
	}
	return fmt.Sprintf("frame %d at byte %d", p.Number, p.Offset)
}

// Stats count what a reader has met.
type Stats struct {
	Frames    int // frames or lines read, whatever came of them
	Datagrams int // given out
	NotUDP    int // frames without a UDP header
	Fragments int // frames with a part of a fragmented datagram
	Unknown   int // frames of a link type that is not read
}

// Skipped returns how many frames no datagram came of.
func (s Stats) Skipped() int { return s.NotUDP + s.Fragments + s.Unknown }

// Error says what of a stream could not be read, and where. Whether reading can go
// on behind it, its Fatal says.
type Error struct {
	Position Position
	Fatal    bool // the rest of the stream cannot be found
	Err      error
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("capture: %v: %v", e.Position, e.Err) }

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// Reader reads datagrams from a stream.
type Reader struct {
	format Format
	in     input
	next   func(*frame) error // the format's way to the next frame
	frame  frame
	stats  Stats
}

// frame is one packet as it was captured.
type frame struct {
	position Position
	time     int64
	link     linkType
	data     []byte
	length   int // on the wire; data may be shorter
}

// NewReader looks at the beginning of a stream and returns a reader for it. An empty
// stream is text without lines.
func NewReader(r io.Reader) (*Reader, error) {
	c := &Reader{in: input{r: bufio.NewReaderSize(r, 1<<16)}}
	magic, err := c.in.r.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("capture: cannot read the beginning: %w", err)
	}
	if len(magic) == 4 {
		switch binary.BigEndian.Uint32(magic) {
		case 0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1:
			c.format = PCAP
			p, err := newPCAP(&c.in)
			if err != nil {
				return nil, err
			}
			c.next = p.next
			return c, nil
		case sectionHeader:
			c.format = PCAPNG
			p := &pcapng{in: &c.in}
			c.next = p.next
			return c, nil
		}
	}
	for _, b := range magic {
		if b < 0x20 && b != '\t' && b != '\n' && b != '\r' || b > 0x7e {
			return nil, fmt.Errorf("capture: cannot tell the format: begins with % x; want pcap, pcapng, or hex text", magic)
		}
	}
	c.format = Text
	return c, nil
}

// Format returns what the stream is written in.
func (c *Reader) Format() Format { return c.format }

// Stats returns the counts so far.
func (c *Reader) Stats() Stats { return c.stats }

// Next sets d to the next datagram. It returns io.EOF at the end of the stream, and
// an [Error] where something cannot be read; unless that is Fatal, Next may be
// called again and goes on behind it.
func (c *Reader) Next(d *Datagram) error {
	if c.format == Text {
		return c.nextLine(d)
	}
	for {
		if err := c.next(&c.frame); err != nil {
			return err
		}
		c.stats.Frames++
		if c.datagram(d) {
			c.stats.Datagrams++
			return nil
		}
	}
}

// input is a stream that knows how far it has been read.
type input struct {
	r      *bufio.Reader
	offset int64
	buf    []byte
}

// take returns the next n bytes, good until the next call. It returns io.EOF when
// there is none left and io.ErrUnexpectedEOF when there are fewer.
func (in *input) take(n int) ([]byte, error) {
	if n > cap(in.buf) {
		in.buf = make([]byte, max(n, 2048))
	}
	b := in.buf[:n]
	m, err := io.ReadFull(in.r, b)
	in.offset += int64(m)
	if err != nil {
		return b[:m], err
	}
	return b, nil
}
