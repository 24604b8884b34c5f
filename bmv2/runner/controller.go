package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

const (
	// maxErrorDetails is how many bytes of per-update errors a client takes; they
	// travel in the trailer, for which gRPC's own limit is small.
	maxErrorDetails = 8 << 20
	writeBatch      = 64 // updates per request: their errors fit any server's trailer
	arbitrationTime = 30 * time.Second
)

// Controller is the primary controller of one switch. It pushes a pipeline and writes
// entities, in order; it does not reconnect.
type Controller struct {
	client   p4v1.P4RuntimeClient
	stream   p4v1.P4Runtime_StreamChannelClient
	cancel   context.CancelFunc
	device   uint64
	election *p4v1.Uint128
	closed   chan struct{} // the stream was read to its end
	hear     atomic.Pointer[func(*p4v1.StreamMessageResponse)]
}

// NewController takes part in the arbitration and returns as primary. The caller
// keeps conn and closes it after the controller.
func NewController(ctx context.Context, conn grpc.ClientConnInterface, device uint64) (*Controller, error) {
	streamCtx, cancel := context.WithCancel(ctx)
	c := &Controller{
		client: p4v1.NewP4RuntimeClient(conn), cancel: cancel, device: device,
		election: &p4v1.Uint128{Low: 1}, closed: make(chan struct{}),
	}
	if err := c.arbitrate(streamCtx); err != nil {
		cancel()
		return nil, fmt.Errorf("cannot become the controller of device %d: %w", device, err)
	}
	go func() {
		defer close(c.closed)
		for {
			m, err := c.stream.Recv()
			if err != nil {
				return
			}
			if hear := c.hear.Load(); hear != nil {
				(*hear)(m)
			}
		}
	}()
	return c, nil
}

// Hear sets who is told what the switch says of its own accord, such as digests, from
// now on. It is called by one goroutine at a time.
func (c *Controller) Hear(tell func(*p4v1.StreamMessageResponse)) { c.hear.Store(&tell) }

func (c *Controller) arbitrate(ctx context.Context) (err error) {
	late := time.AfterFunc(arbitrationTime, c.cancel)
	defer late.Stop()
	if c.stream, err = c.client.StreamChannel(ctx, grpc.WaitForReady(true)); err != nil {
		return err
	}
	err = c.stream.Send(&p4v1.StreamMessageRequest{Update: &p4v1.StreamMessageRequest_Arbitration{
		Arbitration: &p4v1.MasterArbitrationUpdate{DeviceId: c.device, ElectionId: c.election},
	}})
	if err != nil && !errors.Is(err, io.EOF) { // at io.EOF Recv says why
		return err
	}
	m, err := c.stream.Recv()
	if err != nil {
		return err
	}
	if code := m.GetArbitration().GetStatus().GetCode(); m.GetArbitration() == nil || code != int32(codes.OK) {
		return fmt.Errorf("got %v, want to be primary", m)
	}
	return nil
}

// Push makes the switch run a program, without any entries.
func (c *Controller) Push(ctx context.Context, info *configv1.P4Info, json []byte) error {
	_, err := c.client.SetForwardingPipelineConfig(ctx, &p4v1.SetForwardingPipelineConfigRequest{
		DeviceId: c.device, ElectionId: c.election, Action: p4v1.SetForwardingPipelineConfigRequest_VERIFY_AND_COMMIT,
		Config: &p4v1.ForwardingPipelineConfig{P4Info: info, P4DeviceConfig: json},
	})
	if err != nil {
		return fmt.Errorf("cannot push the pipeline: %w", err)
	}
	return nil
}

// Write carries out updates in order, all of them, and returns what became of each:
// nil or why it was refused. The second error is that of the session.
func (c *Controller) Write(ctx context.Context, updates []*p4v1.Update) ([]error, error) {
	results := make([]error, 0, len(updates))
	for len(updates) > 0 {
		batch := updates[:min(writeBatch, len(updates))]
		updates = updates[len(batch):]
		_, err := c.client.Write(ctx, &p4v1.WriteRequest{DeviceId: c.device, ElectionId: c.election, Updates: batch})
		errs, err := updateErrors(err, len(batch))
		if err != nil {
			return results, fmt.Errorf("cannot write update %d: %w", len(results), err)
		}
		results = append(results, errs...)
	}
	return results, nil
}

// updateErrors takes the status of a write apart. A single refused update may come as
// the status itself.
func updateErrors(err error, n int) ([]error, error) {
	errs := make([]error, n)
	if err == nil {
		return errs, nil
	}
	st := status.Convert(err)
	details := st.Proto().GetDetails()
	if st.Code() != codes.Unknown || len(details) != n {
		return nil, err
	}
	for i, d := range details {
		var e p4v1.Error
		if err := d.UnmarshalTo(&e); err != nil {
			return nil, fmt.Errorf("cannot read error %d of a write: %w", i, err)
		}
		if code := codes.Code(e.GetCanonicalCode()); code != codes.OK {
			errs[i] = status.Error(code, e.GetMessage())
		}
	}
	return errs, nil
}

// WriteAll is Write of a request as a file has it: it fails at the first update that
// is refused, naming it. Device, role and election ids of the request are not looked at.
func (c *Controller) WriteAll(ctx context.Context, req *p4v1.WriteRequest) error {
	errs, err := c.Write(ctx, req.GetUpdates())
	if err != nil {
		return err
	}
	for i, err := range errs {
		if err != nil {
			return fmt.Errorf("cannot write update %d (%v of %s): %w", i, req.GetUpdates()[i].GetType(), kindOf(req.GetUpdates()[i].GetEntity()), err)
		}
	}
	return nil
}

// kindOf names what an entity is.
func kindOf(e *p4v1.Entity) string {
	m := e.ProtoReflect()
	if f := m.WhichOneof(m.Descriptor().Oneofs().ByName("entity")); f != nil {
		return string(f.Name())
	}
	return "nothing"
}

// Read returns what the switch has for the requests.
func (c *Controller) Read(ctx context.Context, requests ...*p4v1.Entity) (out []*p4v1.Entity, err error) {
	stream, err := c.client.Read(ctx, &p4v1.ReadRequest{DeviceId: c.device, Entities: requests})
	if err != nil {
		return nil, fmt.Errorf("cannot read from device %d: %w", c.device, err)
	}
	for {
		r, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read from device %d: %w", c.device, err)
		}
		for _, e := range r.GetEntities() {
			out = append(out, proto.CloneOf(e))
		}
	}
}

// Close ends the session.
func (c *Controller) Close() error {
	err := c.stream.CloseSend()
	c.cancel()
	<-c.closed
	return err
}
