package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/credentials"

	"github.com/telltale-net/telltale/bmv2/port"
	"github.com/telltale-net/telltale/bmv2/runner"
)

type runFlags struct {
	program, p4info string
	grpc, dataplane string
	ports           []string
	device          uint64
	cpuPort         uint16
	seed            uint64
	queues, depth   int
	cert, key, ca   string
	interval        time.Duration
	out             io.Writer
	printing        sync.Mutex
}

func newSwitchRunCmd() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run --grpc HOST:PORT [--program P.json --p4info P.txtpb] [--port N=DRIVER …] [--dataplane HOST:PORT]",
		Short: "Run a switch in real time, with ports and a P4Runtime server",
		Long: `Run a switch in real time, with ports and a P4Runtime server, until interrupted.

A port is joined to the world by one of
  udp:LOCAL/REMOTE   a frame per UDP datagram, from and to REMOTE only
  veth:NAME          an Ethernet interface that exists (Linux, with the right to raw sockets)
  pcap:IN,OUT        plays the capture IN at its own pace and records OUT; either may be empty
and all others are reached by the packet stream at --dataplane, which is that of
simple_switch_grpc. Without --program, packets are dropped and counted until a
controller pushes a pipeline.

With --tls-cert and --tls-key both servers speak TLS 1.2 or later; with --tls-ca they
want certificates of clients, too. Counters, and all that had to be shed, are printed
at the end, and every --stats-interval.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.out = cmd.OutOrStdout()
			return f.run(cmd.Context())
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.program, "program", "", "BMv2 JSON (default: a controller pushes one)")
	fl.StringVar(&f.p4info, "p4info", "", "P4Info in text format")
	fl.StringVar(&f.grpc, "grpc", "127.0.0.1:9559", "where controllers come")
	fl.StringVar(&f.dataplane, "dataplane", "", "where packets come over gRPC (p4.bm.DataplaneInterface)")
	fl.StringArrayVar(&f.ports, "port", nil, "N=udp:LOCAL/REMOTE, N=veth:NAME or N=pcap:IN,OUT; may be repeated")
	fl.Uint64Var(&f.device, "device-id", 1, "of P4Runtime")
	fl.Uint16Var(&f.cpuPort, "cpu-port", 510, "packet-in and packet-out; 0 = none")
	fl.Uint64Var(&f.seed, "seed", 1, "of the program's random numbers")
	fl.IntVar(&f.queues, "queues", 1, "per port, by priority")
	fl.IntVar(&f.depth, "queue-depth", 64, "packets per queue")
	fl.StringVar(&f.cert, "tls-cert", "", "certificate of the servers, PEM")
	fl.StringVar(&f.key, "tls-key", "", "its key, PEM")
	fl.StringVar(&f.ca, "tls-ca", "", "certificates that clients' must be signed by, PEM")
	fl.DurationVar(&f.interval, "stats-interval", 0, "how often to print counters; 0 = only at the end")
	return cmd
}

func (f *runFlags) run(ctx context.Context) (err error) {
	cfg := runner.LiveConfig{DeviceID: f.device}
	cfg.Engine.CPUPort, cfg.Engine.Seed = f.cpuPort, f.seed
	cfg.Engine.QueuesPerPort, cfg.Engine.QueueDepth = f.queues, f.depth
	if f.device == 0 {
		return errors.New("--device-id: got 0, want another")
	}
	if f.cpuPort > 510 {
		return fmt.Errorf("--cpu-port: got %d, want at most 510", f.cpuPort)
	}
	if (f.program == "") != (f.p4info == "") {
		return errors.New("--program and --p4info: got one, want both or neither")
	}
	if cfg.Credentials, err = serverTLS(f.cert, f.key, f.ca); err != nil {
		return err
	}
	if f.program != "" {
		if cfg.Program, err = runner.ReadProgram(f.program, f.p4info); err != nil {
			return err
		}
	}
	if cfg.Ports, err = openPorts(f.ports); err != nil {
		return err
	}
	if err := listen(&cfg, f.grpc, f.dataplane); err != nil {
		return err
	}
	cfg.Notice = func(err error) { f.print("warning: %v\n", err) }
	l, err := runner.NewLive(cfg)
	if err != nil {
		return err
	}
	f.print("P4Runtime server of device %d at %v\n", f.device, cfg.P4RT.Addr())
	if cfg.Dataplane != nil {
		f.print("packet stream at %v\n", cfg.Dataplane.Addr())
	}
	stop := f.printPeriodically(l)
	err = l.Run(ctx)
	stop()
	s := l.Stats()
	f.print("%s", liveStats(&s))
	if err != nil {
		return fmt.Errorf("the switch stopped: %w", err)
	}
	return nil
}

// print writes to the standard output, from any goroutine. Where it cannot, the switch
// goes on.
func (f *runFlags) print(format string, args ...any) {
	f.printing.Lock()
	defer f.printing.Unlock()
	_, _ = fmt.Fprintf(f.out, format, args...)
}

func (f *runFlags) printPeriodically(l *runner.Live) (stop func()) {
	if f.interval <= 0 {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticks := time.NewTicker(f.interval)
		defer ticks.Stop()
		for {
			select {
			case <-ticks.C:
				s := l.Stats()
				f.print("%s", liveStats(&s))
			case <-done:
				return
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

// serverTLS returns the servers' credentials, nil for plain text.
func serverTLS(cert, key, ca string) (credentials.TransportCredentials, error) {
	if cert == "" && key == "" && ca == "" {
		return nil, nil
	}
	if cert == "" || key == "" {
		return nil, errors.New("TLS takes --tls-cert and --tls-key, both; --tls-ca is for clients' certificates beside them")
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("cannot use certificate %s with key %s: %w", cert, key, err)
	}
	cfg := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, fmt.Errorf("cannot read certificates of --tls-ca: %w", err)
		}
		cfg.ClientCAs, cfg.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
		if !cfg.ClientCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("cannot use --tls-ca %s: it holds no certificate", ca)
		}
	}
	return credentials.NewTLS(cfg), nil
}

// openPorts opens N=DRIVER, all or none.
func openPorts(args []string) (_ map[uint16]port.Driver, err error) {
	ports := map[uint16]port.Driver{}
	defer func() {
		if err != nil {
			for _, d := range ports {
				err = errors.Join(err, d.Close())
			}
		}
	}()
	for _, arg := range args {
		number, driver, ok := strings.Cut(arg, "=")
		n, err := strconv.ParseUint(number, 10, 16)
		if !ok || err != nil || n > 510 {
			return ports, fmt.Errorf("--port %q: want N=DRIVER with a port of 0 to 510", arg)
		}
		if ports[uint16(n)] != nil {
			return ports, fmt.Errorf("--port %q: port %d is joined already", arg, n)
		}
		d, err := port.Open(driver)
		if err != nil {
			return ports, err
		}
		ports[uint16(n)] = d
	}
	return ports, nil
}

// listen opens the listeners; if it cannot, it closes the ports.
func listen(cfg *runner.LiveConfig, grpcAddr, dataplane string) error {
	fail := func(err error) error {
		for _, d := range cfg.Ports {
			err = errors.Join(err, d.Close())
		}
		return err
	}
	var err error
	if cfg.P4RT, err = net.Listen("tcp", grpcAddr); err != nil {
		return fail(fmt.Errorf("cannot listen for controllers: %w", err))
	}
	if dataplane == "" {
		return nil
	}
	if cfg.Dataplane, err = net.Listen("tcp", dataplane); err != nil {
		return fail(errors.Join(fmt.Errorf("cannot listen for packets: %w", err), cfg.P4RT.Close()))
	}
	return nil
}

// liveStats is what a live switch did, a line per subject, without what is zero.
func liveStats(s *runner.LiveStats) string {
	var b strings.Builder
	fmt.Fprintf(&b, "switch: %d packets in, %d out", s.Engine.Received, s.Engine.Transmitted)
	part := func(n uint64, what string) {
		if n > 0 {
			fmt.Fprintf(&b, ", %d %s", n, what)
		}
	}
	part(s.NoPipeline, "came before there was a program")
	part(s.Unconnected, "left by ports that lead nowhere")
	part(s.ShedIn, "packet-outs shed")
	if lost := stats(&s.Engine); lost != "" {
		b.WriteString(", " + lost)
	}
	b.WriteString("\n")
	for _, p := range s.Ports {
		fmt.Fprintf(&b, "port %d: received %d packets, %d bytes; sent %d packets, %d bytes", p.Port, p.RxPackets, p.RxBytes, p.TxPackets, p.TxBytes)
		part(p.RxShed, "received and shed, the switch being too slow")
		part(p.TxShed, "to be sent and shed, the port being too slow")
		part(p.TxFailed, "not taken by the port")
		part(p.Strangers, "from strangers")
		part(p.Oversize, "too long or merged (switch segmentation offload off)")
		b.WriteString("\n")
	}
	if s.StreamIn+s.StreamOut+s.StreamShed > 0 {
		fmt.Fprintf(&b, "packet stream: %d in, %d out", s.StreamIn, s.StreamOut)
		part(s.StreamShed, "shed, the client being too slow")
		b.WriteString("\n")
	}
	r := &s.P4RT
	fmt.Fprintf(&b, "P4Runtime: %d writes of %d updates, %d refused; %d packet-ins, %d packet-outs", r.Writes, r.Updates, r.UpdatesFailed, r.PacketIns, r.PacketOuts)
	part(r.PacketInsNoPrimary, "packet-ins without a controller")
	part(r.PacketInsShed, "packet-ins shed")
	part(r.PacketInsMalformed, "packet-ins without their header")
	part(r.PacketOutsRefused, "packet-outs refused")
	part(r.NotificationsShed, "notifications shed")
	part(r.DigestsShed, "digests shed")
	part(r.StreamErrorsShed, "stream errors shed")
	b.WriteString("\n")
	return b.String()
}
