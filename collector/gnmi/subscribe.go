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

// plan is a subscription list that was found good.
type plan struct {
	mode        gnmi.SubscriptionList_Mode
	slot        int
	updatesOnly bool
	parts       []part
}

// part is what one entry of the list asks for, or a half of it in TARGET_DEFINED mode.
type part struct {
	query     tree.Path
	which     tree.Which
	onChange  bool
	sample    time.Duration // 0 = none
	heartbeat time.Duration // 0 = none
	changed   bool          // suppress_redundant

	entry             *tree.Entry
	nextSample, nextH time.Time
}

func (s *Server) plan(list *gnmi.SubscriptionList) (*plan, error) {
	p := &plan{mode: list.GetMode(), updatesOnly: list.GetUpdatesOnly()}
	if _, ok := gnmi.SubscriptionList_Mode_name[int32(p.mode)]; !ok {
		return nil, status.Errorf(codes.InvalidArgument, "mode %d is none", p.mode)
	}
	var err error
	if p.slot, err = slot(list.GetEncoding()); err != nil {
		return nil, err
	}
	if err := s.models(list.GetUseModels()); err != nil {
		return nil, err
	}
	if n := len(list.GetSubscription()); n == 0 || n > s.cfg.MaxPaths {
		return nil, status.Errorf(codes.InvalidArgument, "%d subscriptions in the list, want 1 to %d", n, s.cfg.MaxPaths)
	}
	for _, sub := range list.GetSubscription() {
		q, err := s.query(list.GetPrefix(), sub.GetPath())
		if err != nil {
			return nil, err
		}
		if p.mode != gnmi.SubscriptionList_STREAM {
			p.parts = append(p.parts, part{query: q})
			continue
		}
		if p.parts, err = s.parts(p.parts, q, sub); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// parts adds what an entry of a STREAM list asks for.
func (s *Server) parts(to []part, q tree.Path, sub *gnmi.Subscription) ([]part, error) {
	sample, err := s.interval("sample_interval", sub.GetSampleInterval())
	if err != nil {
		return nil, err
	}
	heartbeat, err := s.interval("heartbeat_interval", sub.GetHeartbeatInterval())
	if err != nil {
		return nil, err
	}
	switch sub.GetMode() {
	case gnmi.SubscriptionMode_ON_CHANGE:
		return append(to, part{query: q, onChange: true, heartbeat: heartbeat}), nil
	case gnmi.SubscriptionMode_SAMPLE:
		if sample == 0 {
			sample = s.cfg.MinSample
		}
		return append(to, part{query: q, sample: sample, heartbeat: heartbeat, changed: sub.GetSuppressRedundant()}), nil
	case gnmi.SubscriptionMode_TARGET_DEFINED:
		if sample != 0 {
			return nil, status.Error(codes.InvalidArgument, "sample_interval in TARGET_DEFINED mode, want none: the target chooses")
		}
		return append(to,
			part{query: q, which: tree.Events, onChange: true, heartbeat: heartbeat},
			part{query: q, which: tree.Counters, sample: s.cfg.DefaultSample, heartbeat: heartbeat, changed: sub.GetSuppressRedundant()}), nil
	}
	return nil, status.Errorf(codes.InvalidArgument, "subscription mode %d is none", sub.GetMode())
}

func (s *Server) interval(name string, ns uint64) (time.Duration, error) {
	if ns != 0 && (ns < uint64(s.cfg.MinSample) || ns > uint64(1<<62)) {
		return 0, status.Errorf(codes.InvalidArgument, "%s of %d ns, want 0 or at least %d", name, ns, s.cfg.MinSample.Nanoseconds())
	}
	return time.Duration(ns), nil
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
			return status.Error(codes.Unavailable, "the server ends")
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
			return status.Error(codes.Unavailable, "the server ends")
		}
	}
}

func (s *Server) wasCut(sub *tree.Subscriber) error {
	s.cut.Add(1)
	return status.Errorf(codes.ResourceExhausted, "the subscriber was cut: %v", sub.Err())
}

// tick queues what is due.
func (p *part) tick(now time.Time) {
	heartbeat := p.heartbeat > 0 && !now.Before(p.nextH)
	sample := p.sample > 0 && !now.Before(p.nextSample)
	if heartbeat {
		p.nextH = after(p.nextH, p.heartbeat, now)
	}
	if sample {
		p.nextSample = after(p.nextSample, p.sample, now)
	}
	if heartbeat || sample {
		p.entry.Round(p.changed && !heartbeat)
	}
}

// after returns the first time behind now, in steps from t.
func after(t time.Time, step time.Duration, now time.Time) time.Time {
	return t.Add(step * (now.Sub(t)/step + 1))
}

// wait returns how long nothing is due; a part without a clock waits for long.
func (p *plan) wait(now time.Time) time.Duration {
	least := 24 * time.Hour
	for i := range p.parts {
		if part := &p.parts[i]; part.sample > 0 {
			least = min(least, part.nextSample.Sub(now))
		}
		if part := &p.parts[i]; part.heartbeat > 0 {
			least = min(least, part.nextH.Sub(now))
		}
	}
	return max(least, 0)
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
