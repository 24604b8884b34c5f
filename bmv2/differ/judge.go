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
	late       int // packets that were waited for in vain
}

// seat starts a judge and gives it the program.
func seat(ctx context.Context, cfg *Config) (*bench, error) {
	j, err := cfg.Start(ctx)
	if err != nil {
		return nil, fmt.Errorf("the judge: %w", err)
	}
	b := &bench{judge: j, data: dataplane.NewDataplaneInterfaceClient(j.Data), digests: newDigestLog(cfg.Program)}
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
		err = b.awaitData(ctx, cfg.Patience)
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
func (b *bench) awaitData(ctx context.Context, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
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

// How long the next packet is held back for one that the judge does not send although all
// models do, and how often before such is known of it.
const (
	longGate  = 500 * time.Millisecond
	shortGate = 10 * time.Millisecond
	maxLate   = 3
)

// exchange sends packets and returns what came of each, sorted by port. In single file a
// packet is sent when everything that the models made of the one in front has come out.
func (b *bench) exchange(ctx context.Context, packets []*packet, singleFile bool) (got [][]output, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := b.data.PacketStream(ctx, grpc.WaitForReady(true))
	if err != nil {
		return nil, fmt.Errorf("cannot open a packet stream: %w", err)
	}
	out := make(chan int, len(packets)) // by index: all of the packet has come out
	sent := make(chan error, 1)
	go func() { sent <- b.send(ctx, stream, packets, singleFile, out) }()
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
		got[i] = append(got[i], output{uint16(m.GetPort()), m.GetPacket()})
		if singleFile && len(got[i]) == packets[i].gate {
			out <- int(i)
		}
	}
	if err := <-sent; err != nil {
		return nil, err
	}
	for i := range got {
		byPort(got[i])
	}
	return got, nil
}

func (b *bench) send(ctx context.Context, stream dataplane.DataplaneInterface_PacketStreamClient, packets []*packet, singleFile bool, out <-chan int) error {
	for i, p := range packets {
		err := stream.Send(&dataplane.PacketStreamRequest{Id: uint64(i) + 1, DeviceId: b.judge.Device, Port: uint32(p.port), Packet: p.data})
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("cannot send packet %d of %d: the switch ended the stream", i+1, len(packets))
		}
		if err != nil {
			return fmt.Errorf("cannot send packet %d of %d: %w", i+1, len(packets), err)
		}
		if singleFile && p.gate > 0 && i < len(packets)-1 {
			if err := b.await(ctx, out, i); err != nil {
				return err
			}
		}
	}
	if err := stream.CloseSend(); err != nil {
		return fmt.Errorf("cannot end a packet stream: %w", err)
	}
	return nil
}

// await waits until packet i has come out.
func (b *bench) await(ctx context.Context, out <-chan int, i int) error {
	wait := longGate
	if b.late >= maxLate {
		wait = shortGate
	}
	late := time.NewTimer(wait)
	defer late.Stop()
	for {
		select {
		case k := <-out:
			if k == i {
				return nil
			}
		case <-late.C:
			b.late++
			return nil // it will be missed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
