//go:build !race

package collector

// raceEnabled: the race detector makes sync.Pool drop things on purpose.
const raceEnabled = false
