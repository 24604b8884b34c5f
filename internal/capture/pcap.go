package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	pcapHeader = 24
	pcapRecord = 16
)

// pcap reads the classic format:
//
//	file    magic 32, major 16, minor 16, 0 32, 0 32, snap length 32, link type 32
//	record  seconds 32, µs or ns 32, captured length 32, length on the wire 32, bytes
type pcap struct {
	in    *input
	order binary.ByteOrder
	unit  int64 // ns that one unit of the second time field is
	link  linkType
}

func newPCAP(in *input) (*pcap, error) {
	h, err := in.take(pcapHeader)
	if err != nil {
		return nil, fatal(Position{}, "file header", len(h), pcapHeader, err)
	}
	p := &pcap{in: in, order: binary.LittleEndian, unit: 1}
	if h[0] == 0xa1 {
		p.order = binary.BigEndian
	}
	if p.order.Uint32(h) == 0xa1b2c3d4 {
		p.unit = 1000
	}
	if major := p.order.Uint16(h[4:]); major != 2 {
		return nil, &Error{Fatal: true, Err: fmt.Errorf("cannot read pcap version %d, want 2", major)}
	}
	p.link = linkType(p.order.Uint32(h[20:]) & 0xffff)
	return p, nil
}

func (p *pcap) next(f *frame) error {
	at := Position{Offset: p.in.offset, Number: f.position.Number + 1}
	h, err := p.in.take(pcapRecord)
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	if err != nil {
		return fatal(at, "record header", len(h), pcapRecord, err)
	}
	captured := p.order.Uint32(h[8:])
	*f = frame{
		position: at,
		time:     int64(p.order.Uint32(h))*1e9 + int64(p.order.Uint32(h[4:]))*p.unit,
		link:     p.link,
		length:   int(min(p.order.Uint32(h[12:]), maxFrame)),
	}
	if captured > maxFrame {
		return &Error{Position: at, Fatal: true, Err: fmt.Errorf("captured length: got %d bytes, want at most %d", captured, maxFrame)}
	}
	if f.data, err = p.in.take(int(captured)); err != nil {
		return fatal(at, "frame", len(f.data), int(captured), err)
	}
	return nil
}

// fatal is the error of a stream that ends within something.
func fatal(at Position, what string, got, want int, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("the stream ends within a %s: got %d bytes, want %d", what, got, want)
	} else {
		err = fmt.Errorf("cannot read a %s: %w", what, err)
	}
	return &Error{Position: at, Fatal: true, Err: err}
}
