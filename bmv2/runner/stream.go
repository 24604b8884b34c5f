package runner

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/telltale-net/telltale/bmv2/port/dataplane"
)

// streamState is the one client that may exchange packets over gRPC.
type streamState struct {
	mu     sync.Mutex
	queue  chan *dataplane.PacketStreamResponse // nil: nobody there
	closed bool                                 // no packet may be added to queue any more

	in, out, shed atomic.Uint64
}

const streamQueue = 8192 // packets waiting for the client

// emit gives a packet to the client; false if there is none.
func (s *streamState) emit(port uint16, id uint64, data []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queue == nil || s.closed {
		return false
	}
	select {
	case s.queue <- &dataplane.PacketStreamResponse{Id: id, Port: uint32(port), Packet: slices.Clone(data)}:
		s.out.Add(1)
	default:
		s.shed.Add(1)
	}
	return true
}

// streamServer is the service; its ports are those without a driver.
type streamServer struct {
	dataplane.UnimplementedDataplaneInterfaceServer
	l *Live
}

func (l *Live) registerStream(s *grpc.Server) {
	dataplane.RegisterDataplaneInterfaceServer(s, &streamServer{l: l})
}

const maxPort = 511 // the drop port is no place to arrive at, but 9 bits is what v1model has

func (s *streamServer) PacketStream(stream dataplane.DataplaneInterface_PacketStreamServer) error {
	queue := make(chan *dataplane.PacketStreamResponse, streamQueue)
	st := &s.l.stream
	st.mu.Lock()
	if st.queue != nil {
		st.mu.Unlock()
		return status.Error(codes.ResourceExhausted, "another client exchanges packets already")
	}
	st.queue, st.closed = queue, false
	st.mu.Unlock()

	sent := make(chan error, 1)
	go func() { sent <- s.send(stream, queue) }()
	err := s.receive(stream)
	st.mu.Lock()
	st.closed = true
	close(queue)
	st.mu.Unlock()
	err = errors.Join(err, <-sent)
	st.mu.Lock()
	st.queue = nil
	st.mu.Unlock()
	return err
}

func (s *streamServer) send(stream dataplane.DataplaneInterface_PacketStreamServer, queue <-chan *dataplane.PacketStreamResponse) (err error) {
	for m := range queue {
		if err == nil {
			m.DeviceId = s.l.cfg.DeviceID
			err = stream.Send(m)
		}
	}
	return err
}

// receive takes packets in until the client has no more, and then waits until nothing
// of them is left in the switch.
func (s *streamServer) receive(stream dataplane.DataplaneInterface_PacketStreamServer) error {
	ctx := stream.Context()
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if m.GetDeviceId() != s.l.cfg.DeviceID || len(m.GetPacket()) == 0 {
			continue // as simple_switch_grpc does
		}
		if m.GetPort() > maxPort {
			return status.Errorf(codes.InvalidArgument, "port: got %d, want at most %d", m.GetPort(), maxPort)
		}
		if err := s.enter(ctx, arrival{port: uint16(m.GetPort()), id: m.GetId(), data: m.GetPacket()}); err != nil {
			return err
		}
		s.l.stream.in.Add(1)
	}
	done := make(chan struct{})
	if err := s.enter(ctx, arrival{done: done}); err != nil {
		return err
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}

func (s *streamServer) enter(ctx context.Context, a arrival) error {
	select {
	case s.l.input <- a:
		return nil
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}

func (s *streamServer) SetPortOperStatus(_ context.Context, r *dataplane.SetPortOperStatusRequest) (*dataplane.SetPortOperStatusResponse, error) {
	if r.GetDeviceId() != s.l.cfg.DeviceID {
		return nil, status.Errorf(codes.InvalidArgument, "device: got %d, want %d", r.GetDeviceId(), s.l.cfg.DeviceID)
	}
	if r.GetPort() > maxPort {
		return nil, status.Errorf(codes.InvalidArgument, "port: got %d, want at most %d", r.GetPort(), maxPort)
	}
	switch r.GetOperStatus() {
	case dataplane.PortOperStatus_OPER_STATUS_UP:
		s.l.target.SetPortUp(uint16(r.GetPort()), true)
	case dataplane.PortOperStatus_OPER_STATUS_DOWN:
		s.l.target.SetPortUp(uint16(r.GetPort()), false)
	default:
		return nil, status.Errorf(codes.InvalidArgument, "status: got %v, want up or down", r.GetOperStatus())
	}
	return &dataplane.SetPortOperStatusResponse{}, nil
}
