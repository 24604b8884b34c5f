package randpkt_test

import (
	"bytes"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/protobuf/proto"

	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/randpkt"
	"github.com/telltale-net/telltale/bmv2/runner"
	"github.com/telltale-net/telltale/internal/testutil"
	"github.com/telltale-net/telltale/p4src"
)

// programs calls f with our programs, and with those of the vectors where they are.
func programs(t *testing.T, f func(t *testing.T, p *runner.Program)) {
	t.Helper()
	for _, p := range []p4src.Program{p4src.Fabric, p4src.VSwitch} {
		t.Run(p.Name, func(t *testing.T) {
			c, err := runner.NewProgram(p.JSON, p.P4Info)
			if err != nil {
				t.Fatal(err)
			}
			f(t, c)
		})
	}
	t.Run("vectors", func(t *testing.T) {
		files, err := filepath.Glob(filepath.Join(testutil.Shared(t, "vectors/stf"), "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatal("no programs: ", err)
		}
		for _, file := range files {
			name := strings.TrimSuffix(file, ".json")
			t.Run(filepath.Base(name), func(t *testing.T) {
				c, err := runner.ReadProgram(file, name+".p4info.txtpb")
				if err != nil {
					t.Fatal(err)
				}
				f(t, c)
			})
		}
	})
}

// TestEntriesAreValid: a P4Runtime server takes every entry and every change, and what
// takes a change back.
func TestEntriesAreValid(t *testing.T) {
	programs(t, func(t *testing.T, p *runner.Program) {
		for seed := range uint64(3) {
			target, err := runner.NewTarget(runner.TargetConfig{})
			if err != nil {
				t.Fatal(err)
			}
			if err := target.Install(p); err != nil {
				t.Fatal(err)
			}
			c, end, err := target.Connect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			write := func(updates []*p4v1.Update) {
				t.Helper()
				errs, err := c.Write(t.Context(), updates)
				if err != nil {
					t.Fatal(err)
				}
				for i, err := range errs {
					if err != nil {
						t.Errorf("seed %d: %v: %v", seed, updates[i], err)
					}
				}
			}
			r := rand.New(rand.NewPCG(seed, 0))
			g := randpkt.New(p.Engine.Spec(), p.Info, randpkt.Config{})
			write(g.Entries(r))
			var updates, back []*p4v1.Update
			for range 3 {
				for _, change := range g.Changes(r) {
					updates = append(updates, change.Update)
					back = append([]*p4v1.Update{change.Inverse}, back...)
				}
			}
			write(updates)
			write(back)
			if err := end(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestPacketsReachTheParser: nearly all states are entered, and most packets for our
// programs are accepted.
func TestPacketsReachTheParser(t *testing.T) {
	programs(t, func(t *testing.T, p *runner.Program) {
		g := randpkt.New(p.Engine.Spec(), p.Info, randpkt.Config{})
		sw := engine.New(p.Engine, engine.Config{})
		states := map[string]bool{}
		sw.SetTrace(func(e engine.Event) {
			if e.Kind == engine.EventState {
				states[e.Name] = true
			}
		})
		r := rand.New(rand.NewPCG(1, 2))
		const n = 500
		for i := range engine.Time(n) {
			port, data := g.Packet(r)
			if len(data) == 0 {
				t.Fatal("an empty packet")
			}
			before := bytes.Clone(data)
			sw.Receive(i*1000, port, data)
			sw.Run(i*1000, func(engine.Tx) {})
			if !bytes.Equal(data, before) {
				t.Fatal("the engine wrote to the packet")
			}
		}
		all := 0
		for _, ps := range p.Engine.Spec().Parsers {
			for _, s := range ps.States {
				if s.Name != "start" || len(s.Ops)+len(s.Key) > 0 {
					all++
				}
			}
		}
		if len(states) < all*3/4 {
			t.Errorf("entered %d of %d states", len(states), all)
		}
		// Some of the vectors are about parsers that fail.
		if s := sw.Stats(); !strings.Contains(t.Name(), "vectors") && s.ParserErrors > n/3 {
			t.Errorf("%d of %d packets did not parse", s.ParserErrors, n)
		}
	})
}

// TestSameSeedSameInputs holds the promise of the package comment.
func TestSameSeedSameInputs(t *testing.T) {
	programs(t, func(t *testing.T, p *runner.Program) {
		make := func() (out [][]byte) {
			g := randpkt.New(p.Engine.Spec(), p.Info, randpkt.Config{})
			r := rand.New(rand.NewPCG(7, 7))
			for _, u := range g.Entries(r) {
				b, err := proto.MarshalOptions{Deterministic: true}.Marshal(u)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, b)
			}
			for range 50 {
				port, data := g.Packet(r)
				out = append(out, append([]byte{byte(port >> 8), byte(port)}, data...))
			}
			return out
		}
		if a, b := make(), make(); !slices.EqualFunc(a, b, bytes.Equal) {
			t.Error("two runs differ")
		}
	})
}

// TestChecksumsAreRight: a program that verifies what it parses finds few mistakes.
func TestChecksumsAreRight(t *testing.T) {
	p, err := runner.NewProgram(p4src.Fabric.JSON, p4src.Fabric.P4Info)
	if err != nil {
		t.Fatal(err)
	}
	g := randpkt.New(p.Engine.Spec(), p.Info, randpkt.Config{})
	sw := engine.New(p.Engine, engine.Config{})
	r := rand.New(rand.NewPCG(3, 4))
	const n = 1000
	for i := range engine.Time(n) {
		port, data := g.Packet(r)
		sw.Receive(i, port, data)
		sw.Run(i, func(engine.Tx) {})
	}
	if s := sw.Stats(); s.ChecksumErrors == 0 || s.ChecksumErrors > n/5 {
		t.Errorf("%d of %d packets have a wrong checksum; want a few", s.ChecksumErrors, n)
	}
}

// FuzzPacket: no sequence of random numbers makes the generator fail.
func FuzzPacket(f *testing.F) {
	var all []*runner.Program
	for _, p := range []p4src.Program{p4src.Fabric, p4src.VSwitch} {
		c, err := runner.NewProgram(p.JSON, p.P4Info)
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, c)
	}
	files, _ := filepath.Glob(filepath.Join(testutil.Root(f), "..", "shared", "vectors", "stf", "*.json"))
	for _, file := range files {
		if c, err := runner.ReadProgram(file, strings.TrimSuffix(file, ".json")+".p4info.txtpb"); err == nil {
			all = append(all, c)
		}
	}
	f.Add(uint64(1), uint64(2), uint(0))
	f.Fuzz(func(t *testing.T, a, b uint64, which uint) {
		p := all[which%uint(len(all))]
		g := randpkt.New(p.Engine.Spec(), p.Info, randpkt.Config{})
		r := rand.New(rand.NewPCG(a, b))
		g.Entries(r)
		for range 20 {
			if _, data := g.Packet(r); len(data) == 0 {
				t.Fatal("an empty packet")
			}
		}
	})
}
