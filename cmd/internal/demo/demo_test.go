package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/telltale-net/telltale/analyzers"
	"github.com/telltale-net/telltale/analyzers/incident"
	"github.com/telltale-net/telltale/topology"
)

var (
	seeds  = flag.Int("seeds", 20, "TestSeeds runs the seeds 1 to N")
	repeat = flag.Int("repeat", 3, "and the first N of them twice")
)

func TestMain(m *testing.M) {
	flag.Parse()
	goleak.VerifyTestMain(m)
}

// run runs the demo and returns its result and the JSON of it without the wall clock.
func run(t *testing.T, cfg Config) (Result, []byte) {
	t.Helper()
	res, err := Run(t.Context(), cfg, func(Event) {})
	if err != nil {
		t.Fatal(err)
	}
	res.Wall = Wall{}
	b, err := json.MarshalIndent(res, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return res, b
}

// explain says what is wrong with a result.
func explain(res *Result) string {
	var b strings.Builder
	for i := range res.Healthy.Findings {
		fmt.Fprintf(&b, "while healthy: %s", incident.Text(&res.Healthy.Findings[i], 0))
	}
	for i := range res.Faults {
		if o := &res.Faults[i]; !o.Correct {
			fmt.Fprintf(&b, "%s: %s; want %s at %s, got %d findings\n", o.Fault, o.What, o.Want.Kind, incident.Place(o.Want.Place), len(o.Findings))
			for k := range o.Findings {
				b.WriteString(incident.Text(&o.Findings[k], 0))
			}
		}
	}
	return b.String()
}

// TestSeeds: every verdict is right, whatever the seed, and one seed gives one result.
func TestSeeds(t *testing.T) {
	n := *seeds
	for seed := range n {
		t.Run(fmt.Sprint(seed+1), func(t *testing.T) {
			t.Parallel()
			cfg := DefaultConfig()
			cfg.Seed = uint64(seed + 1)
			res, once := run(t, cfg)
			if !res.Correct {
				t.Error(explain(&res))
			}
			if seed >= *repeat {
				return
			}
			if _, again := run(t, cfg); !bytes.Equal(once, again) {
				t.Errorf("two runs differ:\n%s", firstDifference(once, again))
			}
		})
	}
}

func firstDifference(a, b []byte) string {
	as, bs := strings.Split(string(a), "\n"), strings.Split(string(b), "\n")
	for i := range min(len(as), len(bs)) {
		if as[i] != bs[i] {
			return fmt.Sprintf("line %d\n- %s\n+ %s", i+1, as[i], bs[i])
		}
	}
	return fmt.Sprintf("%d lines and %d lines", len(as), len(bs))
}

// TestOtherFabrics: nothing is tuned to the default fabric.
func TestOtherFabrics(t *testing.T) {
	f := func(name string, faults string, change func(*topology.LeafSpineConfig)) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := defaultFabric()
			change(&c)
			fabric, err := topology.LeafSpine(c)
			if err != nil {
				t.Fatal(err)
			}
			cfg := DefaultConfig()
			cfg.Fabric = fabric
			cfg.Faults = strings.Split(faults, ",")
			res, _ := run(t, cfg)
			if !res.Correct {
				t.Error(explain(&res))
			}
		})
	}
	f("three spines", "acl-deny,blackhole,slow-port", func(c *topology.LeafSpineConfig) { c.Spines = 3 })
	f("one vswitch a leaf", "slow-port,blackhole,acl-deny", func(c *topology.LeafSpineConfig) { c.VSwitches, c.Leaves = 1, 5 })
	f("many tenants", "blackhole,acl-deny", func(c *topology.LeafSpineConfig) { c.VNETs, c.HostsPerVNET = 8, 4 })
	f("a lossy link, twice", "lossy-link,lossy-link", func(*topology.LeafSpineConfig) {})
}

func TestNoFaultNoFinding(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Faults = nil
	cfg.Warmup = 5 * time.Second
	res, _ := run(t, cfg)
	if !res.Correct || len(res.Healthy.Findings) != 0 {
		t.Error(explain(&res))
	}
	if res.Reports.Records == 0 || res.Reports.Lost != 0 || res.Reports.Malformed != 0 {
		t.Errorf("got reports %+v; want some, none lost or malformed", res.Reports)
	}
}

// TestAWrongVerdictIsNoticed: the judge can fail.
func TestAWrongVerdictIsNoticed(t *testing.T) {
	want := Want{analyzers.SlowPort, analyzers.Place{Node: "leaf1", Port: 3}}
	right := analyzers.Finding{Kind: analyzers.SlowPort, Place: analyzers.Place{Node: "leaf1", Port: 3, Peer: "vs1"}, Decided: 5}
	f := func(correct bool, findings ...analyzers.Finding) {
		t.Helper()
		o := Outcome{Injected: 3, Want: want, Findings: findings}
		if o.judge(); o.Correct != correct {
			t.Errorf("got correct = %v, want %v", o.Correct, correct)
		}
		if correct && o.TimeToVerdict != 2 {
			t.Errorf("got time to verdict %v, want 2ns", o.TimeToVerdict)
		}
	}
	with := func(change func(*analyzers.Finding)) analyzers.Finding {
		g := right
		change(&g)
		return g
	}
	f(true, right)
	f(false)
	f(false, right, right)
	f(false, with(func(g *analyzers.Finding) { g.Kind = analyzers.Congestion }))
	f(false, with(func(g *analyzers.Finding) { g.Place.Port = 4 }))
	f(false, with(func(g *analyzers.Finding) { g.Place.Node = "leaf2" }))
}

func TestConfigIsChecked(t *testing.T) {
	f := func(want string, change func(*Config)) {
		t.Helper()
		cfg := DefaultConfig()
		change(&cfg)
		_, err := Run(context.Background(), cfg, func(Event) {})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v; want it to contain %q", err, want)
		}
	}
	f(`unknown fault "fire"; want one of acl-deny, blackhole, lossy-link, slow-port`, func(c *Config) { c.Faults = []string{"fire"} })
	f("warm-up is too short", func(c *Config) { c.Warmup = 0 })
	f("load: got 0", func(c *Config) { c.Load = 0 })
	f("no VNET", func(c *Config) { c.Fabric.Hosts = nil })
}

func TestStopsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	_, err := Run(ctx, DefaultConfig(), func(e Event) {
		if e.Kind == Progress {
			cancel()
		}
	})
	if err == nil {
		t.Fatal("the demo went on after its context had ended")
	}
}
