package gnmi

import (
	"time"

	"github.com/openconfig/gnmi/proto/gnmi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/telltale-net/telltale/collector/gnmi/tree"
)

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
