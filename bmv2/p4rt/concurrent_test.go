package p4rt_test

import (
	"sync"
	"testing"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/telltale-net/telltale/bmv2/p4rt"
	"github.com/telltale-net/telltale/bmv2/p4rt/p4rttest"
)

// Controllers come and go, write, read and push while packets, digests and time go
// on. Run it with -race. In the end nobody is primary, and all is still there.
func TestConcurrentUse(t *testing.T) {
	r := newRig(t, p4rt.Limits{OutboxItems: 16})
	if err := r.srv.Install(p4rttest.Info(), p4rttest.JSON(p4rttest.Info())); err != nil {
		t.Fatal(err)
	}
	const rounds = 60
	var all sync.WaitGroup
	for worker := range uint64(4) {
		all.Go(func() {
			for round := range uint64(rounds) {
				s, err := r.stub.StreamChannel(r.ctx)
				if err != nil {
					t.Error(err)
					return
				}
				id := &p4v1.Uint128{Low: round*4 + worker + 1}
				u := &p4v1.MasterArbitrationUpdate{DeviceId: deviceID, ElectionId: id}
				if err := s.Send(&p4v1.StreamMessageRequest{Update: &p4v1.StreamMessageRequest_Arbitration{Arbitration: u}}); err != nil {
					t.Error(err)
				}
				if _, err := s.Recv(); err != nil {
					t.Error(err)
				}
				req := text(t, &p4v1.WriteRequest{}, upd(routeIn("INSERT"), nexthop("INSERT", shot(1)), nexthop("MODIFY", shot(2)), nexthop("DELETE", ""), routeIn("DELETE"), digest("INSERT")))
				req.DeviceId, req.ElectionId = deviceID, id
				if _, err := r.stub.Write(r.ctx, req); err != nil && status.Code(err) != codes.PermissionDenied && status.Code(err) != codes.Unknown {
					t.Error(err)
				}
				if round%20 == 0 {
					_, err := r.stub.SetForwardingPipelineConfig(r.ctx, &p4v1.SetForwardingPipelineConfigRequest{
						DeviceId: deviceID, ElectionId: id, Action: reapply, Config: config(p4rttest.Info(), round),
					})
					if err != nil && status.Code(err) != codes.PermissionDenied {
						t.Error(err)
					}
				}
				if err := s.CloseSend(); err != nil {
					t.Error(err)
				}
				for {
					if _, err := s.Recv(); err != nil {
						break
					}
				}
			}
		})
	}
	for _, f := range []func(byte){
		func(byte) { r.srv.PacketIn([]byte{1, 2, 3}) },
		func(b byte) { r.srv.Digest("learn", [][]byte{{0, 0, 0, 0, 0, b}, {0, 1}}) },
		func(byte) {
			if err := r.srv.Tick(); err != nil {
				t.Error(err)
			}
		},
		func(byte) {
			if _, err := r.read(everything); err != nil {
				t.Error(err)
			}
		},
	} {
		all.Go(func() {
			for i := range rounds {
				f(byte(i))
			}
		})
	}
	all.Wait()
	r.untilNoPrimary()
	if es, err := r.read(`entities { table_entry {} } entities { action_profile_member {} }`); err != nil || len(es) != 0 {
		t.Errorf("left: %v, %v", es, err)
	}
}
