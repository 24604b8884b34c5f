// Package sequence counts what did not arrive, from the sequence numbers of what
// did. It is pure: no clock, no lock, no goroutine; callers pass the time in.
//
// A [Stream] judges the numbers of one source ("Sequence Number … can be used to
// detect loss of telemetry reports", Telemetry Report Format v2.0, group header)
// modulo their width, with a window in which late numbers still count as arrived:
//
//	…  lost for good  │ window: a bit per number, arrived or missing │ next … ahead
//	                  └─ highest−Window+1                  highest ──┘
//
// A gap is counted as lost when it opens and taken back number by number when a
// late one fills it. A number that is neither in the window nor within MaxGap ahead
// is doubted: only when the one after it follows on from it does the stream believe
// it. It then is a restart of the source where the numbers went back or begin near
// zero, and otherwise a gap like any other. A doubted number that nothing follows
// is a stray. This is the probation of RFC 3550, appendix A.1, with a window added.
// Going back by no more than MaxGap, and not to near zero, takes not one number more
// but a window of them: datagrams spread over several sockets can come that late.
// A source that restarts after fewer numbers than the window is known by a run of
// duplicates that count up.
//
// What this cannot see: a source that restarts when its numbers are within MaxGap of
// their end (a gap is counted), and what was lost before the first and after the
// last number.
//
// [Accounts] keeps a bounded number of streams, and for each a short history, so
// that any conclusion can be shown with the loss of the time it rests on.
package sequence

// Window is how many numbers back a late one is still told from a duplicate.
const Window = 4096

// restartRun is how many duplicates in a row, counting up, are a restart.
const restartRun = 16

// MaxGap is the widest gap believed at once. Wider jumps need a second number.
const MaxGap = 1 << 16

// Kind is what a number meant for its stream.
type Kind uint8

// The kinds. All but Duplicate say that something new arrived.
const (
	First     Kind = iota // the first number of a stream
	Next                  // the one that was due
	Gap                   // ahead: numbers between were lost, or are late
	Late                  // one that was missing
	Duplicate             // one that had arrived
	Doubted               // far off; the next decides
	Restart               // the source began to count anew, with the number before this one
	Kinds                 // how many there are
)

var kindNames = [Kinds]string{"first", "next", "gap", "late", "duplicate", "doubted", "restart"}

func (k Kind) String() string {
	if k < Kinds {
		return kindNames[k]
	}
	return "unknown"
}

// Stream is the state of one source's numbers. Make it with [NewStream].
type Stream struct {
	mask    uint32
	started bool
	doubts  uint32 // doubted numbers in a row that follow on from each other …
	doubted uint32 // … from this one …
	latest  uint32 // … to this one
	highest uint32
	run     uint32              // duplicates in a row that counted up …
	dup     uint32              // … to this one
	seen    [Window / 64]uint64 // bit highest−i: number arrived
}

// NewStream returns a stream of numbers of the given width, 16…32 bits (the window
// must be small against the width).
func NewStream(bits int) Stream {
	if bits < 16 || bits > 32 {
		panic("BUG: sequence numbers must have 16 to 32 bits")
	}
	return Stream{mask: uint32(1<<bits - 1)}
}

// Observe takes the next number as it arrived and says what it meant and by how
// much the count of lost numbers changes: more by a gap, one less by a late one.
func (s *Stream) Observe(seq uint32) (Kind, int64) {
	seq &= s.mask
	if !s.started {
		s.start(seq)
		return First, 0
	}
	ahead := (seq - s.highest) & s.mask
	behind := (s.highest - seq) & s.mask
	switch {
	case ahead != 0 && ahead <= MaxGap && ahead <= s.mask/2:
		s.doubts, s.run = 0, 0
		return s.advance(seq, ahead)
	case behind < Window:
		s.doubts = 0
		if s.arrived(seq) {
			return s.duplicate(seq), 0
		}
		s.mark(seq)
		return Late, -1
	}
	return s.farOff(seq)
}

func (s *Stream) farOff(seq uint32) (Kind, int64) {
	if since := (seq - s.latest) & s.mask; s.doubts == 0 || since == 0 || since > Window {
		s.doubts, s.doubted, s.latest = 1, seq, seq
		return Doubted, 0
	}
	s.doubts++
	s.latest = seq
	need := uint32(2)
	if behind := (s.highest - s.doubted) & s.mask; behind <= MaxGap && s.doubted >= Window {
		need = Window
	}
	if s.doubts < need {
		return Doubted, 0
	}
	// So many in a row from over there: that is where the source is now. Those of
	// them that are missing are lost.
	from, between := s.doubted, int64((seq-s.doubted)&s.mask)-int64(s.doubts)+1
	kind, lost := Restart, int64(0)
	if ahead := (from - s.highest) & s.mask; ahead <= s.mask/2 && from >= Window {
		kind, lost = s.advance(from, ahead)
	} else {
		s.start(from)
	}
	if need > 2 { // too many to remember which: they count as arrived
		s.start(seq)
		return kind, lost + between
	}
	_, more := s.advance(seq, (seq-from)&s.mask)
	return kind, lost + more
}

func (s *Stream) duplicate(seq uint32) Kind {
	if seq != (s.dup+1)&s.mask {
		s.run = 0
	}
	s.run, s.dup = s.run+1, seq
	if s.run < restartRun {
		return Duplicate
	}
	s.start(seq)
	return Restart
}

// start begins anew at seq: what is in the window before it counts as arrived, so
// that no number from before the beginning is ever taken as late.
func (s *Stream) start(seq uint32) {
	s.started, s.doubts, s.run, s.highest = true, 0, 0, seq
	for i := range s.seen {
		s.seen[i] = ^uint64(0)
	}
}

// advance moves the window up to seq, which is ahead of highest by that much.
func (s *Stream) advance(seq, ahead uint32) (Kind, int64) {
	if ahead >= Window {
		s.seen = [Window / 64]uint64{}
	} else {
		for n := s.highest + 1; n != s.highest+ahead; n++ {
			s.clear(n & s.mask)
		}
	}
	s.highest = seq
	s.mark(seq)
	if ahead == 1 {
		return Next, 0
	}
	return Gap, int64(ahead) - 1
}

func (s *Stream) arrived(seq uint32) bool { return s.seen[seq%Window/64]&(1<<(seq%64)) != 0 }
func (s *Stream) mark(seq uint32)         { s.seen[seq%Window/64] |= 1 << (seq % 64) }
func (s *Stream) clear(seq uint32)        { s.seen[seq%Window/64] &^= 1 << (seq % 64) }
