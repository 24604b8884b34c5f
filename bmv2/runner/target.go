package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/p4rt"
	"github.com/telltale-net/telltale/bmv2/spec"
)

// TargetConfig says what a Target is.
type TargetConfig struct {
	DeviceID  uint64 // 0 = 1
	Engine    engine.Config
	PacketOut func(packet []byte)   // as in p4rt.Config
	Now       func() time.Time      // as in p4rt.Config
	OnCommit  func(*engine.Program) // a pipeline was put in force; may be nil
}

// Target is a switch with a P4Runtime server in front. Until a pipeline is committed
// there is no engine, and packets have nowhere to go.
type Target struct {
	Server *p4rt.Server

	cfg    TargetConfig
	sw     atomic.Pointer[engine.Switch]
	known  atomic.Pointer[Program] // compiled already
	portMu sync.Mutex
	down   map[uint16]bool // survives pipelines, as ports do
}

// NewTarget returns a target without a pipeline. It starts nothing.
func NewTarget(cfg TargetConfig) (*Target, error) {
	if cfg.DeviceID == 0 {
		cfg.DeviceID = 1
	}
	t := &Target{cfg: cfg, down: map[uint16]bool{}}
	var err error
	t.Server, err = p4rt.New(p4rt.Config{
		DeviceID:  cfg.DeviceID,
		Load:      t.load,
		Commit:    t.commit,
		PacketOut: cfg.PacketOut,
		Now:       cfg.Now,
	})
	if err != nil {
		return nil, fmt.Errorf("cannot make a switch: %w", err)
	}
	return t, nil
}

func (t *Target) load(_ *configv1.P4Info, json []byte) (device.Device, error) {
	var prog *engine.Program
	if known := t.known.Load(); known != nil && bytes.Equal(known.JSON, json) {
		prog = known.Engine
	} else {
		loaded, err := spec.Load(json)
		if err != nil {
			return nil, err
		}
		if prog, err = engine.Compile(loaded); err != nil {
			return nil, err
		}
	}
	sw := engine.New(prog, t.cfg.Engine)
	sw.SetDigestSink(func(d engine.Digest) { t.Server.Digest(d.Name, d.Values) })
	return sw, nil
}

func (t *Target) commit(dev device.Device) error {
	sw := dev.(*engine.Switch)
	t.portMu.Lock()
	defer t.portMu.Unlock()
	for port := range t.down {
		sw.SetPortUp(port, false)
	}
	t.sw.Store(sw)
	if t.cfg.OnCommit != nil {
		t.cfg.OnCommit(sw.Program())
	}
	return nil
}

// Switch is the engine in force, nil before the first pipeline.
func (t *Target) Switch() *engine.Switch { return t.sw.Load() }

// SetPortUp says whether a port is up, now and after pipelines to come.
func (t *Target) SetPortUp(port uint16, up bool) {
	t.portMu.Lock()
	defer t.portMu.Unlock()
	if up {
		delete(t.down, port)
	} else {
		t.down[port] = true
	}
	if sw := t.sw.Load(); sw != nil {
		sw.SetPortUp(port, up)
	}
}

// Install puts a program in force without a controller.
func (t *Target) Install(p *Program) error {
	t.known.Store(p)
	if err := t.Server.Install(p.Info, p.JSON); err != nil {
		return fmt.Errorf("cannot install the program: %w", err)
	}
	return nil
}

// Connect opens a controller's session with the target, within the process but
// through all of gRPC. close ends it.
func (t *Target) Connect(ctx context.Context) (c *Controller, close func() error, err error) {
	lis := bufconn.Listen(1 << 20)
	served := make(chan error, 1)
	go func() { served <- t.Server.Serve(lis, nil) }()
	conn, err := grpc.NewClient("passthrough:in-process",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithMaxHeaderListSize(maxErrorDetails),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return lis.DialContext(ctx) }))
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("cannot reach the switch within the process: %w", err), lis.Close(), <-served)
	}
	end := func() error {
		err := conn.Close()
		t.Server.Close()
		if serveErr := <-served; !errors.Is(serveErr, grpc.ErrServerStopped) {
			err = errors.Join(err, serveErr)
		}
		return err
	}
	if c, err = NewController(ctx, conn, t.cfg.DeviceID); err != nil {
		return nil, nil, errors.Join(err, end())
	}
	return c, func() error { return errors.Join(c.Close(), end()) }, nil
}
