package differ

import (
	"fmt"
	"slices"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
)

// count is what a counter has counted.
type count struct{ packets, bytes int64 }

func countOf(c *p4v1.CounterData) count { return count{c.GetPacketCount(), c.GetByteCount()} }

func (c count) String() string { return fmt.Sprintf("%d packets, %d bytes", c.packets, c.bytes) }

// counter is one counter of an array or a table, in the models and in the judge.
type counter struct {
	key    string
	models []count
	judge  count
}

// compareCounters compares the counters of one array. Where the models agree on all of
// them, so must the judge. Where they do not, packets count at an index, or hit an entry,
// that is undefined: the judge may have counted those anywhere, but must have counted all
// else, and not more packets in all than the models, or spare more.
func compareCounters(all []counter, spare int) (amiss []string, undefined int) {
	differ := func(c *counter) bool {
		return slices.ContainsFunc(c.models, func(m count) bool { return m != c.models[0] })
	}
	if !slices.ContainsFunc(all, func(c counter) bool { return differ(&c) }) {
		for _, c := range all {
			if c.judge != c.models[0] {
				amiss = append(amiss, fmt.Sprintf("%s: the model has counted %v, the judge %v", c.key, c.models[0], c.judge))
			}
		}
		return amiss, 0
	}
	totals := make([]int64, len(all[0].models))
	var judged int64
	for i := range all {
		c := &all[i]
		least := c.models[0]
		for k, m := range c.models {
			least = count{min(least.packets, m.packets), min(least.bytes, m.bytes)}
			totals[k] += m.packets
		}
		judged += c.judge.packets
		if c.judge.packets < least.packets || c.judge.bytes < least.bytes {
			amiss = append(amiss, fmt.Sprintf("%s: all models have counted at least %v, the judge %v", c.key, least, c.judge))
		} else if differ(c) || c.judge != c.models[0] {
			undefined++
		}
	}
	if most := slices.Max(totals) + int64(spare); judged > most {
		amiss = append(amiss, fmt.Sprintf("the models have counted at most %d packets in all, the judge %d", most, judged))
	}
	return amiss, undefined
}
