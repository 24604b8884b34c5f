package metricstore

import (
	"errors"
	"fmt"
	"time"
)

// Config says where a store is and what it may use.
type Config struct {
	Dir       string
	Retention time.Duration // older samples go
	Memory    int64         // bytes that its caches may have
	Reserve   int64         // bytes that stay free on its disk, MinReserve at least; it takes nothing beyond
	Queries   int           // that run at one time; others wait up to 10 s
	Timeout   time.Duration // of a query
}

// MinReserve is how many bytes VictoriaMetrics needs to be left with: where a write fails
// it ends the process.
const MinReserve = 64 << 20

// DefaultConfig returns a good configuration but for Dir.
func DefaultConfig() Config {
	return Config{Retention: 31 * 24 * time.Hour, Memory: 256 << 20, Reserve: 1 << 30, Queries: 8, Timeout: 30 * time.Second}
}

// Check returns everything that is wrong with the configuration, joined, or nil.
func (c *Config) Check() error {
	var errs []error
	if c.Dir == "" {
		errs = append(errs, errors.New("metrics store: no folder"))
	}
	for _, f := range []struct {
		name     string
		got      int64
		min, max int64
	}{
		{"retention", int64(c.Retention), int64(24 * time.Hour), int64(100 * 365 * 24 * time.Hour)},
		{"memory", c.Memory, 16 << 20, 1 << 50},
		{"reserve", c.Reserve, 0, 1 << 62},
		{"queries", int64(c.Queries), 1, 1000},
		{"timeout of a query", int64(c.Timeout), int64(time.Millisecond), int64(time.Hour)},
	} {
		if f.got < f.min || f.got > f.max {
			errs = append(errs, fmt.Errorf("metrics store: %s: got %d, want %d to %d", f.name, f.got, f.min, f.max))
		}
	}
	return errors.Join(errs...)
}

// flags are the settings of VictoriaMetrics that make it the store of c.
func (c *Config) flags() map[string]string {
	return map[string]string{
		"storageDataPath":               c.Dir,
		"retentionPeriod":               fmt.Sprintf("%dh", int64(c.Retention/time.Hour)),
		"memory.allowedBytes":           fmt.Sprint(c.Memory),
		"storage.minFreeDiskSpaceBytes": fmt.Sprint(max(c.Reserve, MinReserve)),
		"search.maxConcurrentRequests":  fmt.Sprint(c.Queries),
		"search.maxQueryDuration":       c.Timeout.String(),
		"search.latencyOffset":          "0s", // all series of a moment are added at once
		"http.disableCORS":              "true",
		"loggerLevel":                   "ERROR",
		"loggerDisableTimestamps":       "true",
	}
}
