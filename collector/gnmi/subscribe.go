package gnmi

import (
	"errors"
	"io"
	"time"

	"github.com/openconfig/gnmi/proto/gnmi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/telltale-net/telltale/collector/gnmi/tree"
)

// Subscribe serves one subscription list.
//
// The RPC's own goroutine keeps the clock and reads requests; a second one waits for
// requests, a third empties the queue into the stream, where a slow reader can block it.
func (s *Server) Subscribe(stream gnmi.GNMI_SubscribeServer) error {
	s.active.Add(1)
	defer s.active.Done()
	first, err := stream.Recv()
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	case first.GetSubscribe() == nil:
		return status.Errorf(codes.InvalidArgument, "out of order: the first request is %T, want a subscription list", first.GetRequest())
	}
	if err := extensions(first.GetExtension()); err != nil {
		return err
	}
	plan, err := s.plan(first.GetSubscribe())
	if err != nil {
		return err
	}
	sub, err := s.tree.Subscribe()
	if err != nil {
		return status.Error(codes.ResourceExhausted, err.Error())
	}
	defer sub.Close()
	s.subscribers.Add(1)
	defer s.subscribers.Add(^uint64(0))

	sent := make(chan error, 1)
	s.active.Go(func() {
		out := sender{
			server: s, stream: stream, sub: sub, slot: plan.slot, named: first.GetSubscribe().GetPrefix().GetTarget() != "",
			once: plan.mode == gnmi.SubscriptionList_ONCE, prefixes: map[prefixKey]*gnmi.Path{},
		}
		sent <- out.run()
	})
	if plan.mode == gnmi.SubscriptionList_STREAM {
		return s.streaming(stream, sub, plan, sent)
	}
	return s.polling(stream, sub, plan, sent)
}

// polling serves ONCE and POLL.
func (s *Server) polling(stream gnmi.GNMI_SubscribeServer, sub *tree.Subscriber, p *plan, sent <-chan error) error {
	for i := range p.parts {
		p.parts[i].entry = sub.Entry(p.parts[i].query, tree.AllUnits)
	}
	round := func() {
		for i := range p.parts {
			if !p.updatesOnly {
				p.parts[i].entry.Round(false)
			}
		}
		sub.Mark()
	}
	round()
	requests := s.receive(stream)
	for {
		select {
		case r := <-requests:
			switch {
			case errors.Is(r.err, io.EOF) && p.mode == gnmi.SubscriptionList_ONCE:
				requests = nil // the client has said all; the answer may be under way
				continue
			case errors.Is(r.err, io.EOF):
				return nil
			case r.err != nil:
				return r.err
			case r.req.GetPoll() == nil:
				return status.Errorf(codes.InvalidArgument, "got %T in a %v subscription, want a poll", r.req.GetRequest(), p.mode)
			case p.mode == gnmi.SubscriptionList_ONCE:
				return status.Error(codes.InvalidArgument, "got a poll in a ONCE subscription")
			}
			round()
		case err := <-sent:
			return err
		case <-sub.Cut():
			return s.wasCut(sub)
		case <-s.stop:
			return s.last(sub, sent)
		}
	}
}

// streaming serves STREAM.
func (s *Server) streaming(stream gnmi.GNMI_SubscribeServer, sub *tree.Subscriber, p *plan, sent <-chan error) error {
	now := time.Now()
	for i := range p.parts {
		part := &p.parts[i]
		if part.onChange {
			part.entry = sub.Watch(part.query, part.which, !p.updatesOnly)
		} else {
			part.entry = sub.Entry(part.query, part.which)
			if p.updatesOnly {
				part.entry.Skip()
			} else {
				part.entry.Round(false)
			}
			part.nextSample = now.Add(part.sample)
		}
		if part.heartbeat > 0 {
			part.nextH = now.Add(part.heartbeat)
		}
	}
	sub.Mark()
	timer := time.NewTimer(p.wait(now))
	defer timer.Stop()
	requests := s.receive(stream)
	for {
		select {
		case <-timer.C:
			now := time.Now()
			for i := range p.parts {
				p.parts[i].tick(now)
			}
			timer.Reset(p.wait(time.Now()))
		case r := <-requests:
			switch {
			case errors.Is(r.err, io.EOF):
				requests = nil // the client only listens from now on
			case r.err != nil:
				return r.err
			default:
				return status.Errorf(codes.InvalidArgument, "got a second request, %T, in a STREAM subscription", r.req.GetRequest())
			}
		case err := <-sent:
			return err
		case <-sub.Cut():
			return s.wasCut(sub)
		case <-s.stop:
			return s.last(sub, sent)
		}
	}
}

// last gives a subscriber some time to be sent what waits for it.
func (s *Server) last(sub *tree.Subscriber, sent <-chan error) error {
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case err := <-sent:
		return err
	case <-sub.Cut():
		return s.wasCut(sub)
	case <-timer.C:
		return errEnds
	}
}

// grace is how long the end of a server waits for subscribers.
const grace = time.Second

func (s *Server) wasCut(sub *tree.Subscriber) error {
	s.cut.Add(1)
	return status.Errorf(codes.ResourceExhausted, "the subscriber was cut: %v", sub.Err())
}

type request struct {
	req *gnmi.SubscribeRequest
	err error
}

// receive reads requests until the stream ends.
func (s *Server) receive(stream gnmi.GNMI_SubscribeServer) <-chan request {
	c := make(chan request)
	s.active.Go(func() {
		for {
			req, err := stream.Recv()
			select {
			case c <- request{req, err}:
			case <-stream.Context().Done():
				return
			}
			if err != nil {
				return
			}
		}
	})
	return c
}
