package match

import "math/bits"

// hmap is an open-addressing hash table from packed keys to int32, at most half
// full, with linear probing. Deleting shifts back what follows, so there are no
// tombstones.
type hmap[K words] struct {
	slots []slot[K] // a power of two, or none
	shift uint8     // 64 − log2(len(slots))
	n     int
}

type slot[K words] struct {
	key   K
	value int32
	used  bool
}

func (m *hmap[K]) get(k *K) (int32, bool) {
	if m.n == 0 {
		return 0, false
	}
	mask := uint64(len(m.slots) - 1)
	for i := hashKey(k) >> (m.shift & 63); ; i++ {
		s := &m.slots[i&mask]
		if !s.used {
			return 0, false
		}
		if s.key == *k {
			return s.value, true
		}
	}
}

// put adds or replaces.
func (m *hmap[K]) put(k *K, value int32) {
	if 2*(m.n+1) > len(m.slots) {
		m.grow()
	}
	mask := uint64(len(m.slots) - 1)
	i := hashKey(k) >> m.shift
	for m.slots[i&mask].used {
		if m.slots[i&mask].key == *k {
			m.slots[i&mask].value = value
			return
		}
		i++
	}
	m.slots[i&mask] = slot[K]{*k, value, true}
	m.n++
}

func (m *hmap[K]) grow() {
	old := m.slots
	size := max(8, 2*len(old))
	m.slots = make([]slot[K], size)
	m.shift = uint8(64 - bits.TrailingZeros(uint(size)))
	m.n = 0
	for i := range old {
		if old[i].used {
			m.put(&old[i].key, old[i].value)
		}
	}
}

func (m *hmap[K]) del(k *K) {
	if m.n == 0 {
		return
	}
	mask := uint64(len(m.slots) - 1)
	i := hashKey(k) >> m.shift & mask
	for m.slots[i].key != *k || !m.slots[i].used {
		if !m.slots[i].used {
			return
		}
		i = (i + 1) & mask
	}
	for j := i; ; {
		j = (j + 1) & mask
		if !m.slots[j].used {
			break
		}
		home := hashKey(&m.slots[j].key) >> m.shift & mask
		if (j-home)&mask >= (j-i)&mask { // not between its home and j: the hole is
			m.slots[i] = m.slots[j]
			i = j
		}
	}
	m.slots[i] = slot[K]{}
	m.n--
}
