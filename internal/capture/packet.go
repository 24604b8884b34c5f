package capture

import "github.com/telltale-net/telltale/internal/dissect"

// Packet is one frame as it was captured and the UDP datagram in it, if there is one.
type Packet struct {
	Datagram    Datagram // its Time and Position are set in any case
	HasDatagram bool
	Known       bool          // the link type is read: Start and Data are set
	Start       dissect.Start // what Data begins with
	Data        []byte        // from the first header that can be read on; good until the next call
}

// NextPacket sets p to the next frame, whatever it carries, and counts as
// [Reader.Next] does, which passes over frames without a datagram. Of text p is one
// datagram per line. It fails as Next does.
func (c *Reader) NextPacket(p *Packet) error {
	*p = Packet{}
	if c.format == Text {
		if err := c.nextLine(&p.Datagram); err != nil {
			return err
		}
		p.HasDatagram = true
		return nil
	}
	if err := c.next(&c.frame); err != nil {
		return err
	}
	c.stats.Frames++
	if p.HasDatagram = c.datagram(&p.Datagram); p.HasDatagram {
		c.stats.Datagrams++
	} else {
		p.Datagram = Datagram{Time: c.frame.time, Position: c.frame.position}
	}
	p.Start, p.Data, p.Known = network(c.frame.link, c.frame.data)
	return nil
}
