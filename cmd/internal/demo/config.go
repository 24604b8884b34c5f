package demo

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/telltale-net/telltale/topology"
)

// Config is what the demo runs.
type Config struct {
	Fabric topology.Fabric
	Seed   uint64
	Faults []string // in order; see Faults

	Warmup  time.Duration // healthy traffic before the first fault
	Fault   time.Duration // how long a fault lasts
	Recover time.Duration // healthy traffic after each
	Load    float64       // packets per second of all tenants together
}

// DefaultConfig is the demo as the README shows it.
func DefaultConfig() Config {
	fabric, err := topology.LeafSpine(defaultFabric())
	if err != nil {
		panic("BUG: the demo's own fabric is refused: " + err.Error())
	}
	return Config{
		Fabric:  fabric,
		Seed:    1,
		Faults:  []string{"acl-deny", "blackhole", "slow-port"},
		Warmup:  3 * time.Second,
		Fault:   2 * time.Second,
		Recover: 2 * time.Second,
		Load:    4000,
	}
}

// defaultFabric has links slow enough that a few thousand packets a second fill a
// fifth of them: a tenth of a rate must hurt.
func defaultFabric() topology.LeafSpineConfig {
	c := topology.DefaultLeafSpine()
	c.Access.RateBps = 20_000_000
	c.Trunk.RateBps = 20_000_000
	return c
}

// Duration is the length of the scenario in virtual time.
func (c *Config) Duration() time.Duration {
	return c.Warmup + time.Duration(len(c.Faults))*(c.Fault+c.Recover)
}

// Check returns what is wrong with the configuration, or nil.
func (c *Config) Check() error {
	for _, name := range c.Faults {
		if !slices.Contains(Faults(), name) {
			return fmt.Errorf("unknown fault %q; want one of %s", name, strings.Join(Faults(), ", "))
		}
	}
	for _, d := range []struct {
		name       string
		got, least time.Duration
	}{
		{"warm-up", c.Warmup, 2 * time.Second},
		{"fault duration", c.Fault, time.Second},
		{"recovery", c.Recover, 2 * time.Second},
	} {
		if d.got < d.least {
			return fmt.Errorf("%s is too short to judge by: got %v, want at least %v", d.name, d.got, d.least)
		}
	}
	if !(c.Load > 0) {
		return fmt.Errorf("load: got %v packets/s, want more than 0", c.Load)
	}
	return nil
}
