package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/openconfig/gnmi/proto/gnmi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/telltale-net/telltale/collector/gnmi/tree"
)

// subscription is a path that every device is asked for.
type subscription struct {
	name   string
	path   []tree.Elem
	sample bool // else on change
}

var subscriptions = []subscription{
	{"/interfaces/interface/state/counters", []tree.Elem{tree.E("interfaces"), tree.E("interface", "name", "*"), tree.E("state"), tree.E("counters")}, true},
	{"/qos/interfaces/interface/output/queues/queue/state", []tree.Elem{tree.E("qos"), tree.E("interfaces"), tree.E("interface", "interface-id", "*"),
		tree.E("output"), tree.E("queues"), tree.E("queue", "name", "*"), tree.E("state")}, true},
	{"/components/component/integrated-circuit/pipeline-counters/drop", []tree.Elem{tree.E("components"), tree.E("component", "name", "*"),
		tree.E("integrated-circuit"), tree.E("pipeline-counters"), tree.E("drop")}, true},
	{"/interfaces/interface/state/id", []tree.Elem{tree.E("interfaces"), tree.E("interface", "name", "*"), tree.E("state"), tree.E("id")}, false},
	{"/interfaces/interface/state/ifindex", []tree.Elem{tree.E("interfaces"), tree.E("interface", "name", "*"), tree.E("state"), tree.E("ifindex")}, false},
}

// stream keeps one subscription alive. Its state is guarded by the client's mu.
type stream struct {
	client *Client
	subscription

	alive       bool
	unsupported bool
	session     uint64 // counts the RPCs
	held        map[string]held
}

// held is a leaf in the tree.
type held struct {
	path    tree.Path
	session uint64 // in which it was last told
}

// errSilent is why a stream was given up.
var errSilent = errors.New("the device has fallen silent")

// run opens the stream again and again until ctx is done.
func (s *stream) run(ctx context.Context, conn *grpc.ClientConn) {
	cfg := &s.client.cfg
	pause := cfg.Retry
	since := time.Now() // without the stream
	for {
		worked, err := s.once(ctx, conn)
		if ctx.Err() != nil {
			return
		}
		if worked {
			pause, since = cfg.Retry, time.Now()
		}
		wait := pause/2 + rand.N(pause/2+1)
		pause = min(2*pause, cfg.MaxRetry)
		refused := unsupported(err)
		if refused {
			wait = cfg.Refused
		}
		s.client.mu.Lock()
		s.unsupported = refused
		if !refused {
			s.client.status.Error = brief(fmt.Sprintf("%s: %v", s.name, err))
		}
		s.client.mu.Unlock()
		for wait > 0 {
			step := wait
			if left := cfg.Keep - time.Since(since); left > 0 {
				step = min(wait, left)
			} else {
				s.forget(func(*held) bool { return true }, time.Now().UnixNano())
			}
			select {
			case <-time.After(step):
			case <-ctx.Done():
				return
			}
			wait -= step
		}
	}
}

// brief cuts an error, in which a device may have said anything, to some length.
func brief(text string) string {
	const most = 300
	if len(text) > most {
		text = text[:most] + "…"
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// unsupported reports whether a device that answers so does not serve the path.
func unsupported(err error) bool {
	switch status.Code(err) {
	case codes.Unimplemented, codes.NotFound, codes.InvalidArgument:
		return true
	}
	return false
}

// once opens the stream and reads it to its end; worked says that it came alive.
func (s *stream) once(ctx context.Context, conn *grpc.ClientConn) (worked bool, err error) {
	c := s.client
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if c.cfg.User != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "username", c.cfg.User, "password", string(c.cfg.Password))
	}
	api := gnmi.NewGNMIClient(conn)
	encoding, err := s.encoding(ctx, api)
	if err != nil {
		return false, err
	}
	rpc, err := api.Subscribe(ctx)
	if err != nil {
		return false, err
	}
	if err := rpc.Send(s.request(encoding)); err != nil {
		if _, told := rpc.Recv(); told != nil {
			err = told // why the device ended it
		}
		return false, err
	}
	c.mu.Lock()
	s.session++
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		s.alive = false
		c.mu.Unlock()
	}()
	var silent *time.Timer
	patience := 3*c.cfg.Sample + time.Second
	dec := decoder{schema: c.tree.Schema()}
	for {
		r, err := rpc.Recv()
		if err != nil {
			if cause := context.Cause(ctx); errors.Is(cause, errSilent) {
				err = cause
			}
			return worked, err
		}
		now := time.Now().UnixNano()
		if silent != nil {
			silent.Reset(patience)
		}
		switch {
		case r.GetUpdate() != nil:
			before := dec.unknown
			change := dec.read(r.GetUpdate())
			s.apply(&change, dec.unknown-before, now)
			if s.sample && silent == nil && len(change.sets) > 0 {
				silent = time.AfterFunc(patience, func() { cancel(errSilent) })
				defer silent.Stop()
			}
		case r.GetSyncResponse() && !worked:
			worked = true
			c.mu.Lock()
			s.alive, s.unsupported = true, false
			c.status.Connects++
			c.status.LastHeard = now
			s.drop(func(h *held) bool { return h.session != s.session }, now)
			c.mu.Unlock()
		}
	}
}

// encoding chooses the best that the device has.
func (s *stream) encoding(ctx context.Context, api gnmi.GNMIClient) (gnmi.Encoding, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r, err := api.Capabilities(ctx, &gnmi.CapabilityRequest{})
	switch {
	case status.Code(err) == codes.Unimplemented:
		return gnmi.Encoding_PROTO, nil
	case err != nil:
		return 0, err
	}
	for _, want := range []gnmi.Encoding{gnmi.Encoding_PROTO, gnmi.Encoding_JSON_IETF, gnmi.Encoding_JSON} {
		for _, e := range r.GetSupportedEncodings() {
			if e == want {
				return e, nil
			}
		}
	}
	return 0, fmt.Errorf("the device has encodings %v, want PROTO, JSON_IETF or JSON", r.GetSupportedEncodings())
}

func (s *stream) request(encoding gnmi.Encoding) *gnmi.SubscribeRequest {
	sub := &gnmi.Subscription{Path: &gnmi.Path{}, Mode: gnmi.SubscriptionMode_ON_CHANGE}
	if s.sample {
		sub.Mode, sub.SampleInterval = gnmi.SubscriptionMode_SAMPLE, uint64(s.client.cfg.Sample)
	}
	for _, e := range s.path {
		pe := &gnmi.PathElem{Name: e.Name}
		for _, k := range e.Keys {
			pe.Key = map[string]string{k.Name: k.Value}
		}
		sub.Path.Elem = append(sub.Path.Elem, pe)
	}
	return &gnmi.SubscribeRequest{Request: &gnmi.SubscribeRequest_Subscribe{Subscribe: &gnmi.SubscriptionList{
		Prefix: &gnmi.Path{Origin: origin, Target: s.client.cfg.Target}, Encoding: encoding,
		Mode: gnmi.SubscriptionList_STREAM, Subscription: []*gnmi.Subscription{sub},
	}}}
}
