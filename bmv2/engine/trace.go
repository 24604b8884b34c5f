package engine

// EventKind says what a packet met.
type EventKind uint8

// What happens to packets.
const (
	EventReceive     EventKind = iota // Port
	EventState                        // Name of the parser state entered
	EventParserError                  // Value: the error's number
	EventTable                        // Name, Hit, Key
	EventAction                       // Name, Args
	EventBranch                       // Name of the conditional, Hit: its outcome
	EventLog                          // Name: the format, Values
	EventEnqueue                      // Port, Value: depth found
	EventDequeue                      // Port, Value: depth left
	EventClone                        // Value: the session
	EventDigest                       // Name of the list
	EventResubmit
	EventRecirculate
	EventDrop     // Name: why
	EventTransmit // Port, Value: bytes
)

var eventNames = [...]string{"receive", "state", "parser error", "table", "action", "branch", "log", "enqueue", "dequeue",
	"clone", "digest", "resubmit", "recirculate", "drop", "transmit"}

func (k EventKind) String() string {
	if int(k) < len(eventNames) {
		return eventNames[k]
	}
	return "unknown event"
}

// Event is one step of a packet's walk. Its slices are valid only during the call.
type Event struct {
	Kind   EventKind
	At     Time
	Port   uint16
	Name   string
	Hit    bool
	Value  uint64
	Key    []uint64 // the lookup key, in words as package match draws them
	Args   [][]byte
	Values []uint64
}

// tracer gives events to whoever looks.
type tracer struct {
	sw   *Switch
	tell func(Event)
}

// SetTrace sets who sees every step of every packet from now on; nil for nobody.
// It is called while the switch is locked and must not call the switch.
func (s *Switch) SetTrace(tell func(Event)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.trace = nil; tell != nil {
		s.trace = &tracer{s, tell}
	}
}

func (t *tracer) table(tb *table, p *packet, entry int32) {
	t.tell(Event{Kind: EventTable, At: p.now, Name: tb.prog.spec.Name, Hit: entry >= 0, Key: p.sw.key[:tb.prog.words]})
}

// note reports an event if somebody looks.
func (p *packet) note(e Event) {
	if t := p.sw.trace; t != nil {
		e.At = p.now
		t.tell(e)
	}
}
