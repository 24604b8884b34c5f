package differ

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/telltale-net/telltale/bmv2/port/dataplane"
	"github.com/telltale-net/telltale/bmv2/runner"
)

// Judge is the other switch, running and without a pipeline.
type Judge struct {
	Device uint64
	P4RT   grpc.ClientConnInterface // its P4Runtime server
	Data   grpc.ClientConnInterface // its packet stream
	Batch  int                      // packets that it can take at once without losing any; 0 = 1
	// Ready is called once, when the judge has a program and takes packets; may be nil.
	Ready func(context.Context) error
	// Registers reads a register array, cells of at most 63 bits; nil where that cannot be.
	Registers func(ctx context.Context, name string) ([]int64, error)
	// AddToValueSet adds a member to a parser value set: the fields of the key padded to
	// bytes, one behind the other. nil: over P4Runtime like everything else.
	AddToValueSet func(ctx context.Context, name string, value []byte) error
	Stop          func() error // ends it; the error says what it died of, if it did
}

// bench is a judge at work: with a program, and a way to get packets in.
type bench struct {
	judge      Judge
	controller *runner.Controller
	data       dataplane.DataplaneInterfaceClient
	digests    *digestLog
	patience   time.Duration // per stream
}

// seat starts a judge and gives it the program.
func seat(ctx context.Context, cfg *Config) (*bench, error) {
	j, err := cfg.Start(ctx)
	if err != nil {
		return nil, fmt.Errorf("the judge: %w", err)
	}
	b := &bench{judge: j, data: dataplane.NewDataplaneInterfaceClient(j.Data), digests: newDigestLog(cfg.Program), patience: cfg.Patience}
	if b.controller, err = runner.NewController(ctx, j.P4RT, j.Device); err != nil {
		return nil, errors.Join(fmt.Errorf("the judge: %w", err), j.Stop())
	}
	b.controller.Hear(func(m *p4v1.StreamMessageResponse) {
		if list := m.GetDigest(); list != nil {
			b.digests.heard(list)
		}
	})
	err = b.controller.Push(ctx, cfg.Program.Info, cfg.Program.JSON)
	if err == nil {
		err = b.awaitData(ctx)
	}
	if err == nil && j.Ready != nil {
		err = j.Ready(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the judge: %w", err), b.leave())
	}
	return b, nil
}

// awaitData waits until the judge takes packets, which BMv2 does a moment after its
// servers answer, and not without a program.
func (b *bench) awaitData(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, b.patience)
	defer cancel()
	const retry = 5 * time.Millisecond
	for {
		_, err := b.exchange(ctx, nil, false)
		if status.Code(err) != codes.Unavailable { // of no error it is OK
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(retry):
		}
	}
}

func (b *bench) leave() error {
	return errors.Join(b.controller.Close(), b.judge.Stop())
}

// maxGate is how long the next packet waits for what should come out of the one in front.
// Then the judge itself is asked: it ends the stream when it is through.
const maxGate = 100 * time.Millisecond

// exchange sends packets and returns what came of each, sorted by port. In single file a
// packet is sent when everything that the models made of the one in front has come out, or
// else the judge has ended the stream; the rest then goes in another one.
func (b *bench) exchange(ctx context.Context, packets []*packet, singleFile bool) (got [][]output, err error) {
	for {
		some, err := b.stream(ctx, packets, singleFile)
		if err != nil {
			return nil, err
		}
		got, packets = append(got, some...), packets[len(some):]
		if len(packets) == 0 {
			return got, nil
		}
	}
}

// stream exchanges packets in one stream: all of them, or the first few.
func (b *bench) stream(ctx context.Context, packets []*packet, singleFile bool) (got [][]output, err error) {
	ctx, cancel := context.WithTimeout(ctx, b.patience)
	defer cancel()
	stream, err := b.data.PacketStream(ctx, grpc.WaitForReady(true))
	if err != nil {
		return nil, fmt.Errorf("cannot open a packet stream: %w", err)
	}
	out := make(chan int, len(packets)) // by index: all of the packet has come out
	type result struct {
		n   int
		err error
	}
	sent := make(chan result, 1)
	go func() {
		n, err := b.send(ctx, stream, packets, singleFile, out)
		sent <- result{n, err}
	}()
	got = make([][]output, len(packets))
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			cancel()
			<-sent
			return nil, fmt.Errorf("cannot receive packets: %w", err)
		}
		i := m.GetId() - 1
		if i >= uint64(len(packets)) || m.GetPort() > 1<<16-1 {
			cancel()
			<-sent
			return nil, fmt.Errorf("got a packet from port %d that comes of packet %d; want ports to %d and packets 1 to %d",
				m.GetPort(), m.GetId(), 1<<16-1, len(packets))
		}
		got[i] = append(got[i], output{port: uint16(m.GetPort()), data: m.GetPacket()})
		if singleFile && len(got[i]) == packets[i].gate {
			out <- int(i)
		}
	}
	r := <-sent
	if r.err != nil {
		return nil, r.err
	}
	got = got[:r.n]
	for i := range got {
		byPort(got[i])
	}
	return got, nil
}

// send sends packets, ends the stream, and says how many packets that were.
func (b *bench) send(ctx context.Context, stream dataplane.DataplaneInterface_PacketStreamClient, packets []*packet, singleFile bool, out <-chan int) (n int, err error) {
	for more := true; more && n < len(packets); {
		p := packets[n]
		n++
		err := stream.Send(&dataplane.PacketStreamRequest{Id: uint64(n), DeviceId: b.judge.Device, Port: uint32(p.port), Packet: p.data})
		if errors.Is(err, io.EOF) {
			return n, fmt.Errorf("cannot send packet %d of %d: the switch ended the stream", n, len(packets))
		}
		if err != nil {
			return n, fmt.Errorf("cannot send packet %d of %d: %w", n, len(packets), err)
		}
		if singleFile && p.gate != 0 && n < len(packets) {
			more = p.gate > 0 && await(ctx, out, n-1)
		}
	}
	if err := stream.CloseSend(); err != nil {
		return n, fmt.Errorf("cannot end a packet stream: %w", err)
	}
	return n, nil
}

// await waits until packet i has come out; false if that takes too long.
func await(ctx context.Context, out <-chan int, i int) bool {
	late := time.NewTimer(maxGate)
	defer late.Stop()
	for {
		select {
		case k := <-out:
			if k == i {
				return true
			}
		case <-late.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}
