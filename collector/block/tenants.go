package block

import (
	"encoding/binary"
	"math/bits"

	"github.com/telltale-net/telltale/collector/postcard"
)

// tenantTable numbers flows in order of appearance: a hash table with linear probing.
type tenantTable struct {
	list  []tenantCount
	slots []int32 // index in list, plus 1
}

type tenantCount struct {
	tenant
	records int
}

// reset empties the table and makes room for n flows.
func (t *tenantTable) reset(n int) {
	size := 1 << bits.Len(uint(2*n))
	if len(t.slots) != size {
		t.slots = make([]int32, size)
	} else {
		clear(t.slots)
	}
	t.list = t.list[:0]
}

// index returns the number of the record's flow and counts the record.
func (t *tenantTable) index(r *postcard.Record) int {
	h := flowHash(&r.Inner) + uint64(r.VNI)*0x9e3779b97f4a7c15 + uint64(r.FlowHash)
	mask := len(t.slots) - 1
	for i := int(h>>20) & mask; ; i = (i + 1) & mask {
		s := t.slots[i]
		if s == 0 {
			t.list = append(t.list, tenantCount{tenant: tenant{VNI: r.VNI, Hash: r.FlowHash, Inner: r.Inner}, records: 1})
			t.slots[i] = int32(len(t.list))
			return len(t.list) - 1
		}
		if k := &t.list[s-1]; k.Hash == r.FlowHash && k.VNI == r.VNI && same(&k.Inner, &r.Inner) {
			k.records++
			return int(s - 1)
		}
	}
}

// same is a == b, by words.
func same(a, b *postcard.Flow) bool {
	return sameAddr(&a.Src, &b.Src) && sameAddr(&a.Dst, &b.Dst) &&
		a.SrcPort == b.SrcPort && a.DstPort == b.DstPort && a.Proto == b.Proto
}

func sameAddr(a, b *postcard.Addr) bool {
	le := binary.LittleEndian
	return le.Uint64(a[:8]) == le.Uint64(b[:8]) && le.Uint64(a[8:]) == le.Uint64(b[8:])
}
