package p4rt

import (
	"errors"
	"time"

	p4configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"

	"github.com/telltale-net/telltale/bmv2/device"
)

// Config says what a [Server] serves.
type Config struct {
	// DeviceID is the device's id; not zero.
	DeviceID uint64

	// Load makes a device out of a P4Info and BMv2 JSON, empty and apart from the
	// running one: VERIFY loads and throws away, VERIFY_AND_SAVE loads and waits.
	// The P4Info has been held against the JSON. Its errors go to the client as
	// INVALID_ARGUMENT.
	Load func(info *p4configv1.P4Info, deviceConfig []byte) (device.Device, error)

	// Commit makes dev the device that packets flow through; nil if that needs no
	// more than Load. No write is under way during the call; it must not wait for a
	// goroutine that may be inside Tick.
	Commit func(dev device.Device) error

	// PacketOut injects a packet, packet_out header in front, on the CPU port. It
	// may keep the slice. nil refuses packet-outs with UNIMPLEMENTED.
	PacketOut func(packet []byte)

	// Now gives the wall clock for the timestamps of digests and idle
	// notifications, and for their timeouts. nil = time.Now.
	Now func() time.Time

	Limits Limits
}

// Limits bounds what clients can make the server hold. Zero fields take the default.
type Limits struct {
	MessageBytes int // greatest message received, default 64 MiB, at least 4 MiB
	Streams      int // open StreamChannels per role, default 16; Streams × Roles of all kinds
	Roles        int // roles ever seen, default 16
	OutboxItems  int // packet-ins and notifications waiting per stream, default 1024
	OutboxBytes  int // their payload, default 4 MiB
	ReadBatch    int // entities per ReadResponse, default 256

	// AtomicCells bounds how many counters, meters and registers one DATAPLANE_ATOMIC
	// batch may write, because packets wait for them; for all else they do not.
	// Default 1024, some 15 µs.
	AtomicCells int
}

const minMessageBytes = 4 << 20 // a P4Runtime server must not go below gRPC's default

func (l Limits) withDefaults() Limits {
	def := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	def(&l.MessageBytes, 64<<20)
	def(&l.Streams, 16)
	def(&l.Roles, 16)
	def(&l.OutboxItems, 1024)
	def(&l.OutboxBytes, 4<<20)
	def(&l.ReadBatch, 256)
	def(&l.AtomicCells, 1024)
	l.MessageBytes = max(l.MessageBytes, minMessageBytes)
	return l
}

func (c *Config) check() error {
	switch {
	case c.DeviceID == 0:
		return errors.New("p4rt: device id 0 is not valid")
	case c.Load == nil:
		return errors.New("p4rt: Config.Load is missing")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Limits = c.Limits.withDefaults()
	return nil
}
