package p4rt

import (
	"errors"
	"io"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/telltale-net/telltale/bmv2/p4rt/entity"
)

// StreamChannel is a controller's session. The handler sends; a goroutine of its
// own receives and ends with the stream.
func (s *Server) StreamChannel(stream p4v1.P4Runtime_StreamChannelServer) error {
	box := newOutbox(s.cfg.Limits)
	m := &member{post: box.putNotice}
	s.arb.Lock()
	room := len(s.boxes) < s.cfg.Limits.Streams*s.cfg.Limits.Roles
	if room {
		s.boxes[m] = box
	}
	s.arb.Unlock()
	if !room {
		return status.Errorf(codes.ResourceExhausted, "device %d has %d open streams already", s.cfg.DeviceID, s.cfg.Limits.Streams*s.cfg.Limits.Roles)
	}
	defer s.leave(m)

	done := make(chan error, 1)
	go func() {
		for {
			req, err := stream.Recv()
			if err == nil {
				err = s.handle(m, box, req)
			}
			if err != nil {
				done <- err
				return
			}
		}
	}()
	for {
		for {
			msg := box.take()
			if msg == nil {
				break
			}
			if err := stream.Send(msg); err != nil {
				return err
			}
		}
		select {
		case err := <-done:
			if errors.Is(err, io.EOF) {
				return nil
			}
			return rpcStreamError(err)
		case <-box.wake:
		case <-stream.Context().Done():
			return stream.Context().Err()
		}
	}
}

// rpcStreamError keeps the status of gRPC's own errors.
func rpcStreamError(err error) error {
	var e *entity.Error
	if errors.As(err, &e) {
		return rpcError(err)
	}
	return err
}

// leave ends a controller's membership and tells the others.
func (s *Server) leave(m *member) {
	s.arb.Lock()
	defer s.arb.Unlock()
	delete(s.boxes, m)
	s.notify(s.arbiter.leave(m))
}

func (s *Server) notify(ms []*member) {
	for _, m := range ms {
		m.post(s.arbiter.notice(m))
	}
}

// handle processes one message of a controller. An error ends the stream; only
// arbitration does that ("Stream Error Reporting").
func (s *Server) handle(m *member, box *outbox, req *p4v1.StreamMessageRequest) error {
	switch u := req.GetUpdate().(type) {
	case *p4v1.StreamMessageRequest_Arbitration:
		return s.arbitrate(m, u.Arbitration)
	case *p4v1.StreamMessageRequest_Packet:
		if err := s.packetOut(m, u.Packet); err != nil {
			s.stats.packetOutsRefused.Add(1)
			s.streamError(box, &p4v1.StreamError{
				CanonicalCode: int32(entity.CodeOf(err)), Message: err.Error(), Space: errorSpace,
				Details: &p4v1.StreamError_PacketOut{PacketOut: &p4v1.PacketOutError{PacketOut: u.Packet}},
			})
		}
	case *p4v1.StreamMessageRequest_DigestAck:
		if err := s.digestAck(m, u.DigestAck); err != nil {
			s.streamError(box, &p4v1.StreamError{
				CanonicalCode: int32(entity.CodeOf(err)), Message: err.Error(), Space: errorSpace,
				Details: &p4v1.StreamError_DigestListAck{DigestListAck: &p4v1.DigestListAckError{DigestListAck: u.DigestAck}},
			})
		}
	case *p4v1.StreamMessageRequest_Other:
		s.streamError(box, &p4v1.StreamError{
			CanonicalCode: int32(codes.Unimplemented), Message: "no messages of other kinds are offered", Space: errorSpace,
			Details: &p4v1.StreamError_Other{Other: &p4v1.StreamOtherError{Other: u.Other}},
		})
	default:
		s.streamError(box, &p4v1.StreamError{
			CanonicalCode: int32(codes.InvalidArgument), Message: "stream message is empty or newer than this server", Space: errorSpace,
			Details: &p4v1.StreamError_Other{Other: &p4v1.StreamOtherError{}},
		})
	}
	return nil
}

func (s *Server) streamError(box *outbox, e *p4v1.StreamError) {
	if !box.put(&p4v1.StreamMessageResponse{Update: &p4v1.StreamMessageResponse_Error{Error: e}}) {
		s.stats.streamErrorsShed.Add(1)
	}
}

// arbitrate runs the rules and then the order of notices: the others at once, the
// new primary when the writes of the one before are done.
func (s *Server) arbitrate(m *member, u *p4v1.MasterArbitrationUpdate) error {
	s.arb.Lock()
	others, primary, err := s.arbiter.update(m, u)
	if err != nil {
		s.arb.Unlock()
		return err
	}
	s.notify(others)
	s.arb.Unlock()
	if !primary {
		return nil
	}
	s.state.Lock() // no write is under way from here on
	s.arb.Lock()
	// If m was overtaken meanwhile, it has its notice already.
	if m.role != nil && m.role.primary == m {
		m.post(s.arbiter.notice(m))
	}
	s.arb.Unlock()
	s.state.Unlock()
	return nil
}

// isPrimary says whether m is primary of its role.
func (s *Server) isPrimary(m *member) bool {
	s.arb.Lock()
	defer s.arb.Unlock()
	return m.role != nil && m.role.primary == m
}

func (s *Server) packetOut(m *member, p *p4v1.PacketOut) error {
	if !s.isPrimary(m) {
		return entity.Errorf(codes.PermissionDenied, "only the primary may send packets")
	}
	pipe := s.io.Load()
	if pipe == nil {
		return entity.Errorf(codes.FailedPrecondition, "no forwarding pipeline is set")
	}
	if s.cfg.PacketOut == nil {
		return entity.Errorf(codes.Unimplemented, "this switch has no CPU port")
	}
	raw, err := pipe.store.schema.PacketOut.Join(p.GetMetadata(), p.GetPayload())
	if err != nil {
		return err
	}
	s.stats.packetOuts.Add(1)
	s.cfg.PacketOut(raw)
	return nil
}

func (s *Server) digestAck(m *member, a *p4v1.DigestListAck) error {
	if !s.isPrimary(m) {
		return entity.Errorf(codes.PermissionDenied, "only the primary may acknowledge digests")
	}
	p := s.io.Load()
	if p == nil {
		return entity.Errorf(codes.FailedPrecondition, "no forwarding pipeline is set")
	}
	if _, err := p.store.schema.Digest(a.GetDigestId()); err != nil {
		return entity.Errorf(codes.InvalidArgument, "%v", err)
	}
	p.store.digestMu.Lock()
	defer p.store.digestMu.Unlock()
	if g := p.store.digests[a.GetDigestId()]; g != nil {
		g.ack(a.GetListId())
	}
	return nil
}
