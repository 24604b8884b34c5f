package engine

// Time is nanoseconds since the switch's epoch, on the caller's clock. Programs
// see microseconds.
type Time int64

// Config is what distinguishes a switch from others with the same program.
type Config struct {
	CPUPort       uint16 // noted for whoever asks: to the engine it is a port like others
	DropPort      uint16 // 0 = 511
	Seed          uint64 // of random()
	QueueDepth    int    // packets per queue, 0 = 64
	QueuesPerPort int    // 0 = 1

	// Stale is what the fields of headers hold that were never valid for a packet:
	// 0 for zeros, else a seed of garbage. Programs that read them are wrong, and
	// show it by behaving otherwise with another seed. (In simple_switch they hold
	// what an earlier packet left.)
	Stale uint64

	// Now tells the control plane's reads and writes the time, on the clock of
	// Receive and Run; it is called from any goroutine and must not call the switch. An
	// entry's idle time ends there. nil: at the latest instant that Receive or Run
	// were given, so that time stands still where no packets come.
	Now func() Time

	// Trace sees every step of every packet, as with [Switch.SetTrace].
	Trace func(Event)
}

// PortConfig is how a port drains.
type PortConfig struct {
	RateBps int64 // of the line, 0 = infinitely fast
	RatePps int64 // of each of its queues, 0 = unlimited
	Depth   int   // packets per queue, 0 = the switch's default
	Paused  bool  // nothing leaves until the next SetPort: the queues fill
	Latency Time  // the least time a packet spends in a queue
}

// QueueConfig is how one queue of a port drains.
type QueueConfig struct {
	RatePps int64 // 0 = unlimited
	Depth   int   // packets, 0 = the switch's default
}

// Tx is a packet leaving the switch.
type Tx struct {
	At   Time   // when it left the queue
	Done Time   // At plus the time to serialise it
	Port uint16 // where it leaves
	Tag  uint64 // what the packet, or the one it is a copy of, was received with
	Data []byte // valid only during the call
}

// Digest is what a program told the control plane with digest().
type Digest struct {
	At     Time
	Name   string   // of the list, as in P4Info
	ID     int      // of the learn list in the JSON
	Values [][]byte // big-endian, ⌈width/8⌉ bytes each; valid only during the call
}
