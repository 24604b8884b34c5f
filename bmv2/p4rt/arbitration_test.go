//lint:file-ignore SA1019 fields that P4Runtime deprecated are still part of it: kept, or refused by name.

package p4rt_test

import (
	"testing"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/telltale-net/telltale/bmv2/p4rt"
	"github.com/telltale-net/telltale/bmv2/p4rt/p4rttest"
)

// Rules for Handling MasterArbitrationUpdate; Client Arbitration Notifications.
func TestArbitration(t *testing.T) {
	r := newRig(t, p4rt.Limits{Streams: 4, Roles: 2})

	a := r.open()
	a.stand(0) // unset: never primary, and nobody has been
	if n := a.recv().GetArbitration(); n.GetStatus().GetCode() != int32(codes.NotFound) || n.GetElectionId() != nil {
		t.Fatalf("before any primary: %v, want NOT_FOUND and no election id", n)
	}
	a.stand(5)
	a.told(codes.OK, 5)

	b := r.open()
	b.stand(4) // a backup; only it is told
	b.told(codes.AlreadyExists, 5)
	b.stand(6) // takes over: the old primary first
	a.told(codes.AlreadyExists, 6)
	b.told(codes.OK, 6)

	b.stand(6) // stays; everybody is told
	a.told(codes.AlreadyExists, 6)
	b.told(codes.OK, 6)

	b.stand(3) // steps down: nobody is primary, the highest id stays
	a.told(codes.NotFound, 6)
	b.told(codes.NotFound, 6)
	a.stand(5) // not enough any more
	a.told(codes.NotFound, 6)
	a.stand(6)
	b.told(codes.AlreadyExists, 6)
	a.told(codes.OK, 6)

	a.cancel() // the primary's stream breaks
	b.told(codes.NotFound, 6)
	c := r.open()
	c.stand(5) // across reconnects the highest id is remembered
	c.told(codes.NotFound, 6)
	c.stand(7)
	b.told(codes.AlreadyExists, 7)
	c.told(codes.OK, 7)
}

func TestArbitrationRefusals(t *testing.T) {
	cfg, err := anypb.New(&p4v1.Role{})
	if err != nil {
		t.Fatal(err)
	}
	low := func(n uint64) *p4v1.Uint128 { return &p4v1.Uint128{Low: n} }
	for _, c := range []struct {
		clause string
		first  *p4v1.MasterArbitrationUpdate // accepted, if not nil
		update *p4v1.MasterArbitrationUpdate
		want   codes.Code
	}{
		{"1.1 unknown device", nil, &p4v1.MasterArbitrationUpdate{DeviceId: 8}, codes.NotFound},
		{"1.1 device 0", nil, &p4v1.MasterArbitrationUpdate{}, codes.NotFound},
		{"1.2 election id in use", nil, &p4v1.MasterArbitrationUpdate{DeviceId: deviceID, ElectionId: low(100)}, codes.InvalidArgument},
		{"1.3 role config", nil, &p4v1.MasterArbitrationUpdate{DeviceId: deviceID, Role: &p4v1.Role{Name: "x", Config: cfg}}, codes.InvalidArgument},
		{"deprecated role id", nil, &p4v1.MasterArbitrationUpdate{DeviceId: deviceID, Role: &p4v1.Role{Id: 3}}, codes.Unimplemented},
		{"2.1 other device", &p4v1.MasterArbitrationUpdate{DeviceId: deviceID, ElectionId: low(9)}, &p4v1.MasterArbitrationUpdate{DeviceId: 8, ElectionId: low(9)}, codes.FailedPrecondition},
		{"2.2 other role", &p4v1.MasterArbitrationUpdate{DeviceId: deviceID, ElectionId: low(9)}, &p4v1.MasterArbitrationUpdate{DeviceId: deviceID, Role: &p4v1.Role{Name: "x"}}, codes.FailedPrecondition},
		{"2.3 role config", &p4v1.MasterArbitrationUpdate{DeviceId: deviceID, Role: &p4v1.Role{Name: "x"}}, &p4v1.MasterArbitrationUpdate{DeviceId: deviceID, Role: &p4v1.Role{Name: "x", Config: cfg}}, codes.InvalidArgument},
		{"2.4 election id in use", &p4v1.MasterArbitrationUpdate{DeviceId: deviceID, ElectionId: low(9)}, &p4v1.MasterArbitrationUpdate{DeviceId: deviceID, ElectionId: low(100)}, codes.InvalidArgument},
	} {
		t.Run(c.clause, func(t *testing.T) {
			r := newRig(t, p4rt.Limits{})
			live := r.open()
			live.stand(100)
			live.told(codes.OK, 100)
			s := r.open()
			if c.first != nil {
				s.arbitrate(c.first)
				s.recv()
			}
			s.arbitrate(c.update)
			s.ends(c.want)
		})
	}
}

// Clause 1.4, and the bound on roles.
func TestArbitrationLimits(t *testing.T) {
	r := newRig(t, p4rt.Limits{Streams: 2, Roles: 2})
	r.primary()
	backup := r.open()
	backup.stand(0)
	backup.told(codes.AlreadyExists, 1)
	s := r.open()
	s.stand(3)
	s.ends(codes.ResourceExhausted)
	named := func(name string) *session {
		s := r.open()
		s.arbitrate(&p4v1.MasterArbitrationUpdate{DeviceId: deviceID, Role: &p4v1.Role{Name: name}, ElectionId: &p4v1.Uint128{Low: 1}})
		return s
	}
	one := named("one")
	if n := one.recv().GetArbitration(); n.GetRole().GetName() != "one" || n.GetStatus().GetCode() != 0 {
		t.Errorf("primary of a role of its own: %v", n)
	}
	named("two").ends(codes.ResourceExhausted)
}

// Write RPC and SetForwardingPipelineConfig RPC: the checks and their order.
func TestAuthorization(t *testing.T) {
	r := newRig(t, p4rt.Limits{})
	write := func(req *p4v1.WriteRequest) codes.Code {
		_, err := r.stub.Write(r.ctx, req)
		return status.Code(err)
	}
	one := &p4v1.Uint128{Low: 1}
	for _, c := range []struct {
		what    string
		primary bool
		req     *p4v1.WriteRequest
		want    codes.Code
	}{
		{"unknown device", false, &p4v1.WriteRequest{DeviceId: 8, ElectionId: one}, codes.NotFound},
		{"unknown role", false, &p4v1.WriteRequest{DeviceId: deviceID, Role: "x", ElectionId: one}, codes.NotFound},
		{"no primary", false, &p4v1.WriteRequest{DeviceId: deviceID, ElectionId: one}, codes.PermissionDenied},
		{"no election id", true, &p4v1.WriteRequest{DeviceId: deviceID}, codes.PermissionDenied},
		{"lower election id", true, &p4v1.WriteRequest{DeviceId: deviceID, ElectionId: &p4v1.Uint128{}}, codes.PermissionDenied},
		{"higher election id", true, &p4v1.WriteRequest{DeviceId: deviceID, ElectionId: &p4v1.Uint128{High: 1, Low: 1}}, codes.PermissionDenied},
		{"deprecated role id", true, &p4v1.WriteRequest{DeviceId: deviceID, RoleId: 1, ElectionId: one}, codes.Unimplemented},
		{"no pipeline", true, &p4v1.WriteRequest{DeviceId: deviceID, ElectionId: one}, codes.FailedPrecondition},
	} {
		if c.primary {
			s := r.open()
			s.stand(1)
			s.told(codes.OK, 1)
			defer s.cancel()
			c := c
			if got := write(c.req); got != c.want {
				t.Errorf("%s: got %v, want %v", c.what, got, c.want)
			}
			s.cancel()
			r.untilNoPrimary()
			continue
		}
		if got := write(c.req); got != c.want {
			t.Errorf("%s: got %v, want %v", c.what, got, c.want)
		}
	}
	if err := r.setPipeline(p4v1.SetForwardingPipelineConfigRequest_VERIFY, config(p4rttest.Info(), 0)); status.Code(err) != codes.PermissionDenied {
		t.Errorf("pipeline without a primary: %v", err)
	}
	if _, err := r.read(`entities { table_entry { } }`); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("Read without a pipeline: %v", err)
	}
	st, err := r.stub.Read(r.ctx, &p4v1.ReadRequest{DeviceId: 8})
	if err == nil {
		_, err = st.Recv()
	}
	if status.Code(err) != codes.NotFound {
		t.Errorf("Read of an unknown device: %v", err)
	}
}

// untilNoPrimary waits until the server has noticed that a stream ended.
func (r *rig) untilNoPrimary() {
	r.t.Helper()
	s := r.open()
	defer s.cancel()
	for {
		s.stand(0)
		if s.recv().GetArbitration().GetStatus().GetCode() == int32(codes.NotFound) {
			return
		}
	}
}

// A primary that was replaced may not write any more.
func TestReplacedPrimary(t *testing.T) {
	r := ready(t)
	b := r.open()
	b.stand(2)
	b.told(codes.OK, 2)
	_, err := r.stub.Write(r.ctx, &p4v1.WriteRequest{DeviceId: deviceID, ElectionId: &p4v1.Uint128{Low: 1}})
	if status.Code(err) != codes.PermissionDenied {
		t.Errorf("write of the old primary: %v", err)
	}
	if _, err := r.stub.Write(r.ctx, &p4v1.WriteRequest{DeviceId: deviceID, ElectionId: &p4v1.Uint128{Low: 2}}); err != nil {
		t.Errorf("write of the new primary: %v", err)
	}
}

// An election id of zero is an id, unlike none at all ("Unset Election ID").
func TestElectionZero(t *testing.T) {
	r := newRig(t, p4rt.Limits{})
	s := r.open()
	s.arbitrate(&p4v1.MasterArbitrationUpdate{DeviceId: deviceID, ElectionId: &p4v1.Uint128{}})
	n := s.recv().GetArbitration()
	if n.GetStatus().GetCode() != int32(codes.OK) || n.GetElectionId() == nil {
		t.Fatalf("got %v, want to be primary", n)
	}
	if _, err := r.stub.Write(r.ctx, &p4v1.WriteRequest{DeviceId: deviceID, ElectionId: &p4v1.Uint128{}}); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("write of the primary: %v", err)
	}
	if _, err := r.stub.Write(r.ctx, &p4v1.WriteRequest{DeviceId: deviceID}); status.Code(err) != codes.PermissionDenied {
		t.Errorf("write without an id: %v", err)
	}
}

// Ids of 128 bits are compared as one number.
func TestElectionHigh(t *testing.T) {
	r := newRig(t, p4rt.Limits{})
	stand := func(high, low uint64) *session {
		s := r.open()
		s.arbitrate(&p4v1.MasterArbitrationUpdate{DeviceId: deviceID, ElectionId: &p4v1.Uint128{High: high, Low: low}})
		return s
	}
	a := stand(1, 0)
	a.told(codes.OK, 0)
	b := stand(0, 9)
	b.told(codes.AlreadyExists, 0)
	c := stand(1, 1)
	a.told(codes.AlreadyExists, 1)
	c.told(codes.OK, 1)
}

// Roles have primaries, election ids and reconnects of their own; writers are told
// apart by device, role and election id together; every primary hears of packets.
func TestRoles(t *testing.T) {
	r, s := readySession(t, p4rt.Limits{})
	join := func(name string, id uint64) *session {
		x := r.open()
		x.arbitrate(&p4v1.MasterArbitrationUpdate{DeviceId: deviceID, Role: &p4v1.Role{Name: name}, ElectionId: &p4v1.Uint128{Low: id}})
		return x
	}
	write := func(role string, id uint64) codes.Code {
		_, err := r.stub.Write(r.ctx, &p4v1.WriteRequest{DeviceId: deviceID, Role: role, ElectionId: &p4v1.Uint128{Low: id}})
		return status.Code(err)
	}
	x := join("x", 1) // the id of the default role's primary
	if n := x.recv().GetArbitration(); n.GetRole().GetName() != "x" || n.GetStatus().GetCode() != 0 || n.GetElectionId().GetLow() != 1 {
		t.Fatalf("primary of x: %v", n)
	}
	y := join("y", 7)
	y.told(codes.OK, 7)
	for _, c := range []struct {
		role string
		id   uint64
		want codes.Code
	}{{"", 1, codes.OK}, {"x", 1, codes.OK}, {"y", 7, codes.OK}, {"x", 7, codes.PermissionDenied}, {"", 7, codes.PermissionDenied}, {"z", 1, codes.NotFound}} {
		if got := write(c.role, c.id); got != c.want {
			t.Errorf("role %q, id %d: %v, want %v", c.role, c.id, got, c.want)
		}
	}
	r.srv.PacketIn([]byte{1, 2, 3, 4})
	for _, p := range []*session{s, x, y} {
		if p.recv().GetPacket() == nil {
			t.Error("a primary did not hear of the packet")
		}
	}
	y.cancel()
	backup := join("y", 6) // less than the role has seen
	for {
		// The server may not have noticed yet that y is gone.
		n := backup.recv().GetArbitration()
		if n.GetStatus().GetCode() == int32(codes.NotFound) && n.GetElectionId().GetLow() == 7 {
			break
		}
	}
	if got := write("y", 7); got != codes.PermissionDenied {
		t.Errorf("write after the primary of y left: %v", got)
	}
	if got := write("x", 1); got != codes.OK {
		t.Errorf("x was bothered by it: %v", got)
	}
}
