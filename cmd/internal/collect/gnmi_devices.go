package collect

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/telltale-net/telltale/collector/gnmi/client"
	"github.com/telltale-net/telltale/collector/gnmi/model"
	"github.com/telltale-net/telltale/collector/gnmi/tree"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/topology"
)

// device is a device that is asked for its counters, and what they say beside its
// postcards.
type device struct {
	*client.Client
	name string
	node postcard.NodeID // 0 = the topology does not name it
	join model.Join
}

func openDevices(configs []client.Config, t *tree.Tree, ix *topology.Index) ([]*device, error) {
	var all []*device
	for _, c := range configs {
		asker, err := client.New(c, t)
		if err != nil {
			return nil, err
		}
		d := &device{Client: asker, name: c.Name}
		if ix != nil {
			if n, ok := ix.Node(c.Name); ok {
				d.node = postcard.NodeID(n.ID)
			}
		}
		all = append(all, d)
	}
	return all, nil
}

// askDevices asks all devices until ctx is done.
func askDevices(ctx context.Context, all []*device) error {
	errs := make([]error, len(all))
	var wait sync.WaitGroup
	for i, d := range all {
		wait.Go(func() { errs[i] = d.Run(ctx) })
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// compare holds what the devices said against the postcards. The figures of a device
// that is stale stay as they were.
func compare(now int64, t *tree.Tree, all []*device, sums *model.Postcards) []model.Asked {
	out := make([]model.Asked, len(all))
	for i, d := range all {
		s := d.Status()
		if d.node != 0 && s.Alive > 0 && !s.Stale {
			d.join.Step(now, t, d.name, d.node, sums)
		}
		out[i] = model.Asked{
			Name: s.Name, Address: s.Address, Node: uint32(d.node), Streams: s.Streams, Alive: s.Alive, Stale: s.Stale, Unsupported: s.Unsupported,
			LastHeard: s.LastHeard, Connects: s.Connects, Updates: s.Updates, Unknown: s.Unknown, Refused: s.Refused, Error: s.Error,
			Ports: d.join.Ports(), Queues: d.join.Queues(), Drops: d.join.Drops(),
		}
	}
	return out
}

// writeDevices writes how it goes with devices, in the Prometheus text format.
func writeDevices(w io.Writer, all []model.Asked) {
	if len(all) == 0 {
		return
	}
	perDevice := func(name, kind string, value func(*model.Asked) any) {
		fmt.Fprintf(w, "# TYPE telltale_device_%s %s\n", name, kind)
		for i := range all {
			fmt.Fprintf(w, "telltale_device_%s{device=%q} %v\n", name, all[i].Name, value(&all[i]))
		}
	}
	perDevice("subscriptions", "gauge", func(d *model.Asked) any { return d.Alive })
	perDevice("stale", "gauge", func(d *model.Asked) any {
		if d.Stale {
			return 1
		}
		return 0
	})
	perDevice("connects_total", "counter", func(d *model.Asked) any { return d.Connects })
	perDevice("updates_total", "counter", func(d *model.Asked) any { return d.Updates })
	perDevice("updates_unknown_total", "counter", func(d *model.Asked) any { return d.Unknown })
	perDevice("updates_refused_total", "counter", func(d *model.Asked) any { return d.Refused })
	for _, f := range []struct {
		name   string
		labels string
		list   func(*model.Asked) []model.Agreement
	}{
		{"port", "interface=%q", func(d *model.Asked) []model.Agreement { return d.Ports }},
		{"queue", "interface=%q,queue=%q", func(d *model.Asked) []model.Agreement { return d.Queues }},
		{"drop_counter", "counter=%q", func(d *model.Asked) []model.Agreement { return d.Drops }},
	} {
		for _, m := range []struct {
			name  string
			value func(*model.Agreement) (any, bool)
		}{
			{"coverage", func(a *model.Agreement) (any, bool) { v, ok := a.Coverage(); return v, ok }},
			{"unreported_drops", func(a *model.Agreement) (any, bool) { v, ok := a.Unreported(); return v, ok }},
		} {
			fmt.Fprintf(w, "# TYPE telltale_device_%s_%s gauge\n", f.name, m.name)
			for i := range all {
				for _, a := range f.list(&all[i]) {
					v, ok := m.value(&a)
					if !ok {
						continue
					}
					var names []any
					for _, n := range []string{a.Interface, a.Queue, a.Counter} {
						if n != "" {
							names = append(names, n)
						}
					}
					fmt.Fprintf(w, "telltale_device_%s_%s{device=%q,%s} %v\n", f.name, m.name, all[i].Name, fmt.Sprintf(f.labels, names...), v)
				}
			}
		}
	}
}
