package window

import "time"

// mostRecords is how many records wait to be judged at most, whatever the window.
const mostRecords = 1 << 20

// Budget returns how many records must have room to wait for windows of a length at a
// rate of records a second, and the rate at which they have, where that would be too many.
func Budget(rate int, length time.Duration) (records, allowed int) {
	seconds := (length + joinWindow + 2*settle).Seconds() * 2 // a second may have more than the average
	if need := float64(rate) * seconds; need <= mostRecords {
		return max(int(need), 1), rate
	}
	return mostRecords, max(int(mostRecords/seconds), 1)
}
