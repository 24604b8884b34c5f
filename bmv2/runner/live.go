package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/p4rt"
	"github.com/telltale-net/telltale/bmv2/port"
)

// Queue lengths of a live switch, in frames. What does not fit is shed and counted;
// only a packet stream over gRPC waits, because gRPC can.
const (
	inputQueue  = 4096 // of all ports together
	outputQueue = 1024 // per port
)

// LiveConfig is a switch in real time.
type LiveConfig struct {
	DeviceID uint64 // 0 = 1
	Engine   engine.Config
	Program  *Program // nil: a controller pushes one
	Ports    map[uint16]port.Driver
	// P4RT is where controllers come, Dataplane where packets come over gRPC; nil =
	// nowhere. Live closes them. Credentials are for both, nil = plain text.
	P4RT, Dataplane net.Listener
	Credentials     credentials.TransportCredentials
	// Notice hears of ports that fail for good; the switch goes on. May be nil.
	Notice func(error)
}

// Live is a switch in real time. One goroutine owns the engine; ports feed it through a
// bounded queue and are fed through one each.
//
//	port ─ receiver ─┐                            ┌─ queue ─ sender ─ port
//	stream, CPU ─────┴─► input queue ─► engine ───┼─ queue ─ sender ─ stream
//	                                              └─ P4Runtime: packet-in
type Live struct {
	cfg    LiveConfig
	target *Target
	began  time.Time
	input  chan arrival
	outs   map[uint16]*outPort
	wake   chan struct{} // a pipeline was committed

	stream  streamState
	reflect uint64 // id of the packet being taken in; the engine's goroutine only
	waiting []chan struct{}

	counts struct {
		shedIn, noPipeline, unconnected, cpuOut atomic.Uint64
	}
}

// arrival is a packet that came in, or, with done, a question when everything before it
// has left the switch.
type arrival struct {
	port uint16
	id   uint64
	data []byte
	done chan struct{}
}

// outPort is the way out of one port.
type outPort struct {
	driver port.Driver
	queue  chan []byte
	count  portCounters
}

type portCounters struct {
	rxPackets, rxBytes, rxShed         atomic.Uint64
	txPackets, txBytes, txShed, txFail atomic.Uint64
}

// PortStats counts what went through a port.
type PortStats struct {
	Port                uint16
	RxPackets, RxBytes  uint64
	RxShed              uint64 // the switch was too slow
	TxPackets, TxBytes  uint64
	TxShed              uint64 // the port was too slow
	TxFailed            uint64 // the port did not take the frame
	Strangers, Oversize uint64 // as in port.Stats
}

// LiveStats counts what a live switch did, and all that it had to shed.
type LiveStats struct {
	Ports       []PortStats
	NoPipeline  uint64 // packets that came before a program did
	Unconnected uint64 // packets out of ports that lead nowhere
	ShedIn      uint64 // packet-outs that the switch was too slow for
	StreamIn    uint64 // packets over gRPC
	StreamOut   uint64
	StreamShed  uint64 // packets out that the client was too slow for
	Engine      engine.Stats
	P4RT        p4rt.Stats
}

// NewLive makes a live switch; Run runs it. It owns the ports and listeners of cfg from
// now on.
func NewLive(cfg LiveConfig) (*Live, error) {
	l := &Live{
		cfg: cfg, input: make(chan arrival, inputQueue), outs: map[uint16]*outPort{},
		wake: make(chan struct{}, 1), began: time.Now(),
	}
	if cfg.DeviceID == 0 {
		l.cfg.DeviceID = 1
	}
	if l.cfg.Engine.Now == nil {
		l.cfg.Engine.Now = l.now // what controllers write and read has the same clock as packets
	}
	var err error
	l.target, err = NewTarget(TargetConfig{
		DeviceID: l.cfg.DeviceID, Engine: l.cfg.Engine, PacketOut: l.packetOut(),
		OnCommit: func(*engine.Program) {
			select {
			case l.wake <- struct{}{}:
			default:
			}
		},
	})
	if err == nil && cfg.Program != nil {
		err = l.target.Install(cfg.Program)
	}
	for number, d := range cfg.Ports {
		if number == cfg.Engine.CPUPort && number != 0 {
			err = errors.Join(err, fmt.Errorf("port %d is the CPU port and cannot be joined to anything else", number))
		}
		l.outs[number] = &outPort{driver: d, queue: make(chan []byte, outputQueue)}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot start the switch: %w", err), l.closeAll())
	}
	return l, nil
}

// packetOut returns where packet-outs go, nil without a CPU port.
func (l *Live) packetOut() func([]byte) {
	cpu := l.cfg.Engine.CPUPort
	if cpu == 0 {
		return nil
	}
	return func(packet []byte) {
		select {
		case l.input <- arrival{port: cpu, data: packet}:
			l.counts.cpuOut.Add(1)
		default:
			l.counts.shedIn.Add(1)
		}
	}
}

func (l *Live) closeAll() error {
	var errs []error
	for _, lis := range []net.Listener{l.cfg.P4RT, l.cfg.Dataplane} {
		if lis != nil {
			if err := lis.Close(); !errors.Is(err, net.ErrClosed) {
				errs = append(errs, err)
			}
		}
	}
	for _, d := range l.cfg.Ports {
		errs = append(errs, d.Close())
	}
	return errors.Join(errs...)
}

// Run runs the switch until ctx ends, and then stops everything it started. The error
// is a server's that failed before that, or of a port that could not be closed.
func (l *Live) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var receivers, senders, servers, notifier sync.WaitGroup
	failed := make(chan error, 2)
	var stops []func()
	serve := func(what string, lis net.Listener, s *grpc.Server) {
		stops = append(stops, s.Stop)
		servers.Go(func() {
			if err := s.Serve(lis); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
				failed <- fmt.Errorf("%s server on %v: %w", what, lis.Addr(), err)
				cancel()
			}
		})
	}
	if l.cfg.P4RT != nil {
		s := l.grpcServer()
		l.target.Server.Register(s)
		serve("P4Runtime", l.cfg.P4RT, s)
	}
	if l.cfg.Dataplane != nil {
		s := l.grpcServer()
		l.registerStream(s)
		serve("packet stream", l.cfg.Dataplane, s)
	}
	for number, o := range l.outs {
		receivers.Go(func() { l.receive(ctx, number, o) })
		senders.Go(o.send)
	}
	notifier.Go(func() { l.notify(ctx) })
	l.engine(ctx)

	notifier.Wait()
	for _, stop := range stops {
		stop()
	}
	servers.Wait()
	for _, o := range l.outs {
		close(o.queue)
	}
	senders.Wait() // what is queued leaves
	err := l.closeAll()
	receivers.Wait()
	close(failed)
	for e := range failed {
		err = errors.Join(err, e)
	}
	return err
}

func (l *Live) grpcServer() *grpc.Server {
	const maxMessage = 64 << 20 // a pipeline fits many times over
	opts := []grpc.ServerOption{grpc.MaxRecvMsgSize(maxMessage), grpc.WaitForHandlers(true)}
	if l.cfg.Credentials != nil {
		opts = append(opts, grpc.Creds(l.cfg.Credentials))
	}
	return grpc.NewServer(opts...)
}

// receive takes frames from a port into the input queue.
func (l *Live) receive(ctx context.Context, number uint16, o *outPort) {
	for {
		frame, err := o.driver.Receive()
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, port.ErrClosed) && l.cfg.Notice != nil && ctx.Err() == nil {
				l.cfg.Notice(fmt.Errorf("port %d receives nothing any more: %w", number, err))
			}
			return
		}
		o.count.rxPackets.Add(1)
		o.count.rxBytes.Add(uint64(len(frame)))
		select {
		case l.input <- arrival{port: number, data: slices.Clone(frame)}:
		default:
			o.count.rxShed.Add(1)
		}
	}
}

// send gives a port what its queue holds, until the queue is closed.
func (o *outPort) send() {
	for frame := range o.queue {
		if err := o.driver.Send(frame); err != nil {
			o.count.txFail.Add(1)
			continue
		}
		o.count.txPackets.Add(1)
		o.count.txBytes.Add(uint64(len(frame)))
	}
}

// tickEvery is how often digests and idle entries are looked for.
const tickEvery = 10 * time.Millisecond

// notify looks for digests and idle entries. It does so beside the engine, because it
// waits for requests under way and lists whole tables.
func (l *Live) notify(ctx context.Context) {
	ticks := time.NewTicker(tickEvery)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
			l.tick()
		}
	}
}

// engine owns the switch: it takes packets in, and lets them leave when they are due.
func (l *Live) engine(ctx context.Context) {
	due := time.NewTimer(time.Hour)
	defer due.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case a := <-l.input:
			l.take(a)
		case <-due.C:
		case <-l.wake:
		}
		due.Reset(l.leave())
	}
}

func (l *Live) now() engine.Time { return engine.Time(time.Since(l.began)) }

func (l *Live) take(a arrival) {
	if a.done != nil {
		l.waiting = append(l.waiting, a.done)
		return
	}
	sw := l.target.Switch()
	if sw == nil {
		l.counts.noPipeline.Add(1)
		return
	}
	now := l.now()
	sw.Run(now, l.emit)
	// What leaves at once came of this packet, if nothing else was waiting.
	if _, others := sw.Next(); !others {
		l.reflect = a.id
	}
	sw.Receive(now, a.port, a.data)
	sw.Run(now, l.emit)
	l.reflect = 0
}

// leave lets everything leave that is due and returns how long to wait for the next.
func (l *Live) leave() time.Duration {
	const idle = time.Hour
	sw := l.target.Switch()
	if sw != nil {
		sw.Run(l.now(), l.emit)
		if at, ok := sw.Next(); ok {
			return max(time.Duration(at-l.now()), 0)
		}
	}
	for _, done := range l.waiting {
		close(done)
	}
	l.waiting = l.waiting[:0]
	return idle
}

func (l *Live) tick() {
	if l.target.Switch() == nil {
		return
	}
	if err := l.target.Server.Tick(); err != nil && l.cfg.Notice != nil {
		l.cfg.Notice(fmt.Errorf("notifications: %w", err))
	}
}

// emit sends a packet on its way.
func (l *Live) emit(tx engine.Tx) {
	if cpu := l.cfg.Engine.CPUPort; cpu != 0 && tx.Port == cpu {
		l.target.Server.PacketIn(tx.Data)
		return
	}
	if o := l.outs[tx.Port]; o != nil {
		select {
		case o.queue <- slices.Clone(tx.Data):
		default:
			o.count.txShed.Add(1)
		}
		return
	}
	if !l.stream.emit(tx.Port, l.reflect, tx.Data) {
		l.counts.unconnected.Add(1)
	}
}

// Stats returns the counters as they are now.
func (l *Live) Stats() LiveStats {
	s := LiveStats{
		NoPipeline: l.counts.noPipeline.Load(), Unconnected: l.counts.unconnected.Load(), ShedIn: l.counts.shedIn.Load(),
		StreamIn: l.stream.in.Load(), StreamOut: l.stream.out.Load(), StreamShed: l.stream.shed.Load(),
		P4RT: l.target.Server.Stats(),
	}
	if sw := l.target.Switch(); sw != nil {
		s.Engine = sw.Stats()
	}
	for _, number := range slices.Sorted(maps.Keys(l.outs)) {
		o := l.outs[number]
		d, c := o.driver.Stats(), &o.count
		s.Ports = append(s.Ports, PortStats{
			Port:      number,
			RxPackets: c.rxPackets.Load(), RxBytes: c.rxBytes.Load(), RxShed: c.rxShed.Load(),
			TxPackets: c.txPackets.Load(), TxBytes: c.txBytes.Load(), TxShed: c.txShed.Load(), TxFailed: c.txFail.Load(),
			Strangers: d.Strangers, Oversize: d.Oversize,
		})
	}
	return s
}
