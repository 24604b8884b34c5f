package lab

import (
	"slices"
	"sync"
)

// maxPacketOuts is how many packet-outs of all controllers may wait for the lab's
// time to go on.
const maxPacketOuts = 4096

// inbox is where the P4Runtime servers leave what concerns the lab. Servers never
// take the lab's own lock: a lab in the middle of a run calls into servers, and both
// would wait for each other.
type inbox struct {
	mu       sync.Mutex
	letters  []letter
	outs     int // packet-outs here and in the event queue
	shedOuts map[*node]uint64
}

// letter is a new pipeline for a node, or a packet-out.
type letter struct {
	node *node
	pipe *pipeline
	out  *packet
}

// commit leaves a pipeline. One that was left before and never put to work is
// forgotten.
func (l *Lab) commit(n *node, p *pipeline) {
	x := &l.inbox
	x.mu.Lock()
	defer x.mu.Unlock()
	x.letters = slices.DeleteFunc(x.letters, func(m letter) bool { return m.node == n && m.pipe != nil })
	x.letters = append(x.letters, letter{node: n, pipe: p})
	l.nudge()
}

// packetOut leaves a packet-out, which it keeps.
func (l *Lab) packetOut(n *node, b []byte) {
	x := &l.inbox
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.outs >= maxPacketOuts {
		x.shedOuts[n]++
		return
	}
	x.outs++
	x.letters = append(x.letters, letter{node: n, out: &packet{data: b}})
	l.nudge()
}

// lock takes the lab and whatever has been left for it.
func (l *Lab) lock() {
	l.mu.Lock()
	l.inbox.mu.Lock()
	defer l.inbox.mu.Unlock()
	for i, m := range l.inbox.letters {
		if m.pipe != nil {
			l.install(m.node, m.pipe, m.pipe)
			l.startTicks(m.node, m.pipe.ticks)
		} else {
			m.node.stats.PacketOuts++
			m.node.part.queue.push(event{at: l.now, rank: evPacketOut | rank(m.node.ref), pkt: m.out})
		}
		l.inbox.letters[i] = letter{}
	}
	l.inbox.letters = l.inbox.letters[:0]
}

func (l *Lab) unlock() { l.mu.Unlock() }

// inject takes a packet-out into its switch.
func (p *part) inject(n *node, b []byte) {
	x := &p.lab.inbox
	x.mu.Lock()
	x.outs--
	x.mu.Unlock()
	p.receive(n, CPUPort, b)
}
