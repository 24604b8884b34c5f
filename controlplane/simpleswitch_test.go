package controlplane_test

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"testing"
	"time"

	"github.com/telltale-net/telltale/bmv2/simpleswitch"
	"github.com/telltale-net/telltale/controlplane"
	"github.com/telltale-net/telltale/controlplane/intent"
	"github.com/telltale-net/telltale/controlplane/p4rt"
	"github.com/telltale-net/telltale/topology"
)

// TestSimpleSwitchTakesEverything installs a fabric on real switches, one process for
// every role and program: no update may be rejected, and reading back must find
// nothing to change.
func TestSimpleSwitchTakesEverything(t *testing.T) {
	path, err := simpleswitch.Find()
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	cfg := topology.DefaultLeafSpine()
	cfg.Spines, cfg.Leaves, cfg.VSwitches = 2, 2, 2
	fabric, err := topology.LeafSpine(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ix, err := topology.NewIndex(fabric)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	settings := intent.DefaultSettings()
	settings.AllHops = true
	settings.Watch = []intent.WatchRule{{Priority: 1, VNI: fabric.VNETs[0].VNI, Colour: 1}}
	c, err := controlplane.Connect(ctx, controlplane.Config{
		Fabric:   ix,
		Settings: settings,
		Election: p4rt.Election{Low: 1},
		Address: func(n topology.Node) (string, error) {
			p, err := simpleswitch.Start(ctx, simpleswitch.Config{Path: path, DeviceID: uint64(n.ID), CPUPort: 510})
			if err != nil {
				return "", err
			}
			t.Cleanup(func() {
				if err := p.Stop(); err != nil {
					t.Error(err)
				}
				if t.Failed() {
					t.Logf("%s printed:\n%s", n.Name, p.Output())
				}
			})
			return p.Addr(), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	installed, err := c.Install(ctx)
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, i := range installed {
		total += i.Entities
		t.Logf("%-9s %3d entities: %s", i.Node, i.Entities, summary(i.Result))
	}
	t.Logf("%d entities on %d switches, none rejected", total, len(installed))

	again, err := c.Reconcile(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range again {
		if r := i.Result; r.Inserted+r.Deleted > 0 {
			t.Errorf("%s: reading back what was written finds %s", i.Node, summary(r))
		}
	}
}

func summary(r p4rt.Result) string {
	return fmt.Sprintf("%d inserted, %d modified, %d deleted, degraded %v", r.Inserted, r.Modified, r.Deleted, r.Degraded)
}
