package gnmi

import (
	"fmt"
	"testing"
	"time"

	"github.com/openconfig/gnmi/proto/gnmi"
	"github.com/openconfig/gnmic/pkg/api"
	"google.golang.org/grpc/codes"

	"github.com/telltale-net/telltale/collector/gnmi/model"
	"github.com/telltale-net/telltale/collector/gnmi/tree"
)

// stuck opens a subscription to long texts that nobody reads, and returns a function
// that changes all of them: the flow control of the stream soon stops the sender.
func stuck(t *testing.T, b *bed) (gnmi.GNMI_SubscribeClient, func(round int)) {
	t.Helper()
	change := func(round int) {
		links := make([]model.Link, 100)
		for i := range links {
			links[i] = model.Link{Node: "leaf1", Port: uint32(i), Peer: fmt.Sprintf("%d %01000d", round, i), Sent: uint64(round)}
		}
		if err := model.LossMap("telltale", links).Apply(b.tree, int64(round)); err != nil {
			t.Fatal(err)
		}
	}
	change(0)
	stream, err := b.client.Client.Subscribe(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(b.subscribe(api.EncodingPROTO(), api.Subscription(api.Path("telltale:/loss-map/link/state/peer"), api.SubscriptionModeON_CHANGE()))); err != nil {
		t.Fatal(err)
	}
	for { // the subscription stands
		r, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if r.GetSyncResponse() {
			return stream, change
		}
	}
}

// A slow reader gets the latest value of every path; what was sent and what was
// passed over make up all there was.
func TestSlowIsCoalesced(t *testing.T) {
	b := newBed(t, Config{})
	stream, change := stuck(t, b)
	const rounds = 60
	for i := 1; i <= rounds; i++ {
		change(i)
	}
	last, values := map[string]string{}, 0
	done := func() bool {
		if len(last) < 100 {
			return false
		}
		for _, v := range last {
			if v[:3] != fmt.Sprintf("%d ", rounds) {
				return false
			}
		}
		return true
	}
	for !done() {
		r, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range r.GetUpdate().Update {
			values += 1 + int(u.Duplicates)
			last[name(r.GetUpdate().Prefix, u.Path)] = u.Val.GetStringVal()
		}
	}
	if values != rounds*100 {
		t.Errorf("sent and passed over are %d values, want %d", values, rounds*100)
	}
	if b.server.Stats().Coalesced == 0 {
		t.Error("nothing was passed over")
	}
}

func TestSlowIsCut(t *testing.T) {
	b := newBed(t, Config{})
	stream, change := stuck(t, b)
	for i := 1; b.server.Stats().Cut == 0; i++ {
		change(i)
		if i > 100_000 {
			t.Fatal("never cut")
		}
	}
	for {
		if _, err := stream.Recv(); err != nil {
			wantCode(t, err, codes.ResourceExhausted)
			break
		}
	}
	for b.server.Stats().Subscribers != 0 {
		time.Sleep(time.Millisecond)
	}
}

func TestTooManySubscribers(t *testing.T) {
	b := newBed(t, Config{})
	var all []*tree.Subscriber
	for range limits.Subscribers {
		s, err := b.tree.Subscribe()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	err := b.failure(b.subscribe(api.Target("leaf1"), api.Subscription(api.Path(inPkts))))
	wantCode(t, err, codes.ResourceExhausted)
	for _, s := range all {
		s.Close()
	}
}

// Entries that select everything again and again cost no more than a bound.
func TestOverlapIsCut(t *testing.T) {
	b := newBed(t, Config{})
	small := tree.New(model.Schema(), tree.Limits{Leaves: 20, Subscribers: 1, Backlog: 10})
	b.server.tree = small
	for i := range 10 {
		if err := small.Update(inPackets(fmt.Sprint(i)), tree.Count(1), 1); err != nil {
			t.Fatal(err)
		}
	}
	for mode, want := range map[string]codes.Code{"STREAM": codes.ResourceExhausted, "ONCE": codes.ResourceExhausted} {
		opts := []api.GNMIOption{api.Target("leaf1"), api.SubscriptionListMode(mode)}
		for range 5 {
			opts = append(opts, api.Subscription(api.Path("interfaces"), api.SubscriptionModeON_CHANGE()))
		}
		wantCode(t, b.failure(b.subscribe(opts...)), want)
		for b.server.Stats().Subscribers != 0 {
			time.Sleep(time.Millisecond)
		}
	}
}
