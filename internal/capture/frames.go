package capture

import (
	"errors"
	"fmt"
	"io"
)

// Frame is one packet as it was captured.
type Frame struct {
	Time     int64  // ns since 1970; 0 where the stream does not say (text)
	Data     []byte // from the Ethernet header on; good until the next call of NextFrame
	Missing  int    // bytes of the packet that the capture cut off
	Position Position
}

// NextFrame sets f to the next frame, whatever it carries, for those who want the
// packets and not the datagrams in them. Text holds one frame in hex per line. A
// capture of another link type than Ethernet is an [Error] at its first frame: there
// is no port such frames could enter. Otherwise it fails as [Reader.Next] does.
func (c *Reader) NextFrame(f *Frame) error {
	if c.format == Text {
		var d Datagram
		if err := c.nextLine(&d); err != nil {
			return err
		}
		*f = Frame{Data: d.Payload, Position: d.Position}
		return nil
	}
	if err := c.next(&c.frame); err != nil {
		if errors.Is(err, io.EOF) {
			return io.EOF
		}
		return err
	}
	c.stats.Frames++
	if c.frame.link != linkEthernet {
		return &Error{Position: c.frame.position, Fatal: true,
			Err: fmt.Errorf("link type: got %d, want %d (Ethernet)", c.frame.link, linkEthernet)}
	}
	*f = Frame{
		Time: c.frame.time, Data: c.frame.data, Position: c.frame.position,
		Missing: max(0, c.frame.length-len(c.frame.data)),
	}
	return nil
}
