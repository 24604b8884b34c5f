package match

// trie is a multibit trie over the bits of an lpm field of up to 32 bits, eight
// bits per level, the top level taking the most significant ones. A prefix lives
// in the node where its last bit falls, expanded to all slots it covers there;
// the longest of a node's prefixes wins a slot.
//
//	10.1.0.0/16    node 0: slot 10 ─► node: slot 1 = rule, /16
//	10.1.128.0/17                           slot 1 ─► node: slots 128…255 = rule, /17
//
// A lookup reads one slot per level and remembers the last rule it saw. An insert
// or delete writes at most 256 slots per node on one path, whatever the trie
// holds. Nodes that empty are reused.
type trie struct {
	nodes []trieNode // 0 is the root of a table without exact fields, never a child
	free  []int32
	width int
}

type trieNode struct {
	slots  [256]trieSlot
	length [256]uint8 // prefix length of the slot's rule
	used   int        // slots with a rule or a child
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
		s := t.nodes[node].slots[v>>24]
		if s.rule != 0 {
			found = s.rule
		}
		if s.child == 0 {
			return found - 1
		}
		node = s.child
	}
}

// span is the slots a prefix covers in its node; v is what is left of it there,
// left-aligned.
func span(v uint32, length int) (from, to int) {
	from = int(v >> 24)
	return from, from + 1<<(8*(depth(length)+1)-length)
}

// insert adds a prefix that is not there.
func (t *trie) insert(root int32, v uint32, length int, handle int32) {
	v <<= (32 - t.width) & 31
	node := root
	for range depth(length) {
		i := v >> 24
		child := t.nodes[node].slots[i].child
		if child == 0 {
			child = t.node()
			n := &t.nodes[node]
			if n.slots[i].rule == 0 {
				n.used++
			}
			n.slots[i].child = child
		}
		node, v = child, v<<8
	}
	n := &t.nodes[node]
	for i, to := span(v, length); i < to; i++ {
		s := &n.slots[i]
		if s.rule != 0 && int(n.length[i]) > length {
			continue
		}
		if *s == (trieSlot{}) {
			n.used++
		}
		s.rule, n.length[i] = handle+1, uint8(length)
	}
}

// remove takes a prefix out. Where it showed, the rule instead (-1 for none), of
// length insteadLength, shows now; it must be the longest shorter prefix that
// covers the removed one in the same node. It says whether the root is now empty
// and, unless it is node 0, given back.
func (t *trie) remove(root int32, v uint32, length int, handle, instead int32, insteadLength int) bool {
	v <<= (32 - t.width) & 31
	var path [4]struct{ node, slot int32 }
	node := root
	for d := range depth(length) {
		i := v >> 24
		path[d].node, path[d].slot = node, int32(i)
		node, v = t.nodes[node].slots[i].child, v<<8
	}
	n := &t.nodes[node]
	for i, to := span(v, length); i < to; i++ {
		s := &n.slots[i]
		if s.rule != handle+1 {
			continue
		}
		s.rule, n.length[i] = instead+1, uint8(insteadLength)
		if *s == (trieSlot{}) {
			n.used--
		}
	}
	for d := depth(length); t.nodes[node].used == 0; d-- {
		if node != 0 {
			t.free = append(t.free, node)
		}
		if d == 0 {
			return true
		}
		node = path[d-1].node
		s := &t.nodes[node].slots[path[d-1].slot]
		s.child = 0
		if s.rule == 0 {
			t.nodes[node].used--
		}
	}
	return false
}
