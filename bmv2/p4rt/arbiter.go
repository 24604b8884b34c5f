//lint:file-ignore SA1019 fields that P4Runtime deprecated are still part of it: kept, or refused by name.

package p4rt

import (
	"fmt"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"

	"github.com/telltale-net/telltale/bmv2/p4rt/entity"
)

// electionID is Uint128 as a comparable value.
type electionID struct{ high, low uint64 }

func (a electionID) less(b electionID) bool {
	return a.high < b.high || a.high == b.high && a.low < b.low
}

func (a electionID) proto() *p4v1.Uint128 { return &p4v1.Uint128{High: a.high, Low: a.low} }

func electionOf(u *p4v1.Uint128) *electionID {
	if u == nil {
		return nil
	}
	return &electionID{u.GetHigh(), u.GetLow()}
}

// member is one live controller of a role; its identity is the pointer.
type member struct {
	role     *role
	election *electionID // nil: never primary
	gone     bool        // its stream has ended; nothing it still says counts
	post     func(*p4v1.MasterArbitrationUpdate)
}

// role is the state of one (device, role) pair. highest outlives every stream:
// only a restart of the server resets it.
type role struct {
	name    string
	named   bool // some controller sent a role message
	highest *electionID
	primary *member
	members []*member // in order of arrival
}

// arbiter decides who is primary (specification, "Client Arbitration and
// Controller Replication"). It is a plain state machine; the server locks around it.
type arbiter struct {
	device uint64
	limits Limits
	roles  map[string]*role
}

func newArbiter(device uint64, l Limits) *arbiter {
	return &arbiter{device: device, limits: l, roles: map[string]*role{"": {}}}
}

// update handles a MasterArbitrationUpdate on the stream of m. m.role is nil on
// the first. It returns the members to notify at once, and whether m became or
// stayed primary, in which case it is notified by the caller when all earlier
// writes are done. An error ends the stream.
func (a *arbiter) update(m *member, u *p4v1.MasterArbitrationUpdate) (notify []*member, primary bool, err error) {
	if m.gone {
		return nil, false, entity.Errorf(codes.Canceled, "the stream has ended")
	}
	if err := a.checkUpdate(m, u); err != nil {
		return nil, false, err
	}
	name := u.GetRole().GetName()
	r := a.roles[name]
	if r == nil {
		if len(a.roles) >= a.limits.Roles {
			return nil, false, entity.Errorf(codes.ResourceExhausted, "role %q: there are %d roles already", name, len(a.roles))
		}
		r = &role{name: name, named: true}
		a.roles[name] = r
	}
	id := electionOf(u.GetElectionId())
	for _, o := range r.members {
		if o != m && id != nil && o.election != nil && *o.election == *id {
			return nil, false, entity.Errorf(codes.InvalidArgument, "election id {%d %d} is used by another live controller of device %d, role %q", id.high, id.low, a.device, name)
		}
	}
	if m.role == nil {
		if len(r.members) >= a.limits.Streams {
			return nil, false, entity.Errorf(codes.ResourceExhausted, "device %d, role %q has %d controllers already", a.device, name, len(r.members))
		}
		m.role = r
		r.members = append(r.members, m)
	}
	m.election = id
	if id != nil && (r.highest == nil || !id.less(*r.highest)) {
		r.highest, r.primary = id, m
		for _, o := range r.members {
			if o != m {
				notify = append(notify, o)
			}
		}
		return notify, true, nil
	}
	if r.primary == m { // it stepped down
		r.primary = nil
		return r.members, false, nil
	}
	return []*member{m}, false, nil
}

func (a *arbiter) checkUpdate(m *member, u *p4v1.MasterArbitrationUpdate) error {
	first := m.role == nil
	switch {
	case first && u.GetDeviceId() != a.device:
		return entity.Errorf(codes.NotFound, "no device %d here, only %d", u.GetDeviceId(), a.device)
	case u.GetDeviceId() != a.device:
		return entity.Errorf(codes.FailedPrecondition, "this stream is for device %d, got %d", a.device, u.GetDeviceId())
	case !first && u.GetRole().GetName() != m.role.name:
		return entity.Errorf(codes.FailedPrecondition, "this stream has role %q and cannot change to %q: open another", m.role.name, u.GetRole().GetName())
	case u.GetRole().GetId() != 0:
		return entity.Errorf(codes.Unimplemented, "role id %d: roles have names since P4Runtime 1.3", u.GetRole().GetId())
	case u.GetRole().GetConfig() != nil:
		return entity.Errorf(codes.InvalidArgument, "role %q: no scheme of role configurations is agreed upon; every role has the whole pipeline", u.GetRole().GetName())
	}
	return nil
}

// leave takes m off its role and returns the members to notify.
func (a *arbiter) leave(m *member) []*member {
	r := m.role
	m.role, m.gone = nil, true
	if r == nil {
		return nil
	}
	for i, o := range r.members {
		if o == m {
			r.members = append(r.members[:i:i], r.members[i+1:]...)
			break
		}
	}
	if r.primary != m {
		return nil
	}
	r.primary = nil
	return r.members
}

// notice is what a member is told about the state of its role (specification,
// "Client Arbitration Notifications").
func (a *arbiter) notice(m *member) *p4v1.MasterArbitrationUpdate {
	r := m.role
	u := &p4v1.MasterArbitrationUpdate{DeviceId: a.device}
	if r.named {
		u.Role = &p4v1.Role{Name: r.name}
	}
	if r.highest != nil {
		u.ElectionId = r.highest.proto()
	}
	switch r.primary {
	case m:
		u.Status = &spb.Status{Code: int32(codes.OK), Message: "you are primary"}
	case nil:
		u.Status = &spb.Status{Code: int32(codes.NotFound), Message: "there is no primary"}
	default:
		u.Status = &spb.Status{Code: int32(codes.AlreadyExists), Message: "another controller is primary"}
	}
	return u
}

// authorize checks that a write comes from the primary of its role: unknown
// device or role is NOT_FOUND, anything but the primary's election id is
// PERMISSION_DENIED ("Write RPC", checks 1 and 2).
func (a *arbiter) authorize(device uint64, roleName string, election *p4v1.Uint128) error {
	if device != a.device {
		return entity.Errorf(codes.NotFound, "no device %d here, only %d", device, a.device)
	}
	r := a.roles[roleName]
	if r == nil {
		return entity.Errorf(codes.NotFound, "device %d has no role %q", device, roleName)
	}
	who := "role " + fmt.Sprintf("%q", roleName)
	if roleName == "" {
		who = "the default role"
	}
	id := electionOf(election)
	switch {
	case r.primary == nil:
		return entity.Errorf(codes.PermissionDenied, "%s has no primary", who)
	case id == nil:
		return entity.Errorf(codes.PermissionDenied, "no election id: only the primary of %s may write", who)
	case *id != *r.primary.election:
		return entity.Errorf(codes.PermissionDenied, "election id {%d %d} is not the primary's of %s", id.high, id.low, who)
	}
	return nil
}

// primaries calls f for the primary of every role.
func (a *arbiter) primaries(f func(*member)) {
	for _, r := range a.roles {
		if r.primary != nil {
			f(r.primary)
		}
	}
}
