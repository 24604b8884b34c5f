package gnmi

import (
	"context"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/openconfig/gnmi/proto/gnmi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/telltale-net/telltale/collector/gnmi/model"
	"github.com/telltale-net/telltale/collector/gnmi/tree"
)

// BenchmarkLoopback is [BenchmarkSubscribers] over TCP, with the clients in the same
// process and in the figure: encoded, sent, received and decoded.
func BenchmarkLoopback(b *testing.B) {
	const subscribers, leaves = 100, 1000
	t := tree.New(model.Schema(), tree.Limits{Leaves: leaves, Subscribers: subscribers, Backlog: 1 << 40})
	server, err := New(Config{}, t)
	if err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ran := make(chan error, 1)
	go func() { ran <- server.Run(ctx, l) }()
	defer func() { <-ran }()
	defer cancel()
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()

	var values, sent atomic.Int64
	arrived := make(chan struct{}, 1)
	for range subscribers {
		stream, err := gnmi.NewGNMIClient(conn).Subscribe(ctx)
		if err != nil {
			b.Fatal(err)
		}
		if err := stream.Send(&gnmi.SubscribeRequest{Request: &gnmi.SubscribeRequest_Subscribe{Subscribe: &gnmi.SubscriptionList{
			Prefix: &gnmi.Path{Target: "leaf1"}, Encoding: gnmi.Encoding_PROTO,
			Subscription: []*gnmi.Subscription{{Path: &gnmi.Path{}, Mode: gnmi.SubscriptionMode_ON_CHANGE}},
		}}}); err != nil {
			b.Fatal(err)
		}
		if r, err := stream.Recv(); err != nil || !r.GetSyncResponse() {
			b.Fatalf("got %v and %v, want a sync_response of the empty tree", r, err)
		}
		go func() {
			for {
				r, err := stream.Recv()
				if err != nil {
					return
				}
				n := int64(0)
				for _, u := range r.GetUpdate().GetUpdate() {
					n += 1 + int64(u.Duplicates)
				}
				sent.Add(int64(len(r.GetUpdate().GetUpdate())))
				values.Add(n)
				select {
				case arrived <- struct{}{}:
				default:
				}
			}
		}()
	}
	var u0, u1 syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u0)
	round := int64(0)
	b.ReportAllocs()
	for b.Loop() {
		round++
		for i := range leaves {
			if err := t.Update(inPackets(time.Duration(i).String()), tree.Count(uint64(round)), round); err != nil {
				b.Fatal(err)
			}
		}
		for values.Load() < round*subscribers*leaves {
			<-arrived
		}
	}
	syscall.Getrusage(syscall.RUSAGE_SELF, &u1)
	cpu := time.Duration(u1.Utime.Nano() - u0.Utime.Nano() + u1.Stime.Nano() - u0.Stime.Nano())
	b.ReportMetric(float64(sent.Load())/cpu.Seconds(), "updates/cpu-s")
	b.ReportMetric(float64(values.Load()-sent.Load())/float64(values.Load()), "coalesced/value")
}
