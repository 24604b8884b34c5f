package coverage

import (
	"os"
	"strings"
	"testing"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/spec"
	"github.com/telltale-net/telltale/bmv2/stf"
	"github.com/telltale-net/telltale/p4src"
)

func fabric(t *testing.T) (*engine.Switch, *Coverage) {
	t.Helper()
	s, err := spec.Load(p4src.Fabric.JSON)
	if err != nil {
		t.Fatal(err)
	}
	p, err := engine.Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	sw, c := engine.New(p, engine.Config{CPUPort: 510}), New(s)
	sw.SetTrace(c.Observe)
	return sw, c
}

func counts(c *Coverage) map[string]uint64 {
	m := map[string]uint64{}
	for _, p := range c.Report().Points {
		if p.Count > 0 {
			m[string(p.Kind)+": "+p.Name] = p.Count
		}
	}
	return m
}

func TestNothingIsCoveredBeforeAPacket(t *testing.T) {
	_, c := fabric(t)
	r := c.Report()
	if r.Covered != 0 || r.Total == 0 || r.Share() != 0 {
		t.Fatalf("got %d of %d covered", r.Covered, r.Total)
	}
	text := r.Text()
	for _, want := range []string{"0 of", "never: routes", "never: routes set_nexthop", "never: start", "control/forwarding.p4:"} {
		if !strings.Contains(text, want) {
			t.Errorf("report lacks %q:\n%s", want, text)
		}
	}
}

func TestAPacketCoversItsWalk(t *testing.T) {
	sw, c := fabric(t)
	// IPv4 to 10.0.0.1 without options, TTL 64, an experimental protocol, right checksum.
	frame := []byte("\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x08\x00" +
		"\x45\x00\x00\x14\x00\x00\x00\x00\x40\xfd\x65\xeb\x0a\x00\x00\x02\x0a\x00\x00\x01")
	sw.Receive(0, 1, frame)
	sw.Run(0, func(engine.Tx) {})
	got := counts(c)
	for point, want := range map[string]uint64{
		"parser state: start":             1,
		"table miss: routes":              1,
		"table action: routes route_miss": 1,
		"table hit: routes":               0,
	} {
		if got[point] != want {
			t.Errorf("%s: got %d, want %d", point, got[point], want)
		}
	}
	err := sw.Insert("routes", device.Entry{
		Matches: []device.Match{{Kind: device.LPM, Value: []byte{10, 0, 0, 0}, PrefixLen: 8}},
		Target:  device.Target{Action: &device.Action{Name: "set_nexthop", Args: [][]byte{{0, 7}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	sw.Receive(0, 1, frame)
	sw.Run(0, func(engine.Tx) {})
	got = counts(c)
	for point, want := range map[string]uint64{
		"parser state: start":              2,
		"table hit: routes":                1,
		"table miss: routes":               1,
		"table action: routes set_nexthop": 1,
		"table miss: nexthops":             1,
	} {
		if got[point] != want {
			t.Errorf("%s: got %d, want %d", point, got[point], want)
		}
	}
	if c.Stray != 0 {
		t.Errorf("%d events named nothing in the program", c.Stray)
	}
}

// Entries of the program are covered one by one.
func TestConstEntries(t *testing.T) {
	data, err := os.ReadFile("../engine/testdata/stacks.json")
	if err != nil {
		t.Fatal(err)
	}
	s, err := spec.Load(data)
	if err != nil {
		t.Fatal(err)
	}
	p, err := engine.Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	c := New(s)
	cfg := engine.Config{Trace: c.Observe}
	script, err := stf.Parse("const.stf", "packet 0 00 05 0a\n") // items[0].value = 5, the key chosen at run time
	if err != nil {
		t.Fatal(err)
	}
	if r := stf.Run(p, cfg, script); r.Err != nil {
		t.Fatal(r.Err)
	}
	if got := counts(c)["const entry: I.chosen #1"]; got != 1 {
		r := c.Report()
		t.Errorf("hit %d times; want 1:\n%s", got, r.Text())
	}
}

func TestStrayEventsAreCounted(t *testing.T) {
	c := New(&spec.Program{})
	c.Observe(engine.Event{Kind: engine.EventState, Name: "elsewhere"})
	c.Observe(engine.Event{Kind: engine.EventTransmit})
	r := c.Report()
	if c.Stray != 1 || r.Total != 0 || r.Share() != 1 {
		t.Errorf("got %d stray, %d points, share %v", c.Stray, r.Total, r.Share())
	}
}
