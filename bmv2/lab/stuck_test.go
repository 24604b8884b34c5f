package lab

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/spec"
	"github.com/telltale-net/telltale/p4src"
)

func compiled(t *testing.T) *engine.Program {
	t.Helper()
	s, err := spec.Load(p4src.Fabric.JSON)
	if err != nil {
		t.Fatal(err)
	}
	p, err := engine.Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// route is an entry of the fabric program's table of routes.
func route(key byte, nexthop uint16) device.Entry {
	return device.Entry{
		Matches: []device.Match{{Kind: device.LPM, Value: []byte{10, key, 0, 0}, PrefixLen: 16}},
		Target:  device.Target{Action: &device.Action{Name: "set_nexthop", Args: [][]byte{{byte(nexthop >> 8), byte(nexthop)}}}},
	}
}

// listing is the routes of a device as text, in the order of their keys.
func listing(t *testing.T, d device.Device) []string {
	t.Helper()
	entries, err := d.Entries("routes")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, fmt.Sprintf("%s → %x", describe(e.Matches), e.Target.Action.Args))
	}
	slices.Sort(out)
	return out
}

// whyNot is the kind of a device's error.
func whyNot(err error) error {
	for _, kind := range []error{device.ErrExists, device.ErrNotFound} {
		if errors.Is(err, kind) {
			return kind
		}
	}
	return err
}

// To its controller a switch with stuck entries behaves like one without; the chip
// keeps them as they were, and catches up when they come loose.
func TestStuckAgainstHealthySwitch(t *testing.T) {
	prog := compiled(t)
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 3))
		sick, healthy := &pipeline{Switch: engine.New(prog, engine.Config{})}, engine.New(prog, engine.Config{})
		faults := map[byte]*stuckEntry{}
		held := map[byte]string{} // what the chip has for a stuck key
		chip := func(key byte) string {
			for _, line := range listing(t, sick.Switch) {
				if strings.HasPrefix(line, describe(route(key, 0).Matches)) {
					return line
				}
			}
			return "nothing"
		}
		for step := range 400 {
			key := byte(r.IntN(4))
			e := route(key, uint16(r.Uint32()))
			ops := map[int]func(device.Device) error{
				0: func(d device.Device) error { return d.Insert("routes", e) },
				1: func(d device.Device) error { return d.Modify("routes", e) },
				2: func(d device.Device) error { return d.Delete("routes", e) },
			}
			if op, ok := ops[r.IntN(4)]; ok {
				if got, want := whyNot(op(sick)), whyNot(op(healthy)); got != want {
					t.Fatalf("seed %d, step %d: %v, a healthy switch says %v", seed, step, got, want)
				}
			} else if f := faults[key]; f != nil {
				if err := sick.release(f); err != nil {
					t.Fatal(err)
				}
				delete(faults, key)
			} else {
				f := &stuckEntry{table: "routes", matches: e.Matches}
				if err := sick.stick(f); err == nil {
					faults[key], held[key] = f, chip(key)
				} else if chip(key) != "nothing" {
					t.Fatalf("seed %d, step %d: %v", seed, step, err)
				}
			}
			if got, want := listing(t, sick), listing(t, healthy); !slices.Equal(got, want) {
				t.Fatalf("seed %d, step %d: it is said to have\n%q\nwant\n%q", seed, step, got, want)
			}
			for _, found := range []device.Finder{sick, healthy} {
				if _, err := found.Entry("routes", e); (err == nil) != slices.ContainsFunc(listing(t, healthy), func(s string) bool {
					return strings.HasPrefix(s, describe(e.Matches))
				}) {
					t.Fatalf("seed %d, step %d: Entry says %v of %q", seed, step, err, listing(t, healthy))
				}
			}
			for key := range faults {
				if got := chip(key); got != held[key] {
					t.Fatalf("seed %d, step %d: the chip has %q, want it to hold on to %q", seed, step, got, held[key])
				}
			}
		}
		for _, f := range faults {
			if err := sick.release(f); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := listing(t, sick.Switch), listing(t, healthy); !slices.Equal(got, want) {
			t.Fatalf("seed %d: in the end the chip has\n%q\nwant\n%q", seed, got, want)
		}
	}
}

// A register cell is corrupted once, and restored unless the program was there first.
func TestCorruptRegister(t *testing.T) {
	l := fakes(t, Config{Fabric: small(t)})
	leaf := l.nodesByName["leaf1"]
	sw := engine.New(compiled(t), engine.Config{})
	l.install(leaf, sw, &pipeline{Switch: sw})
	cell := func() string {
		b, err := sw.ReadRegister("queue_depth", 3)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%x", b)
	}
	f := CorruptRegister("leaf1", "queue_depth", 3, []byte{0, 0, 1, 2})
	for _, meanwhile := range []string{"", "00000009"} {
		before := cell()
		if err := f.Apply(l); err != nil {
			t.Fatal(err)
		}
		if err := f.Apply(l); err == nil {
			t.Error("a fault could be applied twice")
		}
		if got := cell(); got == before {
			t.Errorf("the cell holds %s as before", got)
		}
		want := before
		if meanwhile != "" {
			if err := sw.WriteRegister("queue_depth", 3, []byte{0, 0, 0, 9}); err != nil {
				t.Fatal(err)
			}
			want = meanwhile
		}
		if err := f.Revert(l); err != nil {
			t.Fatal(err)
		}
		if got := cell(); got != want {
			t.Errorf("the cell holds %s in the end, want %s", got, want)
		}
	}
	for _, x := range []Fault{
		CorruptRegister("leaf1", "queue_depth", 3, []byte{1}),
		CorruptRegister("leaf1", "queue_depth", 3, []byte{0, 0, 0, 0}),
		CorruptRegister("leaf1", "queue_depth", 1<<20, []byte{0, 0, 0, 1}),
		CorruptRegister("leaf1", "no such", 0, []byte{0, 0, 0, 1}),
		CorruptRegister("leaf2", "queue_depth", 0, []byte{0, 0, 0, 1}),
		StuckEntry("leaf1", "routes", route(1, 1).Matches),
		StuckEntry("leaf1", "no such", nil),
		StuckEntry("leaf2", "routes", nil),
	} {
		if err := x.Apply(l); err == nil {
			t.Errorf("%s: applied", x)
		}
	}
}
