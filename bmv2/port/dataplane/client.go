package dataplane

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc"
)

// Packet is a packet at a port. ID names the packet sent in of which it came; 0 if
// that is not known.
type Packet struct {
	ID   uint64
	Port uint16
	Data []byte
}

// Client sends packets into a switch.
type Client struct {
	stub   DataplaneInterfaceClient
	device uint64
}

// NewClient returns a client of the switch at the other end of conn.
func NewClient(conn grpc.ClientConnInterface, device uint64) *Client {
	return &Client{NewDataplaneInterfaceClient(conn), device}
}

// Exchange sends packets, which may not be empty, and returns all that leaves the
// switch until nothing of them is left inside: the end of the stream is the switch's
// word for it. out is in the order in which packets left.
//
// It is a stream of its own; switches serve one at a time.
func (c *Client) Exchange(ctx context.Context, in []Packet) (out []Packet, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.stub.PacketStream(ctx, grpc.WaitForReady(true))
	if err != nil {
		return nil, fmt.Errorf("cannot open a packet stream: %w", err)
	}
	sent := make(chan error, 1)
	go func() { sent <- c.send(stream, in) }()
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
		if m.GetPort() > 1<<16-1 {
			cancel()
			<-sent
			return nil, fmt.Errorf("cannot receive packets: got one of port %d, want at most %d", m.GetPort(), 1<<16-1)
		}
		out = append(out, Packet{m.GetId(), uint16(m.GetPort()), m.GetPacket()})
	}
	if err := <-sent; err != nil {
		return nil, err
	}
	return out, nil
}

func (c *Client) send(stream DataplaneInterface_PacketStreamClient, in []Packet) error {
	for i := range in {
		p := &in[i]
		err := stream.Send(&PacketStreamRequest{Id: p.ID, DeviceId: c.device, Port: uint32(p.Port), Packet: p.Data})
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("cannot send packet %d of %d: the switch ended the stream", i+1, len(in))
		}
		if err != nil {
			return fmt.Errorf("cannot send packet %d of %d: %w", i+1, len(in), err)
		}
	}
	if err := stream.CloseSend(); err != nil {
		return fmt.Errorf("cannot end a packet stream: %w", err)
	}
	return nil
}

// SetPortUp tells the switch whether a port is up.
func (c *Client) SetPortUp(ctx context.Context, port uint16, up bool) error {
	st := PortOperStatus_OPER_STATUS_DOWN
	if up {
		st = PortOperStatus_OPER_STATUS_UP
	}
	_, err := c.stub.SetPortOperStatus(ctx, &SetPortOperStatusRequest{DeviceId: c.device, Port: uint32(port), OperStatus: st})
	if err != nil {
		return fmt.Errorf("cannot set the status of port %d: %w", port, err)
	}
	return nil
}
