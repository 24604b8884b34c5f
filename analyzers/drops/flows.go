package drops

import "github.com/telltale-net/telltale/analyzers"

// FlowState is what is known of one tenant flow, or of one service (a flow without
// its source port). Times are the collector's, ns; 0 where it never happened.
type FlowState struct {
	Key            analyzers.TenantFlow
	Delivered      uint64 // packets handed to the tenant's machine
	FirstDelivered int64
	LastDelivered  int64
	Dropped        uint64 // packets reported dropped, anywhere
	FirstDropped   int64
	LastDropped    int64

	seen  int64 // last touch
	hash  uint64
	begun int64 // first delivery that counts as history (after the warm-up)
	count uint64
}

const ways = 8

// flowTable is a set-associative table: a flow can be in any of the ways slots of the
// set its hash selects, and the least recently seen of them gives way. No lookup
// looks at more than ways slots whatever the input; nothing is allocated after new.
type flowTable struct {
	slots   []FlowState // sets × ways; hash 0 = free
	n       int
	evicted uint64
}

// newFlowTable makes room for at least capacity flows (evictions begin earlier where
// a set overflows).
func newFlowTable(capacity int) *flowTable {
	sets := 1
	for sets*ways < capacity {
		sets *= 2
	}
	return &flowTable{slots: make([]FlowState, sets*ways)}
}

func (t *flowTable) set(hash uint64) []FlowState {
	sets := uint64(len(t.slots) / ways)
	i := (hash >> 32) & (sets - 1) * ways
	return t.slots[i : i+ways]
}

// get returns the state of key, or nil.
func (t *flowTable) get(key *analyzers.TenantFlow, hash uint64) *FlowState {
	set := t.set(hash)
	for i := range set {
		if set[i].hash == hash && set[i].Key == *key {
			return &set[i]
		}
	}
	return nil
}

// touch returns the state of key, made where it was not there.
func (t *flowTable) touch(key *analyzers.TenantFlow, hash uint64, now int64) *FlowState {
	set := t.set(hash)
	victim := &set[0]
	for i := range set {
		s := &set[i]
		if s.hash == hash && s.Key == *key {
			s.seen = now
			return s
		}
		if victim.hash != 0 && (s.hash == 0 || s.seen < victim.seen) {
			victim = s
		}
	}
	if victim.hash != 0 {
		t.evicted++
	} else {
		t.n++
	}
	*victim = FlowState{Key: *key, hash: hash, seen: now}
	return victim
}
