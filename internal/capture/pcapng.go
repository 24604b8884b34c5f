package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
)

// Block types of pcapng (draft-ietf-opsawg-pcapng).
const (
	sectionHeader  = 0x0a0d0d0a
	interfaceDesc  = 1
	packetObsolete = 2
	packetSimple   = 3
	packetEnhanced = 6

	byteOrderMagic = 0x1a2b3c4d
	maxInterfaces  = 1 << 12 // per section; more means a damaged or hostile file
)

// pcapng reads the block format. Every block is
//
//	type 32, total length 32, body (padded to 32 bits), total length 32
type pcapng struct {
	in         *input
	order      binary.ByteOrder
	interfaces []ngInterface
}

// ngInterface is what an interface description block says about its packets.
type ngInterface struct {
	link linkType
	snap uint32 // 0 = no limit
	// A timestamp counts units of 10^-resol s, or 2^-resol s with the top bit set.
	resol  uint8
	offset int64 // s to be added
}

func (p *pcapng) next(f *frame) error {
	number := f.position.Number + 1
	for {
		at := Position{Offset: p.in.offset, Number: number}
		kind, body, err := p.block(at)
		if err != nil {
			return err
		}
		switch kind {
		case sectionHeader:
			p.interfaces = p.interfaces[:0]
			continue
		case interfaceDesc:
			if err := p.addInterface(at, body); err != nil {
				return err
			}
			continue
		case packetEnhanced, packetSimple, packetObsolete:
		default:
			continue
		}
		*f = frame{position: at}
		if err := p.packet(kind, body, f); err != nil {
			return &Error{Position: at, Err: err}
		}
		return nil
	}
}

// block reads the next block and returns its type and body.
func (p *pcapng) block(at Position) (uint32, []byte, error) {
	h, err := p.in.take(8)
	if errors.Is(err, io.EOF) {
		return 0, nil, io.EOF
	}
	if err != nil {
		return 0, nil, fatal(at, "block header", len(h), 8, err)
	}
	if binary.BigEndian.Uint32(h) == sectionHeader {
		return p.section(at, [4]byte(h[4:8]))
	}
	if p.order == nil {
		panic("BUG: a pcapng stream is read that does not begin with a section header")
	}
	kind, total := p.order.Uint32(h), p.order.Uint32(h[4:])
	body, err := p.body(at, total, 8)
	return kind, body, err
}

// section reads the rest of a section header block, which tells its own byte order.
func (p *pcapng) section(at Position, total [4]byte) (uint32, []byte, error) {
	m, err := p.in.take(4)
	if err != nil {
		return 0, nil, fatal(at, "section header", len(m), 4, err)
	}
	switch {
	case binary.LittleEndian.Uint32(m) == byteOrderMagic:
		p.order = binary.LittleEndian
	case binary.BigEndian.Uint32(m) == byteOrderMagic:
		p.order = binary.BigEndian
	default:
		return 0, nil, &Error{Position: at, Fatal: true, Err: fmt.Errorf("section header: got byte order magic % x, want %x", m, byteOrderMagic)}
	}
	body, err := p.body(at, p.order.Uint32(total[:]), 12)
	if err == nil && len(body) >= 2 {
		if major := p.order.Uint16(body); major != 1 {
			err = &Error{Position: at, Fatal: true, Err: fmt.Errorf("cannot read pcapng version %d, want 1", major)}
		}
	}
	return sectionHeader, body, err
}

// body reads what is left of a block of a total length of which read bytes are
// taken already, and checks the length behind it.
func (p *pcapng) body(at Position, total uint32, read int) ([]byte, error) {
	if total < uint32(read)+4 || total > maxFrame+1024 || total%4 != 0 {
		return nil, &Error{Position: at, Fatal: true, Err: fmt.Errorf("block length: got %d, want a multiple of 4 between %d and %d", total, read+4, maxFrame+1024)}
	}
	n := int(total) - read
	b, err := p.in.take(n)
	if err != nil {
		return nil, fatal(at, "block", len(b)+read, int(total), err)
	}
	if again := p.order.Uint32(b[n-4:]); again != total {
		return nil, &Error{Position: at, Fatal: true, Err: fmt.Errorf("block length behind the block: got %d, want %d", again, total)}
	}
	return b[:n-4], nil
}

// addInterface reads: link type 16, reserved 16, snap length 32, options.
func (p *pcapng) addInterface(at Position, b []byte) error {
	if len(b) < 8 {
		return &Error{Position: at, Fatal: true, Err: fmt.Errorf("interface description: got %d bytes, want at least 8", len(b))}
	}
	if len(p.interfaces) == maxInterfaces {
		return &Error{Position: at, Fatal: true, Err: fmt.Errorf("interface descriptions: got more than %d in a section", maxInterfaces)}
	}
	i := ngInterface{link: linkType(p.order.Uint16(b)), snap: p.order.Uint32(b[4:]), resol: 6}
	const (
		optEnd      = 0
		optTsResol  = 9
		optTsOffset = 14
	)
	for o := b[8:]; len(o) >= 4; {
		code, n := p.order.Uint16(o), int(p.order.Uint16(o[2:]))
		o = o[4:]
		if code == optEnd || n > len(o) {
			break
		}
		switch {
		case code == optTsResol && n == 1:
			i.resol = o[0]
		case code == optTsOffset && n == 8:
			i.offset = int64(p.order.Uint64(o))
		}
		o = o[min((n+3)&^3, len(o)):]
	}
	p.interfaces = append(p.interfaces, i)
	return nil
}

// packet reads
//
//	enhanced  interface 32, time high 32, time low 32, captured 32, length 32, bytes
//	obsolete  interface 16, drops 16, time high 32, time low 32, captured 32, length 32, bytes
//	simple    length 32, bytes (of interface 0)
func (p *pcapng) packet(kind uint32, b []byte, f *frame) error {
	head := 20
	if kind == packetSimple {
		head = 4
	}
	if len(b) < head {
		return fmt.Errorf("packet block: got %d bytes, want at least %d", len(b), head)
	}
	var index, captured, length uint32
	var time uint64
	data := b[head:]
	switch kind {
	case packetSimple:
		length = p.order.Uint32(b)
		captured = length
		if len(p.interfaces) > 0 && p.interfaces[0].snap > 0 {
			captured = min(captured, p.interfaces[0].snap)
		}
	default:
		index = p.order.Uint32(b)
		if kind == packetObsolete {
			index = uint32(p.order.Uint16(b))
		}
		time = uint64(p.order.Uint32(b[4:]))<<32 | uint64(p.order.Uint32(b[8:]))
		captured, length = p.order.Uint32(b[12:]), p.order.Uint32(b[16:])
	}
	if int64(index) >= int64(len(p.interfaces)) {
		return fmt.Errorf("packet block: interface %d is not described, there are %d", index, len(p.interfaces))
	}
	if int64(captured) > int64(len(data)) {
		return fmt.Errorf("packet block: got %d bytes, want %d captured", len(data), captured)
	}
	i := p.interfaces[index]
	f.link, f.data, f.length = i.link, data[:captured], int(min(length, maxFrame))
	if kind != packetSimple {
		f.time = i.nanoseconds(time)
	}
	return nil
}

// maxSeconds bounds the seconds of a timestamp, so that its nanoseconds fit 63 bits.
const maxSeconds = 1 << 33

// nanoseconds converts a timestamp. One beyond the year 2242 is capped; a
// resolution that no clock has gives 0.
func (i *ngInterface) nanoseconds(t uint64) int64 {
	n := uint(i.resol & 0x7f)
	var seconds, nanos uint64
	switch binary := i.resol&0x80 != 0; {
	case binary && n < 64:
		seconds = t >> n
		hi, lo := bits.Mul64(t&(1<<n-1), 1e9)
		nanos = hi<<(64-n) | lo>>n
	case !binary && n < 20:
		unit := uint64(math.Pow10(int(n)))
		seconds = t / unit
		hi, lo := bits.Mul64(t%unit, 1e9)
		nanos, _ = bits.Div64(hi, lo, unit)
	}
	s := int64(min(seconds, maxSeconds)) + min(max(i.offset, -maxSeconds), maxSeconds)
	return min(max(s, 0), maxSeconds)*1e9 + int64(nanos)
}
