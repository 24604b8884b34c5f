package lab

import (
	"fmt"
	"io"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/telltale-net/telltale/topology"
)

const snapLen = 65535

// tap writes what passes a port.
type tap struct {
	w   *pcapgo.Writer
	err error // the first; nothing is written after it
}

// Tap writes every frame that a switch's port sends (when it starts to leave) or
// receives to w as pcap with nanoseconds of the lab's clock since 1970. The returned
// function ends it and returns the first error of writing. Several taps may be written
// at once, each by one goroutine at a time.
func (l *Lab) Tap(node string, port topology.Port, w io.Writer) (stop func() error, err error) {
	l.lock()
	defer l.unlock()
	at := topology.Endpoint{Node: node, Port: port}
	wire, err := l.sender(at)
	if err != nil {
		return nil, fmt.Errorf("cannot tap %s: %w", at, err)
	}
	t := &tap{w: pcapgo.NewWriterNanos(w)}
	if err := t.w.WriteFileHeader(snapLen, layers.LinkTypeEthernet); err != nil {
		return nil, fmt.Errorf("cannot tap %s: %w", at, err)
	}
	wire.taps = append(wire.taps, t)
	return func() error {
		l.lock()
		defer l.unlock()
		for i, x := range wire.taps {
			if x == t {
				wire.taps = append(wire.taps[:i:i], wire.taps[i+1:]...)
			}
		}
		if t.err != nil {
			return fmt.Errorf("cannot write the tap of %s: %w", at, t.err)
		}
		return nil
	}, nil
}

func (t *tap) write(at Time, b []byte) {
	if t.err != nil {
		return
	}
	t.err = t.w.WritePacket(gopacket.CaptureInfo{
		Timestamp: time.Unix(0, int64(at)), CaptureLength: len(b), Length: len(b),
	}, b)
}
