package p4rt

import (
	"sync"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/protobuf/proto"
)

// outbox is what waits to be sent on one stream. Putting never blocks. Items are
// packet-ins, digests, idle notifications and stream errors; they are bounded in
// number and bytes. The arbitration notice has a place of its own, where a newer
// one replaces an older one that was not sent yet: only the newest is true.
type outbox struct {
	mu     sync.Mutex
	notice *p4v1.StreamMessageResponse
	items  []*p4v1.StreamMessageResponse
	head   int
	bytes  int
	wake   chan struct{} // has an element when there may be something to take
	limits Limits
}

func newOutbox(l Limits) *outbox {
	return &outbox{wake: make(chan struct{}, 1), limits: l}
}

func (o *outbox) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

func (o *outbox) putNotice(u *p4v1.MasterArbitrationUpdate) {
	o.mu.Lock()
	o.notice = &p4v1.StreamMessageResponse{Update: &p4v1.StreamMessageResponse_Arbitration{Arbitration: u}}
	o.mu.Unlock()
	o.signal()
}

// put queues a message, or reports that it does not fit.
func (o *outbox) put(m *p4v1.StreamMessageResponse) bool {
	n := proto.Size(m)
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.items)-o.head >= o.limits.OutboxItems || o.bytes+n > o.limits.OutboxBytes {
		return false
	}
	o.items = append(o.items, m)
	o.bytes += n
	o.signal()
	return true
}

// take returns the next message, nil if there is none.
func (o *outbox) take() *p4v1.StreamMessageResponse {
	o.mu.Lock()
	defer o.mu.Unlock()
	if m := o.notice; m != nil {
		o.notice = nil
		return m
	}
	if o.head == len(o.items) {
		return nil
	}
	m := o.items[o.head]
	o.items[o.head] = nil
	o.bytes -= proto.Size(m)
	if o.head++; o.head == len(o.items) {
		o.items, o.head = o.items[:0], 0
	} else if o.head >= o.limits.OutboxItems {
		o.items, o.head = append(o.items[:0], o.items[o.head:]...), 0
	}
	return m
}
