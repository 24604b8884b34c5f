package sequence

import "net/netip"

// Key names a stream: sequence numbers count "reports from a specific combination
// of (Node ID, hw_id)". The source is the address without the port, because
// devices put flow entropy into the port.
type Key struct {
	Source  netip.Addr
	Node    uint32
	HwID    uint8
	Version uint8 // of the report format: it decides the width of the numbers
}

// bits returns the width of the sequence numbers of a stream: 22 since version 2.0.
func (k Key) bits() int {
	if k.Version >= 2 {
		return 22
	}
	return 32
}

// Totals are the counts of a stream since it was first seen. Datagrams, Lost and
// Kinds are the accounts' own; the others are for the caller to add to.
type Totals struct {
	Datagrams uint64
	Lost      int64         // datagrams missing by their numbers
	Kinds     [Kinds]uint64 // datagrams by what their number meant
	Reports   uint64        // individual reports decoded to records
	Skipped   uint64        // individual reports of a type without a record
	Malformed uint64        // individual reports that could not be read
	Records   uint64        // made of the reports: one each, or one for every hop that a report tells of
	Shed      uint64        // records given up under overload
	Mark      uint8         // the caller's: how the stream is read. Not a count, and not added
}

// Add adds another stream's counts.
func (t *Totals) Add(o *Totals) {
	t.Datagrams += o.Datagrams
	t.Lost += o.Lost
	for i := range t.Kinds {
		t.Kinds[i] += o.Kinds[i]
	}
	t.Reports += o.Reports
	t.Skipped += o.Skipped
	t.Malformed += o.Malformed
	t.Records += o.Records
	t.Shed += o.Shed
}

// Limits bound what [Accounts] keep.
type Limits struct {
	Streams int   // the least recently heard stream beyond these is forgotten
	Bucket  int64 // ns of history that one bucket sums up
	Buckets int   // how many buckets of history a stream has
}

// Accounts keeps the streams of many sources in bounded memory. It is not safe for
// concurrent use.
type Accounts struct {
	limits  Limits
	index   map[Key]int32
	entries []entry
	newest  int32 // the ends of the list by last use; −1 = none
	oldest  int32

	retired Totals
	evicted uint64

	number     int64 // of the bucket of the last time …
	begin, end int64 // … which is from begin to before end
}

type entry struct {
	key          Key
	newer, older int32
	last         int64 // when last heard, the caller's clock
	since        int64 // number of the bucket in which first heard
	stream       Stream
	totals       Totals
	history      []bucket
	current      int // of history, used last
}

type bucket struct {
	number   int64 // time / Limits.Bucket
	received int64
	lost     int64 // may be below zero: late ones fill gaps of buckets before
}

// NewAccounts returns empty accounts. All limits must be positive.
func NewAccounts(l Limits) *Accounts {
	if l.Streams <= 0 || l.Bucket <= 0 || l.Buckets <= 0 {
		panic("BUG: limits of sequence accounts must be positive")
	}
	return &Accounts{limits: l, index: make(map[Key]int32), newest: -1, oldest: -1}
}

// Observe books one datagram that arrived at now (ns) and returns what its number
// meant and the totals of its stream, for the caller to add to; the pointer is good
// until the next call.
func (a *Accounts) Observe(now int64, key Key, seq uint32) (Kind, *Totals) {
	number := a.bucketAt(now)
	e := a.entry(key, number)
	kind, lost := e.stream.Observe(seq)
	e.last = now
	e.totals.Datagrams++
	e.totals.Lost += lost
	e.totals.Kinds[kind]++
	if b := e.bucket(number); b != nil {
		b.lost += lost
		if kind != Duplicate {
			b.received++
		}
	}
	return kind, &e.totals
}

// Unnumbered books one datagram of a stream whose sequence numbers do not count: its
// loss is not known, and none is claimed.
func (a *Accounts) Unnumbered(now int64, key Key) *Totals {
	number := a.bucketAt(now)
	e := a.entry(key, number)
	e.last = now
	e.totals.Datagrams++
	if b := e.bucket(number); b != nil {
		b.received++
	}
	return &e.totals
}

// Shed books n records of a stream as given up.
func (a *Accounts) Shed(key Key, n uint64) {
	if i, ok := a.index[key]; ok {
		a.entries[i].totals.Shed += n
		return
	}
	a.retired.Shed += n
}

// bucketAt returns the number of the bucket of a time.
func (a *Accounts) bucketAt(now int64) int64 {
	if now < a.begin || now >= a.end {
		a.number = floorDiv(now, a.limits.Bucket)
		a.begin = a.number * a.limits.Bucket
		a.end = a.begin + a.limits.Bucket
	}
	return a.number
}

// bucket returns the bucket of that number, started anew where the ring held an
// older one; nil for a time that the ring has gone past.
func (e *entry) bucket(number int64) *bucket {
	if b := &e.history[e.current]; b.number == number {
		return b
	}
	n := int64(len(e.history))
	e.current = int(((number % n) + n) % n)
	b := &e.history[e.current]
	switch {
	case b.number < number:
		*b = bucket{number: number}
	case b.number > number:
		return nil
	}
	return b
}

func (a *Accounts) entry(key Key, number int64) *entry {
	if a.newest >= 0 && a.entries[a.newest].key == key {
		return &a.entries[a.newest]
	}
	i, ok := a.index[key]
	switch {
	case ok:
		a.unlink(i)
	case len(a.entries) < a.limits.Streams:
		i = int32(len(a.entries))
		a.entries = append(a.entries, entry{history: make([]bucket, a.limits.Buckets)})
		a.entries[i].open(key, number)
		a.index[key] = i
	default:
		i = a.oldest
		a.unlink(i)
		e := &a.entries[i]
		delete(a.index, e.key)
		a.retired.Add(&e.totals)
		a.evicted++
		e.open(key, number)
		a.index[key] = i
	}
	a.push(i)
	return &a.entries[i]
}

// open makes e the entry of a stream never heard of.
func (e *entry) open(key Key, number int64) {
	for i := range e.history {
		e.history[i] = bucket{number: -1 << 63}
	}
	*e = entry{key: key, since: number, stream: NewStream(key.bits()), history: e.history}
}

func (a *Accounts) push(i int32) {
	e := &a.entries[i]
	e.newer, e.older = -1, a.newest
	if a.newest >= 0 {
		a.entries[a.newest].newer = i
	}
	a.newest = i
	if a.oldest < 0 {
		a.oldest = i
	}
}

func (a *Accounts) unlink(i int32) {
	e := &a.entries[i]
	if e.newer >= 0 {
		a.entries[e.newer].older = e.older
	} else {
		a.newest = e.older
	}
	if e.older >= 0 {
		a.entries[e.older].newer = e.newer
	} else {
		a.oldest = e.newer
	}
}
