package controlplane_test

import (
	"context"
	"testing"
	"time"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"go.uber.org/goleak"

	"github.com/telltale-net/telltale/bmv2/lab"
	"github.com/telltale-net/telltale/controlplane"
	"github.com/telltale-net/telltale/controlplane/intent"
	"github.com/telltale-net/telltale/controlplane/p4rt"
	"github.com/telltale-net/telltale/topology"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// network is a lab and a controller that is connected to it.
func network(t *testing.T, ctx context.Context) (*topology.Index, *lab.Lab, *controlplane.Controller) {
	t.Helper()
	fabric, err := topology.LeafSpine(topology.DefaultLeafSpine())
	if err != nil {
		t.Fatal(err)
	}
	ix, err := topology.NewIndex(fabric)
	if err != nil {
		t.Fatal(err)
	}
	l, err := lab.New(lab.Config{Fabric: fabric})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	c, err := controlplane.Connect(ctx, controlplane.Config{
		Fabric:   ix,
		Settings: intent.DefaultSettings(),
		Address:  func(n topology.Node) (string, error) { return l.P4RTAddr(n.Name) },
		Election: p4rt.Election{Low: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return ix, l, c
}

func TestInstallThenReconcile(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ix, _, c := network(t, ctx)
	installed, err := c.Install(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range installed {
		if r := i.Result; i.Entities == 0 || r.Deleted != 0 || r.Inserted+r.Modified == 0 {
			t.Errorf("%s: first installation of %d entities: %s", i.Node, i.Entities, summary(r))
		}
	}
	unchanged := func(why string) {
		t.Helper()
		again, err := c.Reconcile(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range again {
			if r := i.Result; r.Inserted+r.Modified+r.Deleted != 0 {
				t.Errorf("%s: %s, reconciling changed it: %s", i.Node, why, summary(r))
			}
		}
	}
	unchanged("after the installation")

	// A stranger's entry goes, a lost one comes back.
	const node = "spine1"
	sw, _ := c.Switch(node)
	routes := intent.Routes(ix, node)
	lost, err := intent.RouteEntry(sw.Schema, routes[len(routes)-1])
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Write(ctx, node, &p4v1.Update{Type: p4v1.Update_DELETE, Entity: lost}); err != nil {
		t.Fatal(err)
	}
	again, err := c.Reconcile(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range again {
		want := 0
		if i.Node == node {
			want = 1
		}
		if r := i.Result; r.Inserted != want || r.Modified+r.Deleted != 0 {
			t.Errorf("%s: one route was lost at %s, reconciling did this: %s", i.Node, node, summary(r))
		}
	}
	unchanged("after the repair")
}

func TestWriteNamesTheSwitch(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, _, c := network(t, ctx)
	if err := c.Write(ctx, "nowhere"); err == nil || err.Error() != "cannot write to nowhere: no switch of that name" {
		t.Errorf("got error %v", err)
	}
}
