package match

// cache remembers what recent keys hit, so that the packets of a flow search a
// ternary table once. A key has two places, the more recently filled first;
// any insert or delete forgets everything.
type cache[K words] struct {
	slots []cacheSlot[K]
	epoch uint32 // of the rules; never 0
}

type cacheSlot[K words] struct {
	key   K
	epoch uint32 // 0 = empty
	rule  int32  // -1 = none is hit
}

// A table of more than fewRules rules has a cache of cacheSlots keys.
const (
	cacheBits  = 10
	cacheSlots = 1 << cacheBits
)

// get returns what the key hit.
func (c *cache[K]) get(k *K) (rule int32, ok bool) {
	i := hashKey(k) >> (64 - cacheBits) &^ 1 & (cacheSlots - 1)
	for _, i := range [2]uint64{i, i + 1} {
		if s := &c.slots[i]; s.key == *k && s.epoch == c.epoch {
			return s.rule, true
		}
	}
	return -1, false
}

// put remembers what a key hit that is not there.
func (c *cache[K]) put(k *K, rule int32) {
	i := hashKey(k) >> (64 - cacheBits) &^ 1 & (cacheSlots - 1)
	c.slots[i+1] = c.slots[i]
	c.slots[i] = cacheSlot[K]{*k, c.epoch, rule}
}

// changed forgets everything; the table now has n rules.
func (c *cache[K]) changed(n int) {
	switch {
	case n <= fewRules:
		c.slots = nil
	case c.slots == nil:
		c.slots = make([]cacheSlot[K], cacheSlots)
		c.epoch = 0
	}
	if c.epoch++; c.epoch == 0 {
		clear(c.slots)
		c.epoch = 1
	}
}
