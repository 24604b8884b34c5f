package lossradar

import (
	"cmp"
	"slices"
	"time"

	"github.com/telltale-net/telltale/analyzers/flowset"
)

// Cause is why packets were lost.
type Cause string

// The causes.
const (
	Congestion Cause = "congestion"
	Blackhole  Cause = "blackhole"
	Random     Cause = "random" // corruption
	Loop       Cause = "loop"   // TTL expired
	Unknown    Cause = "unknown"
)

// Rules are the classifier's constants; the zero Rules are the paper's.
type Rules struct {
	BurstLosses int           // 5: losses that make a burst
	BurstGap    time.Duration // 20 µs: the longest pause within one
	BurstRow    int           // 30: consecutive losses of a flow in a burst that are no congestion
	Row         int           // 5: consecutive losses of a flow outside bursts
	SYN         float64       // 0.9: share of SYNs that connections to a black hole consist of
	Bins        float64       // 0.5: share of equal stretches of time with losses, of as many as there are losses
}

func (r Rules) withDefaults() Rules {
	r.BurstLosses = cmp.Or(r.BurstLosses, 5)
	r.BurstGap = cmp.Or(r.BurstGap, 20*time.Microsecond)
	r.BurstRow = cmp.Or(r.BurstRow, 30)
	r.Row = cmp.Or(r.Row, 5)
	r.SYN = cmp.Or(r.SYN, 0.9)
	r.Bins = cmp.Or(r.Bins, 0.5)
	return r
}

// Classify says of every lost packet of a link why it was lost, in the order given. The
// packets are those of a stretch of time, 100 ms in the paper.
func Classify(lost []Packet, span time.Duration, rules Rules) []Cause {
	r := rules.withDefaults()
	causes := make([]Cause, len(lost))
	order := make([]int, 0, len(lost))
	for i := range lost {
		if lost[i].TTL == 0 {
			causes[i] = Loop
			continue
		}
		order = append(order, i)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(lost[a].At, lost[b].At) })
	var rest []int
	for from := 0; from < len(order); {
		to := from + 1
		for to < len(order) && lost[order[to]].At-lost[order[to-1]].At < r.BurstGap {
			to++
		}
		if to-from >= r.BurstLosses {
			burst(lost, order[from:to], causes, r)
		} else {
			rest = append(rest, order[from:to]...)
		}
		from = to
	}
	others(lost, rest, causes, span, r)
	return causes
}

// byFlow groups packets, in the order of their ids from the widest gap on: ids wrap.
func byFlow(lost []Packet, some []int) [][]int {
	groups := map[flowset.Key][]int{}
	var keys []flowset.Key
	for _, i := range some {
		k := lost[i].Key
		if groups[k] == nil {
			keys = append(keys, k)
		}
		groups[k] = append(groups[k], i)
	}
	out := make([][]int, 0, len(keys))
	for _, k := range keys {
		g := groups[k]
		slices.SortStableFunc(g, func(a, b int) int { return cmp.Compare(lost[a].ID, lost[b].ID) })
		widest, at := -1, 0
		for i := range g {
			gap := int(lost[g[i]].ID - lost[g[(i+len(g)-1)%len(g)]].ID)
			if gap > widest {
				widest, at = gap, i
			}
		}
		out = append(out, append(slices.Clone(g[at:]), g[:at]...))
	}
	return out
}

// rows calls fn with every row of consecutive ids.
func rows(lost []Packet, group []int, fn func(row []int)) {
	for from := 0; from < len(group); {
		to := from + 1
		for to < len(group) && lost[group[to]].ID == lost[group[to-1]].ID+1 {
			to++
		}
		fn(group[from:to])
		from = to
	}
}

func burst(lost []Packet, some []int, causes []Cause, r Rules) {
	groups := byFlow(lost, some)
	between := false // packets of a flow got through in between: a queue drops some
	for _, g := range groups {
		n := 0
		rows(lost, g, func([]int) { n++ })
		between = between || n > 1
	}
	for _, g := range groups {
		cause := Congestion
		if !between && len(g) > r.BurstRow {
			cause = Blackhole
		}
		for _, i := range g {
			causes[i] = cause
		}
	}
}

func others(lost []Packet, some []int, causes []Cause, span time.Duration, r Rules) {
	var rest []int
	for _, g := range byFlow(lost, some) {
		rows(lost, g, func(row []int) {
			if len(row) >= r.Row {
				for _, i := range row {
					causes[i] = Blackhole
				}
			} else {
				rest = append(rest, row...)
			}
		})
	}
	if len(rest) == 0 {
		return
	}
	syn := 0
	bins := make([]bool, len(rest))
	for _, i := range rest {
		if lost[i].SYN {
			syn++
		}
		bins[min(len(bins)-1, max(0, int(int64(lost[i].At%max(1, span))*int64(len(bins))/int64(max(1, span)))))] = true
	}
	full := 0
	for _, b := range bins {
		if b {
			full++
		}
	}
	cause := Unknown
	switch {
	case len(rest) > 1 && float64(syn) > r.SYN*float64(len(rest)):
		cause = Blackhole
	case len(rest) > 1 && float64(full) > r.Bins*float64(len(rest)):
		cause = Random
	}
	for _, i := range rest {
		causes[i] = cause
	}
}
