package p4rt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Run keeps the stream to the switch up until ctx ends or the session is closed:
// it connects, takes part in the arbitration, delivers what the switch sends, and
// after every loss does so again, waiting longer each time that it fails. It
// returns nil after Close, ctx's error when that ended, and an error that trying
// again cannot mend: the switch does not know the device, or does not let us in.
func (s *Session) Run(ctx context.Context) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	running := make(chan struct{})
	s.mu.Lock()
	switch {
	case s.closed:
		s.mu.Unlock()
		return ErrClosed
	case s.running != nil:
		s.mu.Unlock()
		return errors.New("p4rt: Run is under way already")
	}
	s.cancel, s.running, s.ended = cancel, running, nil
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.cancel, s.running, s.ended = nil, nil, err
		s.setPrimary(false)
		s.mu.Unlock()
		close(running)
	}()

	wait := s.cfg.BackoffMin
	for {
		arbitrated, serr := s.stream(ctx)
		if arbitrated {
			wait = s.cfg.BackoffMin
		}
		s.mu.Lock()
		s.setPrimary(false)
		closed := s.closed
		s.mu.Unlock()
		s.dropOuts()
		switch {
		case closed:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case permanent(serr):
			return fmt.Errorf("p4rt: stream to device %d: %w", s.cfg.DeviceID, serr)
		}
		if f := s.cfg.Events.Disconnected; f != nil {
			f(serr, wait)
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
		}
		wait = min(2*wait, s.cfg.BackoffMax)
	}
}

// permanent tells errors that a new attempt would only repeat. INVALID_ARGUMENT is
// not among them: it is what a switch says while it still believes in the stream
// that we have lost and holds our election id for it.
func permanent(err error) bool {
	switch status.Code(err) {
	case codes.NotFound, codes.Unimplemented, codes.PermissionDenied, codes.Unauthenticated:
		return true
	}
	return false
}

// stream is one life of the stream. It returns when the stream has ended and
// nothing of it runs any more; arbitrated says whether the switch accepted us.
func (s *Session) stream(ctx context.Context) (arbitrated bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	st, err := s.stub.StreamChannel(ctx)
	if err != nil {
		return false, err
	}
	s.stats.connects.Add(1)
	if f := s.cfg.Events.Connected; f != nil {
		f()
	}
	again := make(chan struct{}, 1) // arbitrate again with the present election id
	sent := make(chan struct{})
	go func() { // sends, until the stream is over; arbitration first
		defer close(sent)
		for msg := s.arbitration(); ; {
			if st.Send(msg) != nil {
				return // the receiver learns why
			}
			select {
			case <-again:
				msg = s.arbitration()
			case msg = <-s.out:
				s.stats.packetOuts.Add(1)
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		msg, rerr := st.Recv()
		if rerr != nil {
			err = rerr
			break
		}
		if a, ok := msg.GetUpdate().(*p4v1.StreamMessageResponse_Arbitration); ok {
			arbitrated = true
			if s.arbitrated(a.Arbitration) {
				select {
				case again <- struct{}{}:
				default:
				}
			}
			continue
		}
		s.deliver(msg)
	}
	cancel()
	<-sent
	if errors.Is(err, io.EOF) {
		err = errors.New("the switch ended the stream")
	}
	return arbitrated, err
}

func (s *Session) arbitration() *p4v1.StreamMessageRequest {
	u := &p4v1.MasterArbitrationUpdate{DeviceId: s.cfg.DeviceID, ElectionId: s.currentElection()}
	if s.cfg.Role != "" {
		u.Role = &p4v1.Role{Name: s.cfg.Role}
	}
	return &p4v1.StreamMessageRequest{Update: &p4v1.StreamMessageRequest_Arbitration{Arbitration: u}}
}

// arbitrated records what the switch decided. It returns true if the session
// should stand again with a higher election id.
func (s *Session) arbitrated(u *p4v1.MasterArbitrationUpdate) (again bool) {
	primary := u.GetStatus().GetCode() == int32(codes.OK)
	highest := Election{u.GetElectionId().GetHigh(), u.GetElectionId().GetLow()}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return false
	}
	s.setPrimary(primary)
	if s.cfg.TakeOver && u.GetStatus().GetCode() == int32(codes.NotFound) && s.election.less(highest) {
		s.election = highest.next()
		again = true
	}
	s.mu.Unlock()
	if f := s.cfg.Events.Arbitration; f != nil {
		f(primary, highest)
	}
	return again
}

func (s *Session) deliver(msg *p4v1.StreamMessageResponse) {
	ev := &s.cfg.Events
	switch u := msg.GetUpdate().(type) {
	case *p4v1.StreamMessageResponse_Packet:
		select {
		case s.packets <- u.Packet:
			s.stats.packetIns.Add(1)
		default:
			s.stats.packetInsShed.Add(1)
		}
	case *p4v1.StreamMessageResponse_Digest:
		if ev.Digest != nil {
			ev.Digest(u.Digest)
		}
	case *p4v1.StreamMessageResponse_IdleTimeoutNotification:
		if ev.IdleTimeout != nil {
			ev.IdleTimeout(u.IdleTimeoutNotification)
		}
	case *p4v1.StreamMessageResponse_Error:
		if ev.StreamError != nil {
			ev.StreamError(u.Error)
		}
	}
}

// dropOuts empties the queue of a stream that is gone: a packet-out is for now or
// never.
func (s *Session) dropOuts() {
	for {
		select {
		case <-s.out:
			s.stats.packetOutsLost.Add(1)
		default:
			return
		}
	}
}
