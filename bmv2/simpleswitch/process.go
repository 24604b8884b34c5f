// Package simpleswitch starts and supervises BMv2's own switch, simple_switch_grpc,
// where a user has it on PATH: the other way to have a switch, and the judge of the
// embedded one. Nothing here knows P4 programs; what the process runs is pushed to it
// over P4Runtime like to any switch.
package simpleswitch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Binary is the program's name on PATH.
const Binary = "simple_switch_grpc"

// Find returns the path of simple_switch_grpc. The error wraps [exec.ErrNotFound]
// when it is not on PATH.
func Find() (string, error) {
	path, err := exec.LookPath(Binary)
	if err != nil {
		return "", fmt.Errorf("cannot find BMv2's switch: %w", err)
	}
	return path, nil
}

// Config says how to start a switch. All listeners are on loopback.
type Config struct {
	Path     string // of the binary, from [Find]
	DeviceID uint64 // P4Runtime device id, not 0
	CPUPort  uint16 // 0 = no packet-in and packet-out
	// Interfaces maps ports to network interfaces, which must exist.
	Interfaces map[uint16]string
	// Dataplane opens the switch's packet stream over gRPC (package port/dataplane);
	// ports then need no interfaces.
	Dataplane bool
	// Captures is a folder in which the switch reads and writes captures instead of
	// using the network: interface NAME's packets come from NAME_in.pcap, as fast as the
	// switch takes them, and go to NAME_out.pcap. It begins after Wait, whole seconds.
	Captures string
	Wait     time.Duration
	// Ready is how long the start may take; 0 = 10 s.
	Ready time.Duration
}

// Process is a running switch.
type Process struct {
	addr   string
	data   string
	thrift string
	cmd    *exec.Cmd
	output *tail
	exited chan struct{}
	err    error // of Wait, valid once exited is closed
}

// Start starts a switch without a program and returns when its P4Runtime server
// accepts connections. The process ends with ctx or [Process.Stop]. An error carries
// the last of what the process printed.
func Start(ctx context.Context, cfg Config) (*Process, error) {
	ports, err := freePorts(3)
	if err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", cfg.Path, err)
	}
	p := &Process{
		addr:   net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[0])),
		thrift: net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[1])),
		output: &tail{limit: 16 << 10},
		exited: make(chan struct{}),
	}
	if cfg.Dataplane {
		p.data = net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[2]))
	}
	p.cmd = exec.CommandContext(ctx, cfg.Path, arguments(cfg, p.addr, p.data, ports[1])...)
	p.cmd.Dir = cfg.Captures
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(os.Interrupt) }
	p.cmd.WaitDelay = 5 * time.Second
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", cfg.Path, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	if err := p.awaitReady(ctx, cfg.Ready); err != nil {
		stopErr := p.Stop()
		return nil, fmt.Errorf("cannot start %s: %w; it printed:\n%s", cfg.Path, errors.Join(err, stopErr), p.output)
	}
	return p, nil
}

func arguments(cfg Config, addr, data string, thriftPort int) []string {
	args := []string{
		"--no-p4",
		"--device-id", strconv.FormatUint(cfg.DeviceID, 10),
		"--thrift-port", strconv.Itoa(thriftPort),
	}
	for _, port := range slices.Sorted(maps.Keys(cfg.Interfaces)) {
		args = append(args, "-i", fmt.Sprintf("%d@%s", port, cfg.Interfaces[port]))
	}
	if cfg.Captures != "" {
		args = append(args, "--use-files", strconv.Itoa(int(cfg.Wait.Seconds())))
	}
	args = append(args, "--", "--grpc-server-addr", addr)
	if data != "" {
		args = append(args, "--dp-grpc-server-addr", data)
	}
	if cfg.CPUPort != 0 {
		args = append(args, "--cpu-port", strconv.Itoa(int(cfg.CPUPort)))
	}
	return args
}

func (p *Process) awaitReady(ctx context.Context, patience time.Duration) error {
	if patience == 0 {
		patience = 10 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var dialer net.Dialer
	retry := time.NewTicker(20 * time.Millisecond)
	defer retry.Stop()
	for {
		conn, err := dialer.DialContext(ctx, "tcp", p.addr)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-p.exited:
			return fmt.Errorf("it ended before it listened on %s: %v", p.addr, p.err)
		case <-ctx.Done():
			return fmt.Errorf("it did not listen on %s within %v: %w", p.addr, patience, err)
		case <-retry.C:
		}
	}
}

// Addr returns host:port of the switch's P4Runtime server.
func (p *Process) Addr() string { return p.addr }

// DataplaneAddr returns host:port of the switch's packet stream; empty without one.
func (p *Process) DataplaneAddr() string { return p.data }

// RuntimeAddr returns host:port of the switch's runtime server, for [DialRuntime]; nobody
// listens there if the switch was built without Thrift.
func (p *Process) RuntimeAddr() string { return p.thrift }

// Output returns the last of what the process printed.
func (p *Process) Output() string { return p.output.String() }

// Stop ends the process, politely first, and waits for its end. Being stopped is no error.
func (p *Process) Stop() error {
	select {
	case <-p.exited:
		return nil
	default:
	}
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("cannot stop %s: %w", p.cmd.Path, err)
	}
	patience := time.NewTimer(5 * time.Second)
	defer patience.Stop()
	select {
	case <-p.exited:
	case <-patience.C:
		if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("cannot kill %s: %w", p.cmd.Path, err)
		}
		<-p.exited
	}
	return nil
}

// freePorts returns n TCP ports of loopback that nobody listens on.
func freePorts(n int) ([]int, error) {
	ports := make([]int, 0, n)
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("no free port: %w", err)
		}
		defer l.Close() // all are held until all are found, so that they differ
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// tail is a writer that remembers the last bytes written.
type tail struct {
	mu    sync.Mutex
	limit int
	buf   []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, b...)
	if over := len(t.buf) - t.limit; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.buf))
}
