package journal

import (
	"fmt"
	"math"
)

const (
	slotLength   = int64(10e9) // ns
	bucketLength = 100 * slotLength

	// maxFilters is how many slots or buckets a reader names one by one.
	maxFilters = 100
)

// subject returns where a block whose first record was received at t lies. Blocks do
// not reach over the end of a slot.
func (j *Journal) subject(t int64) string {
	return fmt.Sprintf("%s.%d.%02d", j.cfg.Stream, floorDiv(t, bucketLength), floorDiv(t, slotLength)-100*floorDiv(t, bucketLength))
}

// slot returns the number of the slot that t falls into.
func slot(t int64) int64 { return floorDiv(t, slotLength) }

// pageSuffix ends the subjects of the ledger's pages, which else are those of blocks.
const pageSuffix = ".loss"

// filters returns the subjects of the blocks (or, with that suffix, of the pages) that
// can hold what was received from `from` to before `to`, 0 = open, as narrow as a few
// names allow.
func (j *Journal) filters(from, to int64, suffix string) []string {
	all := []string{j.cfg.Stream + ".*.*" + suffix}
	if from == 0 || to == 0 || to <= from {
		return all
	}
	var out []string
	if first, last := slot(from), slot(to-1); last-first < maxFilters {
		for s := first; s <= last; s++ {
			out = append(out, j.subject(s*slotLength)+suffix)
		}
		return out
	}
	first, last := floorDiv(from, bucketLength), floorDiv(to-1, bucketLength)
	if last-first >= maxFilters || first == math.MinInt64 {
		return all
	}
	for b := first; b <= last; b++ {
		out = append(out, fmt.Sprintf("%s.%d.*%s", j.cfg.Stream, b, suffix))
	}
	return out
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
