package collect

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/spf13/pflag"

	"github.com/telltale-net/telltale/collector/gnmi"
	"github.com/telltale-net/telltale/collector/gnmi/client"
	"github.com/telltale-net/telltale/collector/gnmi/model"
	"github.com/telltale-net/telltale/collector/gnmi/tree"
	"github.com/telltale-net/telltale/collector/pipeline"
)

// gnmiSettings say who is served over gNMI, and how.
type gnmiSettings struct {
	Listen      string
	Cert, Key   string
	CA          string
	Users       string
	Target      string
	Refresh     time.Duration
	Leaves      int
	Subscribers int
	Backlog     int

	Devices []string
	Sample  time.Duration
}

func (g *gnmiSettings) Flags(fs *pflag.FlagSet) {
	fs.StringVar(&g.Listen, "gnmi", "", "address for gNMI subscribers, host:port (empty = none)")
	fs.StringVar(&g.Cert, "gnmi-cert", "", "file with the certificate of the gNMI server, which then speaks TLS")
	fs.StringVar(&g.Key, "gnmi-key", "", "file with its key")
	fs.StringVar(&g.CA, "gnmi-ca", "", "file with the authority that must have signed the certificates of gNMI clients")
	fs.StringVar(&g.Users, "gnmi-users", "", "file with gNMI users, a line name:password each (empty = no one is asked)")
	fs.StringVar(&g.Target, "gnmi-target", "telltale", "gNMI target of the collector's own data")
	fs.DurationVar(&g.Refresh, "gnmi-refresh", time.Second, "how often what is served over gNMI is brought up to date, unless that took more than a tenth of the time")
	fs.IntVar(&g.Leaves, "gnmi-leaves", 500_000, "values served over gNMI, at most")
	fs.IntVar(&g.Subscribers, "gnmi-subscribers", 100, "gNMI subscriptions at once, at most")
	fs.IntVar(&g.Backlog, "gnmi-backlog", 1_000_000, "values that a gNMI subscriber may be behind before it is cut")
	fs.StringArrayVar(&g.Devices, "gnmi-device", nil, "device to ask over gNMI for its counters, NAME=HOST:PORT[,OPTION…] (repeatable; NAME as in the topology; options tls=off, ca=FILE, cert=FILE, key=FILE, server-name=NAME, login=FILE with a line name:password, target=NAME)")
	fs.DurationVar(&g.Sample, "gnmi-device-sample", 10*time.Second, "how often devices tell their counters")
}

func (g *gnmiSettings) Check(c *pipeline.Config) error {
	if g.Listen == "" && len(g.Devices) == 0 {
		return nil
	}
	errs := []error{}
	var addr *net.TCPAddr
	if g.Listen != "" {
		var err error
		if addr, err = net.ResolveTCPAddr("tcp", g.Listen); err != nil {
			errs = append(errs, fmt.Errorf("gnmi: %w", err))
		}
	}
	for _, f := range []struct {
		name          string
		got, min, max int64
	}{
		{"gnmi-refresh", int64(g.Refresh), int64(50 * time.Millisecond), int64(time.Hour)},
		{"gnmi-leaves", int64(g.Leaves), 1000, 1 << 26},
		{"gnmi-subscribers", int64(g.Subscribers), 1, 1 << 16},
		{"gnmi-backlog", int64(g.Backlog), 1, 1 << 32},
	} {
		if f.got < f.min || f.got > f.max {
			errs = append(errs, fmt.Errorf("%s: got %d, want %d to %d", f.name, f.got, f.min, f.max))
		}
	}
	cfg, err := g.config()
	errs = append(errs, err, cfg.Check())
	if err == nil && cfg.TLS == nil && len(cfg.Users) > 0 && addr != nil && !addr.IP.IsLoopback() {
		errs = append(errs, fmt.Errorf("gnmi-users: passwords would go over the network in the clear: want gnmi-cert and gnmi-key, or gnmi on a loopback address"))
	}
	if c.Topology != nil {
		if _, taken := c.Topology.Node(g.Target); taken {
			errs = append(errs, fmt.Errorf("gnmi-target: %q is a node of the topology, and so the target of its data", g.Target))
		}
	}
	if g.Sample < 100*time.Millisecond || g.Sample > time.Hour {
		errs = append(errs, fmt.Errorf("gnmi-device-sample: got %v, want 100ms to 1h", g.Sample))
	}
	_, err = g.devices()
	return errors.Join(append(errs, err)...)
}

// devices returns the devices to ask.
func (g *gnmiSettings) devices() ([]client.Config, error) {
	var all []client.Config
	var errs []error
	names := map[string]bool{g.Target: true}
	for _, text := range g.Devices {
		c, err := client.Parse(text)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("gnmi-device: %w", err))
			continue
		case names[c.Name]:
			errs = append(errs, fmt.Errorf("gnmi-device: the name %q is taken", c.Name))
		}
		names[c.Name] = true
		c.Sample = g.Sample
		all = append(all, c)
	}
	return all, errors.Join(errs...)
}

// config returns what the settings make of the server.
func (g *gnmiSettings) config() (gnmi.Config, error) {
	c := gnmi.Config{Target: g.Target, Models: model.Models()}.Defaults()
	var errs []error
	if g.Cert != "" || g.Key != "" {
		var err error
		if c.TLS, err = gnmi.LoadTLS(g.Cert, g.Key, g.CA); err != nil {
			errs = append(errs, fmt.Errorf("gnmi-cert, gnmi-key and gnmi-ca: %w", err))
		}
	} else if g.CA != "" {
		errs = append(errs, errors.New("gnmi-ca: got no gnmi-cert and gnmi-key, want them too: clients show certificates over TLS only"))
	}
	if g.Users != "" {
		var err error
		if c.Users, err = gnmi.LoadUsers(g.Users); err != nil {
			errs = append(errs, fmt.Errorf("gnmi-users: %w", err))
		}
	}
	return c, errors.Join(errs...)
}

func (g *gnmiSettings) Open(ctx context.Context, s *source) (output, error) {
	if g.Listen == "" && len(g.Devices) == 0 {
		return nil, nil
	}
	cfg, err := g.config()
	if err != nil {
		return nil, err
	}
	o := &gnmiOutput{
		refresh: g.Refresh, target: g.Target, from: s,
		tree: tree.New(model.Schema(), tree.Limits{Leaves: g.Leaves, Subscribers: g.Subscribers, Backlog: g.Backlog}),
	}
	if o.server, err = gnmi.New(cfg, o.tree); err != nil {
		return nil, err
	}
	devices, err := g.devices()
	if err != nil {
		return nil, err
	}
	if o.devices, err = openDevices(devices, o.tree, s.Topology); err != nil {
		return nil, err
	}
	for _, d := range o.devices {
		if d.node == 0 {
			s.Log.Warn("a device is no node of the topology: its counters are compared with nothing", "device", d.name)
		}
	}
	if g.Listen == "" {
		return o, nil
	}
	var lc net.ListenConfig
	if o.listener, err = lc.Listen(ctx, "tcp", g.Listen); err != nil {
		return nil, fmt.Errorf("cannot listen for gNMI on %s: %w", g.Listen, err)
	}
	return &gnmiServing{o}, nil
}
