package port

import (
	"errors"
	"fmt"
	"strings"
)

// MaxFrame is the longest frame a driver takes or gives, bytes.
const MaxFrame = 1 << 16

// Driver is one port's way to the world. Receive is called by one goroutine, Send by
// one, Close by any, once.
type Driver interface {
	// Receive waits for the next frame; it is good until the next call. It returns
	// io.EOF when none will come any more, though frames may still be sent, and
	// ErrClosed after Close.
	Receive() ([]byte, error)
	// Send puts a frame out. It does not keep it. An error is about this frame.
	Send(frame []byte) error
	// Stats counts what the driver passed over.
	Stats() Stats
	// Close ends a Receive that waits, and writes out what is buffered.
	Close() error
}

// ErrClosed is what Receive returns after Close.
var ErrClosed = errors.New("port: closed")

// Stats counts frames that came in and could not be taken.
type Stats struct {
	Strangers uint64 // UDP: from another address than the remote one
	Oversize  uint64 // longer than MaxFrame, or merged by the kernel's segmentation offload
}

// Open makes a driver from its name, as the package comment has them.
func Open(name string) (Driver, error) {
	kind, arg, _ := strings.Cut(name, ":")
	var d Driver
	var err error
	switch kind {
	case "udp":
		d, err = openUDP(arg)
	case "veth":
		d, err = openInterface(arg)
	case "pcap":
		d, err = openPcap(arg)
	default:
		err = errors.New("want udp:LOCAL/REMOTE, veth:NAME or pcap:IN,OUT")
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open port %q: %w", name, err)
	}
	return d, nil
}
