// Package device is what a control plane may ask of a switch, as plain values.
//
// The embedded engine implements [Device]; the P4Runtime server (bmv2/p4rt) is
// its only caller besides tests and fault injection in the lab. Objects are
// named as the BMv2 JSON names them, which is the name in the P4Info preamble.
//
// Values travel as big-endian byte strings of exactly ⌈width/8⌉ bytes, unused
// high bits zero. Converting from and to P4Runtime's canonical byte strings,
// and from numeric ids, is the server's business.
package device

import (
	"errors"
	"fmt"
)

// The ways a request can fail. Errors returned by a [Device] wrap exactly one
// of them (errors.Is) and say what was asked, on which object, got and want.
var (
	ErrNotFound  = errors.New("not found")
	ErrExists    = errors.New("already exists")
	ErrInvalid   = errors.New("invalid argument")
	ErrExhausted = errors.New("resource exhausted")
	ErrInUse     = errors.New("in use")
	ErrConst     = errors.New("immutable") // const entries, const default actions
)

// MatchKind is how one key field of a table is matched.
type MatchKind uint8

// The match kinds of BMv2 JSON. p4c lowers "optional" to ternary.
const (
	Exact MatchKind = iota
	LPM
	Ternary
	Range
	Valid
)

func (k MatchKind) String() string {
	switch k {
	case Exact:
		return "exact"
	case LPM:
		return "lpm"
	case Ternary:
		return "ternary"
	case Range:
		return "range"
	case Valid:
		return "valid"
	}
	return fmt.Sprintf("MatchKind(%d)", uint8(k))
}

// Match is one key field of an entry; the field order is the table's key order.
// An all-zero Mask, a zero PrefixLen and a full range mean "don't care".
type Match struct {
	Kind      MatchKind
	Value     []byte // exact, lpm, ternary, valid (one byte, 0 or 1); low end of a range
	Mask      []byte // ternary
	High      []byte // range, inclusive
	PrefixLen int    // lpm
}

// Action is a call of a named action with its run-time arguments in order.
type Action struct {
	Name string
	Args [][]byte
}

// Target is what an entry does: exactly one of Action, Member or Group.
type Target struct {
	Action *Action
	Member *uint32 // action profile member id
	Group  *uint32 // action selector group id
}

// MeterConfig is a two-rate three-colour marker (RFC 2698), in tokens per
// second and tokens: packets or bytes, as the meter was declared.
type MeterConfig struct {
	CIR, CBurst, PIR, PBurst int64
}

// CounterValue counts packets and bytes; BMv2 counts both whatever the
// counter's declared type.
type CounterValue struct {
	Packets, Bytes uint64
}

// Entry is a table entry. Matches plus Priority are its identity; Priority is
// P4Runtime's (greater wins) and zero for tables without ternary or range keys.
type Entry struct {
	Matches     []Match
	Priority    int32
	Target      Target
	IdleTimeout int64 // ns, 0 = never
	Metadata    []byte
	Const       bool         // read only: declared in the program
	Counter     CounterValue // direct counter, when the table has one
	Meter       *MeterConfig // direct meter
	IdleFor     int64        // read only: ns since the last hit, or since it was inserted
	LastHit     int64        // read only: when that was, ns on the device's clock
}

// Member is an action profile member.
type Member struct {
	ID     uint32
	Action Action
}

// GroupMember is one bucket of a group. Weight is at least 1.
type GroupMember struct {
	Member    uint32
	Weight    int32
	WatchPort uint32 // meaningful if HasWatch: the bucket is skipped while that port is down
	HasWatch  bool
}

// Group is an action selector group.
type Group struct {
	ID      uint32
	MaxSize int32
	Members []GroupMember
}

// Replica is one copy made by a multicast group or clone session.
type Replica struct {
	Port     uint32
	Instance uint32 // egress_rid
}

// CloneSession is where clone() sends its copy.
type CloneSession struct {
	ID           uint32
	Replicas     []Replica
	ClassOfSvc   uint32
	PacketLength int32 // truncation in bytes, 0 = none
}

// MulticastGroup is a group of the packet replication engine.
type MulticastGroup struct {
	ID       uint32
	Replicas []Replica
}

// Device is one switch as its control plane sees it. It is safe for concurrent
// use, also while packets flow.
type Device interface {
	// Insert, Modify and Delete change one entry. Delete looks only at Matches and Priority.
	// Modify with a zero Counter leaves the direct counter as it is.
	Insert(table string, e Entry) error
	Modify(table string, e Entry) error
	Delete(table string, e Entry) error
	// Entries returns the table's entries, const ones included, in a stable order:
	// the order of insertion. Default entries are not among them.
	Entries(table string) ([]Entry, error)
	// SetDefault replaces the default target; nil restores the program's own.
	SetDefault(table string, t *Target) error
	Default(table string) (Target, error)

	InsertMember(profile string, m Member) error
	ModifyMember(profile string, m Member) error
	DeleteMember(profile string, id uint32) error
	Members(profile string) ([]Member, error) // by id

	InsertGroup(profile string, g Group) error
	ModifyGroup(profile string, g Group) error
	DeleteGroup(profile string, id uint32) error
	Groups(profile string) ([]Group, error) // by id

	// Indirect counters, meters and registers are arrays addressed by index.
	CounterSize(name string) (int, error)
	ReadCounter(name string, index int) (CounterValue, error)
	WriteCounter(name string, index int, v CounterValue) error
	// WriteDirectCounter sets the counter of one entry (identity as in Delete).
	WriteDirectCounter(table string, e Entry, v CounterValue) error
	MeterSize(name string) (int, error)
	ReadMeter(name string, index int) (*MeterConfig, error) // nil = unconfigured, always green
	WriteMeter(name string, index int, c *MeterConfig) error
	RegisterSize(name string) (int, error)
	ReadRegister(name string, index int) ([]byte, error)
	WriteRegister(name string, index int, v []byte) error

	SetMulticastGroup(g MulticastGroup) error // inserts or replaces
	DeleteMulticastGroup(id uint32) error
	MulticastGroups() []MulticastGroup // by id
	SetCloneSession(c CloneSession) error
	DeleteCloneSession(id uint32) error
	CloneSessions() []CloneSession // by id
}

// ValueSetMember is one value of a parser value set: the fields of the select key
// one behind the other without padding, big-endian, right-aligned in ⌈width/8⌉ bytes.
type ValueSetMember struct{ Value []byte }

// ValueSets is a [Device] that also lets its parser value sets be written.
type ValueSets interface {
	Device
	SetValueSet(name string, members []ValueSetMember) error // replaces all members
	ValueSet(name string) ([]ValueSetMember, error)
}

// Finder is a [Device] that finds one entry without listing the table.
type Finder interface {
	Device
	// Entry returns the entry with the identity of e, as Entries would, or ErrNotFound.
	Entry(table string, e Entry) (Entry, error)
}

// Atomic is a [Device] that can make several changes between two packets.
type Atomic interface {
	Device
	// Atomically calls f with the device as it will be. What f changes there, packets
	// see all at once when f returns, or not at all: f says whether it is to be kept.
	// If not, f has taken back what it changed; counters, meters and registers are then
	// as packets have made them meanwhile, whatever f wrote. f must not use the device
	// but what it is given, and not after it has returned. Packets are not held up;
	// calls by others may be.
	Atomically(f func(d Device) (keep bool))
}
