package match

import "math/bits"

// trie is a multibit trie over the bits of an lpm field of up to 32 bits, eight
// bits per level, the top level taking the most significant ones. A prefix lives
// in the node where its last bit falls, expanded to all slots it covers there;
// the longest of a node's prefixes wins a slot.
//
//	10.1.0.0/16    node 0: slot 10 ─► node: slot 1 = rule, /16
//	10.1.128.0/17                           slot 1 ─► node: slots 128…255 = rule, /17
//
// A lookup reads one slot per level and remembers the last rule it saw. An insert
// or delete rewrites the nodes on one path, at most 256 slots each, whatever the
// trie holds. Slots with nothing in them take no room: a node keeps a bitmap of
// the others, and how many there are before each word of it.
type trie struct {
	nodes   []trieNode // 0 is the root of a table without exact fields, never a child
	free    []int32
	lengths []uint8 // prefix length by handle
	width   int
}

// trieNode is one cache line; its slots are elsewhere.
type trieNode struct {
	used  [4]uint64 // bit i of word w: slot 64w+i is in slots
	rank  [4]uint8  // slots before each word
	slots []trieSlot
}

type trieSlot struct {
	child int32 // node, 0 = none
	rule  int32 // handle+1, 0 = none
}

func newTrie(width int) trie { return trie{nodes: make([]trieNode, 1), width: width} }

// depth is the level a prefix of that length lives on; length 0 lives on the top.
func depth(length int) int { return max(length-1, 0) / 8 }

func (t *trie) node() int32 {
	if n := len(t.free); n > 0 {
		i := t.free[n-1]
		t.free = t.free[:n-1]
		return i
	}
	t.nodes = append(t.nodes, trieNode{})
	return int32(len(t.nodes) - 1)
}

// lookup returns the handle of the longest prefix of v, or -1.
func (t *trie) lookup(root int32, v uint32) int32 {
	v <<= (32 - t.width) & 31
	found := int32(0)
	for node := root; ; v <<= 8 {
		n := &t.nodes[node]
		word, bit := v>>30, v>>24&63
		used := n.used[word]
		if used>>bit&1 == 0 {
			return found - 1
		}
		s := n.slots[int(n.rank[word])+bits.OnesCount64(used&(1<<bit-1))]
		if s.rule != 0 {
			found = s.rule
		}
		if s.child == 0 {
			return found - 1
		}
		node = s.child
	}
}

// open spreads a node's slots out.
func (n *trieNode) open(all *[256]trieSlot) {
	i := 0
	for w, used := range n.used {
		for ; used != 0; used &= used - 1 {
			all[64*w+bits.TrailingZeros64(used)] = n.slots[i]
			i++
		}
	}
}

// close replaces a node's slots.
func (n *trieNode) close(all *[256]trieSlot) {
	n.slots = n.slots[:0]
	for w := range n.used {
		n.used[w], n.rank[w] = 0, uint8(len(n.slots))
		for i, s := range all[64*w : 64*w+64] {
			if s != (trieSlot{}) {
				n.used[w] |= 1 << i
				n.slots = append(n.slots, s)
			}
		}
	}
}

func (n *trieNode) slot(i uint32) trieSlot {
	word, bit := i>>6, i&63
	if n.used[word]>>bit&1 == 0 {
		return trieSlot{}
	}
	return n.slots[int(n.rank[word])+bits.OnesCount64(n.used[word]&(1<<bit-1))]
}

func (n *trieNode) setSlot(i uint32, s trieSlot) {
	var all [256]trieSlot
	n.open(&all)
	all[i] = s
	n.close(&all)
}

// span is the slots a prefix covers in its node; v is what is left of it there,
// left-aligned.
func span(v uint32, length int) (from, to int) {
	from = int(v >> 24)
	return from, from + 1<<(8*(depth(length)+1)-length)
}

// insert adds a prefix that is not there.
func (t *trie) insert(root int32, v uint32, length int, handle int32) {
	for int(handle) >= len(t.lengths) {
		t.lengths = append(t.lengths, 0)
	}
	t.lengths[handle] = uint8(length)
	v <<= (32 - t.width) & 31
	node := root
	for range depth(length) {
		s := t.nodes[node].slot(v >> 24)
		if s.child == 0 {
			s.child = t.node()
			t.nodes[node].setSlot(v>>24, s)
		}
		node, v = s.child, v<<8
	}
	var all [256]trieSlot
	n := &t.nodes[node]
	n.open(&all)
	for i, to := span(v, length); i < to; i++ {
		if old := all[i].rule; old == 0 || int(t.lengths[old-1]) < length {
			all[i].rule = handle + 1
		}
	}
	n.close(&all)
}

// remove takes a prefix out. Where it showed, the rule instead (-1 for none)
// shows now; it must be the longest shorter prefix that covers the removed one in
// the same node. It says whether the root is now empty and, unless it is node 0,
// given back.
func (t *trie) remove(root int32, v uint32, length int, handle, instead int32) bool {
	v <<= (32 - t.width) & 31
	var path [4]struct {
		node int32
		slot uint32
	}
	node := root
	for d := range depth(length) {
		path[d].node, path[d].slot = node, v>>24
		node, v = t.nodes[node].slot(v>>24).child, v<<8
	}
	var all [256]trieSlot
	n := &t.nodes[node]
	n.open(&all)
	for i, to := span(v, length); i < to; i++ {
		if all[i].rule == handle+1 {
			all[i].rule = instead + 1
		}
	}
	n.close(&all)
	for d := depth(length); len(t.nodes[node].slots) == 0; d-- {
		if node != 0 {
			t.nodes[node] = trieNode{}
			t.free = append(t.free, node)
		}
		if d == 0 {
			return true
		}
		up := path[d-1]
		node = up.node
		s := t.nodes[node].slot(up.slot)
		s.child = 0
		t.nodes[node].setSlot(up.slot, s)
	}
	return false
}
