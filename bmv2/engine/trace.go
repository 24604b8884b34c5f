package engine

import (
	"math/big"

	"github.com/telltale-net/telltale/bmv2/device"
)

// EventKind says what a packet met.
type EventKind uint8

// What happens to packets, and which parts of an [Event] say more.
const (
	EventReceive     EventKind = iota // Port, Value: bytes
	EventState                        // Name of the parser state entered
	EventParserError                  // Value: the error's number
	EventTable                        // Name, Hit, Key, Fields, Entry and Handle of a hit
	EventAction                       // Name, Args; Table, Hit, Member, Group where a table called it
	EventBranch                       // Name of the conditional, Hit: its outcome
	EventLog                          // Name: the format, Values, Text
	EventEnqueue                      // Port, Queue, Value: depth found
	EventDequeue                      // Port, Queue, Value: depth left
	EventClone                        // Value: the session, Hit: whether there is one
	EventDigest                       // Name of the list, Fields
	EventResubmit
	EventRecirculate
	EventDrop      // Name: why
	EventTransmit  // Port, Value: bytes
	EventChange    // Name: "parser", "deparser" or the action; Changes, never none
	EventChecksum  // Name of one that is wrong; Fields: the field as received, and as it should be
	EventMulticast // Value: the group, Hit: whether there is one
	EventCell      // Name of a register, counter or meter; Value: the index, Hit: whether it is in range; Fields: what is there now
)

var eventNames = [...]string{"receive", "state", "parser error", "table", "action", "branch", "log", "enqueue", "dequeue",
	"clone", "digest", "resubmit", "recirculate", "drop", "transmit", "change", "checksum", "multicast", "cell"}

func (k EventKind) String() string {
	if int(k) < len(eventNames) {
		return eventNames[k]
	}
	return "unknown event"
}

// Event is one step of a packet's walk. What it points to is valid only during
// the call and must not be changed.
type Event struct {
	Kind   EventKind
	At     Time
	Packet uint64 // the packet's number; a resubmitted or recirculated packet keeps its own
	Of     uint64 // of a clone or replica: the packet that it is a copy of, else 0
	Tag    uint64 // of [Switch.ReceiveTagged]
	Port   uint16
	Queue  int
	Name   string
	Hit    bool
	Value  uint64

	Key    []uint64      // the lookup key, in words as package match draws them
	Fields []NamedValue  // the same by field; what a digest carries
	Entry  *device.Entry // that was hit
	Handle uint64        // which insertion into the table it was, from 1; const entries come first

	Table         string // whose action it is, "" = called without a table
	Member, Group *uint32
	Args          [][]byte

	Changes []Change
	Values  []*big.Int
	Text    string // the message
}

// NamedValue is the value of a field: big-endian, ⌈width/8⌉ bytes, of a varbit
// field as long as it is.
type NamedValue struct {
	Name  string
	Value []byte
}

// Change is what became of a field. All fields of a header that became valid are
// told, with no Before; a header that became invalid is its ValidField alone.
type Change struct {
	Name          string // header.field
	Before, After []byte // as in [NamedValue]
}

// ValidField is what the validity of a header is called in a [Change]: one byte,
// 0 or 1.
const ValidField = "$valid$"

// SetTrace sets who sees every step of every packet from now on; nil for nobody.
// It is called while the switch is locked and must not call the switch.
func (s *Switch) SetTrace(tell func(Event)) {
	s.visit(func() { s.traceTo(tell) })
}

func (s *Switch) traceTo(tell func(Event)) {
	if s.trace = nil; tell != nil {
		s.trace = &tracer{sw: s, tell: tell, before: make([]uint64, s.prog.slots)}
	}
}
