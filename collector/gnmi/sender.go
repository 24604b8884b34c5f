package gnmi

import (
	"errors"

	"github.com/openconfig/gnmi/proto/gnmi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/telltale-net/telltale/collector/gnmi/tree"
)

// bundle bounds the updates of one Notification.
const bundle = 256

// sender empties a subscriber's queue into a stream.
type sender struct {
	server   *Server
	stream   gnmi.GNMI_SubscribeServer
	sub      *tree.Subscriber
	slot     int
	named    bool // responses name the target
	once     bool // ends with the first round
	prefixes map[prefixKey]*gnmi.Path
}

type prefixKey struct{ target, origin string }

// run sends until the stream ends, or the server, and then what waits.
func (s *sender) run() error {
	items := make([]tree.Item, 0, bundle)
	ending := false
	for {
		select {
		case <-s.sub.Ready():
		case <-s.stream.Context().Done():
			return s.stream.Context().Err()
		case <-s.server.stop:
			ending = true
		}
		if items = s.sub.Next(items); ending && len(items) == 0 {
			return errEnds
		}
		err := s.deliver(items)
		clear(items)
		switch {
		case errors.Is(err, errDone):
			return nil
		case err != nil:
			return err
		}
	}
}

// errEnds is why RPCs end with the server.
var errEnds = status.Error(codes.Unavailable, "the server ends")

// errDone says that a ONCE subscription has been answered.
var errDone = errors.New("answered")

// deliver sends what was taken from the queue.
func (s *sender) deliver(items []tree.Item) error {
	for len(items) > 0 {
		if items[0].State == nil {
			if err := s.stream.Send(&gnmi.SubscribeResponse{Response: &gnmi.SubscribeResponse_SyncResponse{SyncResponse: true}}); err != nil {
				return err
			}
			if s.once {
				return errDone
			}
			items = items[1:]
			continue
		}
		n := 1
		for n < len(items) && together(&items[0], &items[n]) {
			n++
		}
		if err := s.send(items[:n]); err != nil {
			return err
		}
		items = items[n:]
	}
	return nil
}

// together reports whether two items fit into one Notification: both updates or both
// deletes of leaves, with the same prefix and the same time.
func together(a, b *tree.Item) bool {
	return b.State != nil && !a.State.Unit.Atomic && !b.State.Unit.Atomic && a.State.Deleted == b.State.Deleted &&
		a.State.Time == b.State.Time && a.State.Unit.Path.Target == b.State.Unit.Path.Target &&
		a.State.Unit.Path.Origin == b.State.Unit.Path.Origin
}

func (s *sender) send(items []tree.Item) error {
	state := items[0].State
	n := &gnmi.Notification{Timestamp: state.Time, Prefix: s.prefix(state.Unit.Path)}
	switch {
	case state.Unit.Atomic:
		s.atomic(n, &items[0])
	case state.Deleted:
		n.Delete = make([]*gnmi.Path, len(items))
		for i := range items {
			n.Delete[i] = pathOf(items[i].State.Unit)
		}
	default:
		n.Update = make([]*gnmi.Update, len(items))
		for i := range items {
			n.Update[i] = s.update(updatesOf(items[i].State, s.slot)[0], items[i].Duplicates)
		}
	}
	s.server.updates.Add(uint64(len(n.Update) + len(n.Delete)))
	return s.stream.Send(&gnmi.SubscribeResponse{Response: &gnmi.SubscribeResponse_Update{Update: n}})
}

// atomic fills in an atomic container: its elements are the prefix, its leaves, as far
// as they were subscribed to, the updates. One that is gone, or has no such leaf any
// more, is deleted.
func (s *sender) atomic(n *gnmi.Notification, item *tree.Item) {
	state := item.State
	n.Prefix = &gnmi.Path{Target: n.Prefix.Target, Origin: n.Prefix.Origin, Elem: pathOf(state.Unit).Elem}
	n.Atomic = true
	if !state.Deleted {
		for i, u := range updatesOf(state, s.slot) {
			if state.LeafSelected(i, item.Query) {
				n.Update = append(n.Update, s.update(u, item.Duplicates))
			}
		}
	}
	if len(n.Update) == 0 {
		n.Delete = []*gnmi.Path{{}}
	}
}

// update returns u, or where values were passed over, a copy that says how many.
func (s *sender) update(u *gnmi.Update, duplicates uint32) *gnmi.Update {
	if duplicates == 0 {
		return u
	}
	s.server.coalesced.Add(uint64(duplicates))
	return &gnmi.Update{Path: u.Path, Val: u.Val, Duplicates: duplicates}
}

func (s *sender) prefix(p tree.Path) *gnmi.Path {
	key := prefixKey{p.Target, p.Origin}
	if !s.named {
		key.target = ""
	}
	prefix := s.prefixes[key]
	if prefix == nil {
		prefix = &gnmi.Path{Target: key.target, Origin: key.origin}
		s.prefixes[key] = prefix
	}
	return prefix
}
