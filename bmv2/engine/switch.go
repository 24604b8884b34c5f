package engine

import (
	"math/rand/v2"
	"sync"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/hash"
	"github.com/telltale-net/telltale/bmv2/tm"
)

// DefaultDropPort is the egress_spec that means drop unless [Config] says otherwise.
const DefaultDropPort = 511

// Switch runs a program. It implements [device.Device].
//
// The data-plane methods (Receive, Next, Run) are called by one goroutine at a
// time; all others may be called at any time from any goroutine. Packets do not wait
// for writes (see gate); for what they change themselves they may find the control
// plane at it, for the time of an access or, of a batch with many such, of all.
type Switch struct {
	Control
	control sync.Mutex // of what the control plane alone changes, and of changes of views
	batch   *batch     // Atomically under way
	gate    gate
	front   uint32 // the view that the packet inside uses

	prog *Program
	tm   *tm.Manager[*packet]

	dropPort      uint64
	queuesPerPort int
	rng           *rand.Rand
	stale         *rand.PCG // garbage for headers that are not valid, nil = zeros

	tables    []*table
	profiles  []*profile // nil for none
	counters  [][]device.CounterValue
	meters    [][]meter
	registers []register
	hashes    []*hash.Hash // by calculation
	valueSets [][]ValueSetMember
	expanded  [2][][][]uint64 // by view: members as key words, by use in the parser

	groups [2]map[uint32]*device.MulticastGroup // by view
	clones [2]map[uint16]*device.CloneSession
	down   map[uint32]bool // ports that are not up
	rates  map[uint16]bool // ports with a line rate
	rated  bool            // there are any

	free    []*packet
	sent    *packet // transmitted, to be taken back: a list that only the data plane sees
	scratch []uint64
	key     []uint64
	hashed  []byte

	seen     Time // latest instant the data plane was at
	clock    func() Time
	packets  uint64 // made so far
	instant  Time   // when the last packet left its queue
	turns    int    // passes through pipelines since, or since the last packet received
	stats    Stats
	trace    *tracer
	onDigest func(Digest)
}

// register is a register array: cells of ⌈width/64⌉ words, the low word first.
type register struct {
	cells []uint64
	width int
	words int
}

// New returns a switch with the program's own entries and nothing else.
func New(p *Program, cfg Config) *Switch {
	if cfg.DropPort == 0 {
		cfg.DropPort = DefaultDropPort
	}
	cfg.QueuesPerPort = max(cfg.QueuesPerPort, 1)
	s := &Switch{
		prog: p, dropPort: uint64(cfg.DropPort), queuesPerPort: cfg.QueuesPerPort,
		tm:   tm.New[*packet](cfg.QueuesPerPort, cfg.QueueDepth),
		rng:  rand.New(rand.NewPCG(cfg.Seed, 0x7e117a1e)),
		down: map[uint32]bool{}, rates: map[uint16]bool{},
		clock: cfg.Now, scratch: make([]uint64, p.scratch), key: make([]uint64, max(p.keyWords, 1)),
		valueSets: make([][]ValueSetMember, len(p.spec.ValueSets)),
	}
	s.Control.sw = s
	for v := range s.groups {
		s.groups[v], s.clones[v] = map[uint32]*device.MulticastGroup{}, map[uint16]*device.CloneSession{}
		s.expanded[v] = make([][][]uint64, len(p.setUses))
	}
	if cfg.Stale != 0 {
		s.stale = rand.NewPCG(cfg.Stale, 0x57a1e)
	}
	for _, c := range p.spec.Counters {
		cells := 0
		if !c.Direct {
			cells = c.Size
		}
		s.counters = append(s.counters, make([]device.CounterValue, cells))
	}
	for _, m := range p.spec.Meters {
		cells := 0
		if !m.Direct {
			cells = m.Size
		}
		s.meters = append(s.meters, make([]meter, cells))
	}
	for _, r := range p.spec.Registers {
		words := (r.Width + 63) / 64
		s.registers = append(s.registers, register{make([]uint64, r.Size*words), r.Width, words})
	}
	for _, c := range p.calcs {
		s.hashes = append(s.hashes, newHash(c.algo, cfg.Seed))
	}
	for i := range p.spec.Profiles {
		pr := &profile{index: i, calc: p.selectors[i], members: map[uint32]*member{}, groups: map[uint32]*group{}}
		if pr.calc != nil {
			pr.hash = newHash(pr.calc.algo, cfg.Seed)
		}
		s.profiles = append(s.profiles, pr)
	}
	for _, t := range p.tables {
		s.tables = append(s.tables, s.newTable(t))
	}
	s.traceTo(cfg.Trace)
	return s
}

func newHash(algo string, seed uint64) *hash.Hash {
	h, err := hash.New(algo, seed)
	if err != nil {
		panic("BUG: an algorithm that compiled before: " + err.Error())
	}
	return h
}

// Program returns what the switch runs.
func (s *Switch) Program() *Program { return s.prog }

// Receive takes a packet in on a port, through ingress and to the queues. It
// copies what it keeps of pkt. Queue depths are exact when what is due at now has
// been [Switch.Run] before.
func (s *Switch) Receive(now Time, port uint16, pkt []byte) {
	s.ReceiveTagged(now, port, pkt, 0)
}

// ReceiveTagged is [Switch.Receive] of a packet with a tag, which its [Tx] and its
// events carry, and those of its copies.
func (s *Switch) ReceiveTagged(now Time, port uint16, pkt []byte, tag uint64) {
	s.enter()
	defer s.leave()
	s.recycle()
	s.seen, s.turns = max(s.seen, now), 0
	s.stats.Received++
	p := s.arrive(now, port, pkt)
	p.tag = tag
	if s.trace != nil {
		p.moves(EventReceive, port, 0, len(pkt))
	}
	s.ingress(p)
}

// Next says when the earliest queued packet may leave; false when nothing waits.
func (s *Switch) Next() (Time, bool) {
	s.enter()
	defer s.leave()
	return s.next()
}

func (s *Switch) next() (Time, bool) {
	t, ok := s.tm.Next()
	return Time(t), ok
}

// Run lets every packet leave that may leave at or before now, in the order of
// time, runs egress on it and gives out what is transmitted. Packets that
// recirculate go through ingress again at the instant they left the queue. out is
// called without the switch's lock held. What Run returns is what [Switch.Next] would.
func (s *Switch) Run(now Time, out func(Tx)) (next Time, waiting bool) {
	for {
		tx, p, next, waiting := s.step(now)
		more := waiting && next <= now
		if p != nil {
			came := s.stats.Received // counted by the goroutine that we are on
			out(tx)
			s.sent, p.next = p, s.sent
			more = more || s.stats.Received != came
		}
		if !more {
			return next, waiting
		}
	}
}

// step dequeues one packet; p is nil if it is not transmitted. It returns when the
// next one may leave.
func (s *Switch) step(now Time) (tx Tx, p *packet, next Time, waiting bool) {
	s.enter()
	defer s.leave()
	s.recycle()
	s.seen = max(s.seen, now)
	q, ok := s.tm.Dequeue(int64(now))
	if !ok {
		next, waiting = s.next()
		return Tx{}, nil, next, waiting
	}
	p = q.Item
	sent := s.depart(p, Time(q.At), q.Port, q.Priority, q.DeqDepth)
	bytes := 0
	if sent {
		tx = Tx{At: Time(q.At), Done: Time(q.Done), Port: q.Port, Tag: p.tag, Data: p.bytes()}
		bytes = len(tx.Data)
	}
	if s.rated && bytes != q.Bytes && s.rates[q.Port] {
		tx.Done = Time(s.tm.Sent(q.Port, q.At, bytes))
	}
	next, waiting = s.next()
	if !sent {
		return Tx{}, nil, next, waiting
	}
	s.stats.Transmitted++
	if s.trace != nil {
		p.moves(EventTransmit, q.Port, q.Priority, bytes)
	}
	return tx, p, next, waiting
}

// recycle takes back the packets whose bytes the callers of Run have seen.
func (s *Switch) recycle() {
	for p := s.sent; p != nil; p = s.sent {
		s.sent, p.next = p.next, nil
		s.release(p)
	}
}

// SetDigestSink sets who hears digests; nil for nobody. It is called while the
// switch is locked and must not call the switch.
func (s *Switch) SetDigestSink(f func(Digest)) {
	s.visit(func() { s.onDigest = f })
}
