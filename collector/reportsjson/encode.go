package reportsjson

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/telltale-net/telltale/collector/report"
	"github.com/telltale-net/telltale/internal/capture"
)

// Output says what [Encode] writes.
type Output string

// The outputs.
const (
	HexLines Output = "hex"  // one datagram or frame per line
	PCAP     Output = "pcap" // Ethernet frames with nanoseconds
)

// EncodeOptions say how to write datagrams.
type EncodeOptions struct {
	Output Output

	// What a datagram has in a capture for want of its own addresses.
	Source, Destination netip.AddrPort
}

// Encoded counts what became of a stream of objects.
type Encoded struct {
	Objects   int
	Datagrams int // written
	Packets   int // data packets written
	Reports   int // individual reports in the datagrams
	Raw       int // of the datagrams, ones written from "datagram" as they were
	Skipped   int // objects that say what could not be read, and not of what
}

// String returns the counts as a line to read.
func (e Encoded) String() string {
	out := fmt.Sprintf("%d reports in %d datagrams from %d objects", e.Reports, e.Datagrams, e.Objects)
	for _, c := range []struct {
		n    int
		what string
	}{{e.Packets, "data packets"}, {e.Raw, "datagrams as they were"}, {e.Skipped, "objects without data"}} {
		if c.n > 0 {
			out += fmt.Sprintf(", %d %s", c.n, c.what)
		}
	}
	return out
}

// maxLine is the longest object that is read, bytes.
const maxLine = 4 << 20

// Encode reads objects as [Decode] writes them in the format JSON, one per line, and
// writes the datagrams and packets they were decoded from, until the end of the stream
// or until ctx is done. What Decode derives is derived again: lengths, flows, stacks.
//
// The datagrams are the same byte for byte, but for three things that the decoder
// forgives: the MD Length of Inner Only reports becomes 0, a reserved bit 0 always has
// its word, and up to three bytes behind the last report are gone. The error is of
// reading or writing, or names the line that says something that has no form on the
// wire.
func Encode(ctx context.Context, w io.Writer, r io.Reader, opt EncodeOptions) (Encoded, error) {
	e := encoder{opt: opt, out: bufio.NewWriterSize(w, 1<<16)}
	switch opt.Output {
	case HexLines:
	case PCAP:
		var err error
		if e.pcap, err = capture.NewWriter(e.out); err != nil {
			return Encoded{}, err
		}
	default:
		return Encoded{}, fmt.Errorf("cannot write datagrams: output: got %q, want %q or %q", opt.Output, HexLines, PCAP)
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	err := e.run(ctx, lines)
	return e.sum, errors.Join(err, e.out.Flush())
}

// encoder gathers the objects of one datagram and writes it when the next begins.
type encoder struct {
	opt  EncodeOptions
	out  *bufio.Writer
	pcap *capture.Writer
	enc  report.Encoder
	sum  Encoded

	number  int             // of the line at hand, from 1
	begun   int             // number of the first line of the datagram at hand
	first   line            // of the datagram at hand
	open    bool            // there is one
	raw     []byte          // the datagram as it was, where an object has it
	reports []report.Report // of the datagram at hand
	buf     []byte
}

func (e *encoder) run(ctx context.Context, lines *bufio.Scanner) error {
	for n := 1; lines.Scan(); n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		text := bytes.TrimSpace(lines.Bytes())
		if len(text) == 0 {
			continue
		}
		e.sum.Objects++
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			return fmt.Errorf("cannot encode line %d: %w", n, err)
		}
		e.number = n
		if err := e.object(&l); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("cannot read objects: %w", err)
	}
	return e.flush()
}

func (e *encoder) object(l *line) error {
	if l.Packet != 0 {
		if err := e.flush(); err != nil {
			return err
		}
		return e.failed(e.number, e.packet(l))
	}
	if !e.open || !l.continues(&e.first) {
		if err := e.flush(); err != nil {
			return err
		}
		e.first, e.begun, e.open = *l, e.number, true
	}
	if l.Datagram != "" {
		b, err := hex.DecodeString(l.Datagram)
		if err != nil {
			return e.failed(e.number, fmt.Errorf("datagram: %w", err))
		}
		e.raw = b
	}
	if l.Error != "" {
		if e.raw == nil {
			e.sum.Skipped++
		}
		return nil
	}
	r, err := l.report()
	if err != nil {
		return e.failed(e.number, err)
	}
	e.reports = append(e.reports, r)
	return nil
}

// flush writes the datagram at hand.
func (e *encoder) flush() error {
	if !e.open {
		return nil
	}
	e.open = false
	data, err := e.datagram()
	e.raw, e.reports = nil, e.reports[:0]
	if err != nil || data == nil {
		return e.failed(e.begun, err)
	}
	e.sum.Datagrams++
	return e.failed(e.begun, e.put(&e.first, data))
}

// failed says of which line err is.
func (e *encoder) failed(line int, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cannot encode line %d: %w", line, err)
}

// datagram returns the bytes of the datagram at hand, or nil where there are none.
func (e *encoder) datagram() ([]byte, error) {
	e.sum.Reports += len(e.reports)
	if e.raw != nil {
		e.sum.Raw++
		return e.raw, nil
	}
	if len(e.reports) == 0 {
		return nil, nil
	}
	g, err := e.first.group()
	if err != nil {
		return nil, err
	}
	if g.Version < report.Version {
		if len(e.reports) > 1 {
			return nil, fmt.Errorf("got %d reports in a datagram of version %d, want one", len(e.reports), g.Version)
		}
		e.buf, err = report.AppendLegacy(e.buf[:0], g, &e.reports[0])
		return e.buf, err
	}
	if err := e.enc.Reset(g); err != nil {
		return nil, err
	}
	for i := range e.reports {
		if err := e.enc.Add(&e.reports[i]); err != nil {
			return nil, err
		}
	}
	return e.enc.Bytes(), nil
}

func (e *encoder) packet(l *line) error {
	b, err := hex.DecodeString(l.FrameData)
	if err != nil {
		return fmt.Errorf("frame_data: %w", err)
	}
	switch l.FrameStart {
	case "", "ethernet":
	case "ipv4":
		b = append(capture.Ethernet(nil, 0x0800), b...)
	case "ipv6":
		b = append(capture.Ethernet(nil, 0x86dd), b...)
	default:
		return fmt.Errorf("frame_start: got %q, want ethernet, ipv4 or ipv6", l.FrameStart)
	}
	e.sum.Packets++
	return e.frame(l, b)
}

// put writes a datagram.
func (e *encoder) put(l *line, data []byte) error {
	if e.pcap == nil {
		return e.hex(data)
	}
	src, err := addrPort(l.Source, e.opt.Source)
	if err != nil {
		return fmt.Errorf("source: %w", err)
	}
	dst, err := addrPort(l.Destination, e.opt.Destination)
	if err != nil {
		return fmt.Errorf("destination: %w", err)
	}
	f, err := capture.UDP(nil, src, dst, data)
	if err != nil {
		return err
	}
	return e.frame(l, f)
}

func (e *encoder) hex(b []byte) error {
	e.out.Write(hex.AppendEncode(e.out.AvailableBuffer(), b))
	return e.out.WriteByte('\n') // bufio keeps the first error
}

// frame writes an Ethernet frame.
func (e *encoder) frame(l *line, b []byte) error {
	if e.pcap == nil {
		return e.hex(b)
	}
	at := int64(0)
	if l.Time != "" {
		t, err := time.Parse(time.RFC3339Nano, l.Time)
		if err != nil {
			return fmt.Errorf("time: %w", err)
		}
		at = t.UnixNano()
	}
	return e.pcap.Write(at, b)
}

func addrPort(s string, otherwise netip.AddrPort) (netip.AddrPort, error) {
	if s == "" {
		return otherwise, nil
	}
	return netip.ParseAddrPort(s)
}
