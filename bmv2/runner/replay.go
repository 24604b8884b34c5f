package runner

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"

	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/internal/capture"
)

// Setup is a switch and what is in it before the first packet.
type Setup struct {
	Program *Program
	Engine  engine.Config
	Entries *p4v1.WriteRequest // nil = none
}

// start returns a target with its program and entries, written over P4Runtime.
func (s *Setup) start(ctx context.Context) (*Target, error) {
	t, err := NewTarget(TargetConfig{Engine: s.Engine, Now: func() time.Time { return time.Unix(0, 0) }})
	if err != nil {
		return nil, err
	}
	if err := t.Install(s.Program); err != nil {
		return nil, err
	}
	if len(s.Entries.GetUpdates()) == 0 {
		return t, nil
	}
	c, closeSession, err := t.Connect(ctx)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(c.WriteAll(ctx, s.Entries), closeSession()); err != nil {
		return nil, err
	}
	return t, nil
}

// ReplayConfig is a replay.
type ReplayConfig struct {
	Setup
	Inputs []Input
	// Dir gets port-N.pcap for every port that packets leave by; what it has of that
	// name from before is removed.
	Dir string
}

// PortCount is what left a port.
type PortCount struct {
	Port    uint16
	Packets uint64
	Bytes   uint64
}

// ReplaySummary is what came of a replay.
type ReplaySummary struct {
	Packets uint64 // given to the switch
	Late    uint64 // … which the capture dated before the packet in front of them
	Ports   []PortCount
	Virtual time.Duration // from the first packet to the last that left
	Stats   engine.Stats
}

// Replay feeds captures to a switch in virtual time and writes what leaves it, one
// capture per port. A packet's time is the instant its last bit left.
func Replay(ctx context.Context, cfg ReplayConfig) (ReplaySummary, error) {
	sum, err := replay(ctx, cfg)
	if err != nil {
		return sum, fmt.Errorf("cannot replay: %w", err)
	}
	return sum, nil
}

func replay(ctx context.Context, cfg ReplayConfig) (sum ReplaySummary, err error) {
	t, err := cfg.start(ctx)
	if err != nil {
		return sum, err
	}
	in, err := Merge(cfg.Inputs)
	if err != nil {
		return sum, err
	}
	out, err := newPcapDir(cfg.Dir)
	if err != nil {
		return sum, err
	}
	defer func() {
		err = errors.Join(err, out.close())
		sum.Ports = out.counts()
	}()
	sw := t.Switch()
	err = feed(ctx, sw, in, func(base int64, tx engine.Tx) error {
		sum.Virtual = max(sum.Virtual, time.Duration(tx.Done))
		return out.write(tx.Port, base+int64(tx.Done), tx.Data)
	}, nil)
	sum.Stats, sum.Late = sw.Stats(), in.late()
	sum.Packets = sum.Stats.Received
	return sum, err
}

// feed gives packets to a switch, each at its own instant after base, the time of the
// first, and lets the switch run empty behind the last. before, if not nil, hears of
// every packet ahead of the switch.
func feed(ctx context.Context, sw *engine.Switch, in *Merged, out func(base int64, tx engine.Tx) error, before func(n int, p *Packet)) error {
	var base int64
	var failed error
	emit := func(tx engine.Tx) {
		if failed == nil {
			failed = out(base, tx)
		}
	}
	var p Packet
	for n := 0; ; n++ {
		err := in.Next(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		base = p.Time - p.At
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		now := engine.Time(p.At)
		sw.Run(now, emit)
		if before != nil {
			before(n, &p)
		}
		sw.Receive(now, p.Port, p.Data)
		if sw.Run(now, emit); failed != nil {
			return failed
		}
	}
	for {
		at, waiting := sw.Next()
		if !waiting || failed != nil {
			return failed
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		sw.Run(at, emit)
	}
}

// pcapDir writes one capture per port.
type pcapDir struct {
	dir   string
	ports map[uint16]*pcapFile
}

type pcapFile struct {
	PortCount
	f   *os.File
	buf *bufio.Writer
	w   *capture.Writer
}

func newPcapDir(dir string) (*pcapDir, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("cannot make the output folder: %w", err)
	}
	old, err := filepath.Glob(filepath.Join(dir, "port-*.pcap"))
	if err != nil {
		return nil, fmt.Errorf("cannot look into the output folder %s: %w", dir, err)
	}
	for _, f := range old {
		if err := os.Remove(f); err != nil {
			return nil, fmt.Errorf("cannot remove an earlier output: %w", err)
		}
	}
	return &pcapDir{dir: dir, ports: map[uint16]*pcapFile{}}, nil
}

func (d *pcapDir) write(port uint16, at int64, data []byte) error {
	p := d.ports[port]
	if p == nil {
		f, err := os.Create(filepath.Join(d.dir, fmt.Sprintf("port-%d.pcap", port)))
		if err != nil {
			return fmt.Errorf("cannot make the output of port %d: %w", port, err)
		}
		p = &pcapFile{PortCount: PortCount{Port: port}, f: f, buf: bufio.NewWriter(f)}
		d.ports[port] = p
		if p.w, err = capture.NewWriter(p.buf); err != nil {
			return fmt.Errorf("cannot write the output of port %d: %w", port, err)
		}
	}
	p.Packets++
	p.Bytes += uint64(len(data))
	if err := p.w.Write(at, data); err != nil {
		return fmt.Errorf("cannot write packet %d of port %d: %w", p.Packets, port, err)
	}
	return nil
}

func (d *pcapDir) counts() (out []PortCount) {
	for _, port := range slices.Sorted(maps.Keys(d.ports)) {
		out = append(out, d.ports[port].PortCount)
	}
	return out
}

func (d *pcapDir) close() error {
	var errs []error
	for _, p := range d.ports {
		errs = append(errs, p.buf.Flush(), p.f.Close())
	}
	return errors.Join(errs...)
}
