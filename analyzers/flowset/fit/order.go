package fit

import "github.com/telltale-net/telltale/analyzers/flowset"

// Order tells the two orders of fields in keys apart by where protocols stand.
func Order(t *flowset.Table) flowset.Order {
	at := map[int]int{flowset.KeyIPv4: 8, flowset.KeyIPv6: 32}[t.KeyBytes]
	if at == 0 {
		return flowset.ProtoThird
	}
	usual := func(p byte) bool { return p == 1 || p == 6 || p == 17 || p == 58 || p == 132 }
	third, last := 0, 0
	alone := plain(t).alone
	for i := range alone {
		var b [flowset.MaxKey]byte
		alone[i].k.Append(b[:0], flowset.MaxKey)
		if usual(b[at]) {
			third++
		}
		if usual(b[at+4]) {
			last++
		}
	}
	if len(alone) > 0 && last == len(alone) && third < len(alone) {
		return flowset.ProtoLast
	}
	return flowset.ProtoThird
}

// Filter reports whether the table's filter knows the flows that are alone in a cell.
func Filter(t *flowset.Table) bool {
	known := 0
	alone := plain(t).alone
	for i := range alone {
		if t.Filter.Has(alone[i].k) {
			known++
		}
	}
	return 10*known >= 9*len(alone)
}
