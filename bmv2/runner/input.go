package runner

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/telltale-net/telltale/internal/capture"
)

// textGap is the virtual time between the packets of a text, which has no times, ns.
const textGap = 1_000_000

// Input is a capture whose packets enter one port: pcap, pcapng, or text with a packet
// in hex per line.
type Input struct {
	Port uint16
	Name string // for errors
	R    io.Reader
}

// OpenInput opens PORT=FILE, or PORT=hex:DIGITS for a single packet. size is that of
// the file in bytes, 0 if that is not known.
func OpenInput(arg string) (in Input, size int64, close func() error, err error) {
	fail := func(err error) (Input, int64, func() error, error) {
		return Input{}, 0, nil, fmt.Errorf("cannot use input %q: %w", arg, err)
	}
	number, name, ok := strings.Cut(arg, "=")
	port, err := strconv.ParseUint(number, 10, 16)
	if !ok || err != nil || name == "" {
		return fail(errors.New("want PORT=FILE or PORT=hex:DIGITS with a port of 0 to 65535"))
	}
	in = Input{Port: uint16(port), Name: name}
	if digits, ok := strings.CutPrefix(name, "hex:"); ok {
		if _, err := hex.DecodeString(digits); err != nil {
			return fail(err)
		}
		in.Name, in.R = "hex", strings.NewReader(digits)
		return in, 0, func() error { return nil }, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return fail(err)
	}
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		size = info.Size()
	}
	in.R = f
	return in, size, f.Close, nil
}

// Packet is a packet about to enter a port.
type Packet struct {
	Time int64 // ns on the captures' clock
	At   int64 // ns after the first packet
	Port uint16
	Data []byte // good until the next call of Next
}

// Merged gives out the packets of several captures in the order of time; of packets at
// one instant, the input named first comes first.
type Merged struct {
	sources []*source
	last    *source // whose packet was given out
	base    int64   // time of the first packet
	begun   bool
}

// source is one capture with its next packet.
type source struct {
	in     Input
	r      *capture.Reader
	frame  capture.Frame
	done   bool
	last   int64
	late   uint64 // packets older than the one before them, which enter at its instant
	frames int64
}

// Merge begins to read captures.
func Merge(inputs []Input) (*Merged, error) {
	m := &Merged{}
	for _, in := range inputs {
		r, err := capture.NewReader(in.R)
		if err != nil {
			return nil, fmt.Errorf("cannot read input %s of port %d: %w", in.Name, in.Port, err)
		}
		s := &source{in: in, r: r}
		if err := s.advance(); err != nil {
			return nil, err
		}
		m.sources = append(m.sources, s)
	}
	return m, nil
}

func (s *source) advance() error {
	fail := func(err error) error {
		return fmt.Errorf("cannot read input %s of port %d: %w", s.in.Name, s.in.Port, err)
	}
	err := s.r.NextFrame(&s.frame)
	if errors.Is(err, io.EOF) {
		s.done = true
		return nil
	}
	if err != nil {
		return fail(err)
	}
	if s.frame.Missing > 0 {
		return fail(fmt.Errorf("%v: the capture cut off %d of %d bytes; want whole packets",
			s.frame.Position, s.frame.Missing, s.frame.Missing+len(s.frame.Data)))
	}
	if s.r.Format() == capture.Text {
		s.frame.Time = s.frames * textGap
	}
	s.frames++
	if s.frame.Time < s.last {
		s.frame.Time = s.last
		s.late++
	}
	s.last = s.frame.Time
	return nil
}

// Next sets p to the next packet. It returns io.EOF behind the last.
func (m *Merged) Next(p *Packet) error {
	if m.last != nil {
		if err := m.last.advance(); err != nil {
			return err
		}
	}
	m.last = nil
	for _, s := range m.sources {
		if !s.done && (m.last == nil || s.frame.Time < m.last.frame.Time) {
			m.last = s
		}
	}
	if m.last == nil {
		return io.EOF
	}
	if !m.begun {
		m.base, m.begun = m.last.frame.Time, true
	}
	*p = Packet{Time: m.last.frame.Time, At: m.last.frame.Time - m.base, Port: m.last.in.Port, Data: m.last.frame.Data}
	return nil
}

// late returns how many packets were older than one before them.
func (m *Merged) late() (n uint64) {
	for _, s := range m.sources {
		n += s.late
	}
	return n
}
