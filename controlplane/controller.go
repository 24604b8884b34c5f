// Package controlplane makes the switches of a fabric do what the topology says:
// it connects to each over P4Runtime, pushes the program of its role, and writes the
// difference between what it should hold (intent, pure) and what it says it holds
// (p4rt). It cannot see whether a switch is embedded or real.
package controlplane

import (
	"context"
	"errors"
	"fmt"
	"sync"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/credentials"

	"github.com/telltale-net/telltale/controlplane/intent"
	"github.com/telltale-net/telltale/controlplane/p4rt"
	"github.com/telltale-net/telltale/p4src"
	"github.com/telltale-net/telltale/topology"
)

// Config says which switches to control and what they should do. A switch's
// P4Runtime device id is its node id.
type Config struct {
	Fabric   *topology.Index
	Settings intent.Settings
	// Address returns host:port of a switch's P4Runtime server.
	Address func(topology.Node) (string, error)
	// TLS secures the connections; nil = plain text, for loopback and tests.
	TLS      credentials.TransportCredentials
	Election p4rt.Election
	// Connections is how many switches are worked on at a time; 0 = 8.
	Connections int
}

// Switch is one switch under control.
type Switch struct {
	Node    topology.Node
	Session *p4rt.Session
	Schema  *intent.Schema

	program p4src.Program
}

// Controller holds a session with every switch of the fabric. It is safe for
// concurrent use.
type Controller struct {
	cfg      Config
	switches []*Switch // in the fabric's order
	byName   map[string]*Switch
	stop     context.CancelFunc
	running  sync.WaitGroup
}

// Connect dials every switch and keeps the sessions up until ctx ends or
// [Controller.Close]. It does not wait for the switches to answer; Install does.
func Connect(ctx context.Context, cfg Config) (*Controller, error) {
	if cfg.Connections == 0 {
		cfg.Connections = 8
	}
	schemas := make(map[string]*intent.Schema)
	ctx, cancel := context.WithCancel(ctx)
	c := &Controller{cfg: cfg, byName: make(map[string]*Switch), stop: cancel}
	for _, node := range cfg.Fabric.Fabric().Nodes {
		if node.Program == "" {
			continue
		}
		sw, err := c.dial(node, schemas)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("cannot control %s: %w", node.Name, err), c.Close())
		}
		c.switches = append(c.switches, sw)
		c.byName[node.Name] = sw
		c.running.Go(func() { _ = sw.Session.Run(ctx) }) // its end is ctx's, or shows in the next write
	}
	return c, nil
}

func (c *Controller) dial(node topology.Node, schemas map[string]*intent.Schema) (*Switch, error) {
	program, err := p4src.ByName(node.Program)
	if err != nil {
		return nil, err
	}
	schema := schemas[program.Name]
	if schema == nil {
		if schema, err = intent.ParseSchema(program.Name, program.P4Info); err != nil {
			return nil, err
		}
		schemas[program.Name] = schema
	}
	addr, err := c.cfg.Address(node)
	if err != nil {
		return nil, err
	}
	session, err := p4rt.Dial(addr, c.cfg.TLS, p4rt.Config{DeviceID: uint64(node.ID), Election: c.cfg.Election})
	if err != nil {
		return nil, err
	}
	return &Switch{Node: node, Session: session, Schema: schema, program: program}, nil
}

// Installed is what [Controller.Install] did to one switch.
type Installed struct {
	Node     string
	Entities int // that the switch should hold
	Result   p4rt.Result
}

// Install pushes every switch's program and makes it hold its entities. It returns
// what was done, in the fabric's order; the error joins those of all switches that
// failed, each with its name.
func (c *Controller) Install(ctx context.Context) ([]Installed, error) {
	return c.each(ctx, func(ctx context.Context, sw *Switch) (Installed, error) {
		if err := sw.Session.WaitPrimary(ctx); err != nil {
			return Installed{}, fmt.Errorf("cannot become primary: %w", err)
		}
		err := sw.Session.PushPipeline(ctx, p4rt.Pipeline{P4Info: sw.program.P4Info, DeviceConfig: sw.program.JSON})
		if err != nil {
			return Installed{}, fmt.Errorf("cannot push %s: %w", sw.program.Name, err)
		}
		return c.apply(ctx, sw)
	})
}

// Reconcile makes every switch hold its entities again: what was lost comes back,
// what does not belong goes. Programs stay as they are.
func (c *Controller) Reconcile(ctx context.Context) ([]Installed, error) {
	return c.each(ctx, c.apply)
}

func (c *Controller) apply(ctx context.Context, sw *Switch) (Installed, error) {
	entities, err := intent.For(c.cfg.Fabric, sw.Node.Name, c.cfg.Settings, sw.Schema)
	if err != nil {
		return Installed{}, fmt.Errorf("cannot say what it should hold: %w", err)
	}
	result, err := sw.Session.Apply(ctx, entities)
	if err != nil {
		return Installed{}, fmt.Errorf("cannot make it hold its %d entities: %w", len(entities), err)
	}
	return Installed{Node: sw.Node.Name, Entities: len(entities), Result: result}, nil
}

// each runs f for every switch, a few at a time.
func (c *Controller) each(ctx context.Context, f func(context.Context, *Switch) (Installed, error)) ([]Installed, error) {
	out := make([]Installed, len(c.switches))
	errs := make([]error, len(c.switches))
	slots := make(chan struct{}, c.cfg.Connections)
	var wg sync.WaitGroup
	for i, sw := range c.switches {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			var err error
			if out[i], err = f(ctx, sw); err != nil {
				errs[i] = fmt.Errorf("%s: %w", sw.Node.Name, err)
			}
		})
	}
	wg.Wait()
	return out, errors.Join(errs...)
}

// Switch returns a switch by its node's name.
func (c *Controller) Switch(name string) (*Switch, bool) {
	sw, ok := c.byName[name]
	return sw, ok
}

// Write writes updates to one switch, beside what the intent says: the next
// Reconcile takes them back.
func (c *Controller) Write(ctx context.Context, node string, updates ...*p4v1.Update) error {
	sw, ok := c.byName[node]
	if !ok {
		return fmt.Errorf("cannot write to %s: no switch of that name", node)
	}
	if err := sw.Session.Write(ctx, updates); err != nil {
		return fmt.Errorf("cannot write to %s: %w", node, err)
	}
	return nil
}

// Close ends all sessions and waits for them.
func (c *Controller) Close() error {
	c.stop()
	var errs []error
	for _, sw := range c.switches {
		errs = append(errs, sw.Session.Close())
	}
	c.running.Wait()
	return errors.Join(errs...)
}
