package p4rt

import (
	"context"
	"errors"
	"fmt"

	"github.com/antoninbas/p4runtime-go-client/pkg/client"
	p4configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/protobuf/encoding/prototext"
)

// Pipeline is a forwarding pipeline to push.
type Pipeline struct {
	P4Info       []byte // protobuf text, as p4c writes it
	DeviceConfig []byte // for BMv2: its JSON
	Cookie       uint64 // returned by [Session.Pipeline]
}

// ParseP4Info reads P4Info in text format. p4c may be newer than the stubs:
// fields they do not know are left out.
func ParseP4Info(text []byte) (*p4configv1.P4Info, error) {
	info := &p4configv1.P4Info{}
	if err := (prototext.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(text, info); err != nil {
		return nil, fmt.Errorf("p4rt: parsing P4Info: %w", err)
	}
	return info, nil
}

// PushPipeline verifies and commits a pipeline. The switch forgets all its
// entries. The session must be primary.
func (s *Session) PushPipeline(ctx context.Context, p Pipeline) error {
	return s.setPipeline(ctx, p, p4v1.SetForwardingPipelineConfigRequest_VERIFY_AND_COMMIT)
}

// VerifyPipeline asks whether the switch would take a pipeline; nothing changes.
func (s *Session) VerifyPipeline(ctx context.Context, p Pipeline) error {
	return s.setPipeline(ctx, p, p4v1.SetForwardingPipelineConfigRequest_VERIFY)
}

func (s *Session) setPipeline(ctx context.Context, p Pipeline, action p4v1.SetForwardingPipelineConfigRequest_Action) error {
	info, err := ParseP4Info(p.P4Info)
	if err != nil {
		return err
	}
	_, err = s.stub.SetForwardingPipelineConfig(ctx, &p4v1.SetForwardingPipelineConfigRequest{
		DeviceId: s.cfg.DeviceID, Role: s.cfg.Role, ElectionId: s.currentElection(), Action: action,
		Config: &p4v1.ForwardingPipelineConfig{
			P4Info: info, P4DeviceConfig: p.DeviceConfig,
			Cookie: &p4v1.ForwardingPipelineConfig_Cookie{Cookie: p.Cookie},
		},
	})
	if err != nil {
		return fmt.Errorf("p4rt: pipeline of device %d, %v: %w", s.cfg.DeviceID, action, err)
	}
	if action == p4v1.SetForwardingPipelineConfigRequest_VERIFY_AND_COMMIT {
		s.mu.Lock()
		s.info, s.builder = info, nil
		s.mu.Unlock()
	}
	return nil
}

// ErrNoPipeline: the switch has no pipeline yet.
var ErrNoPipeline = errors.New("the switch has no pipeline")

// Pipeline fetches the P4Info and cookie of the switch's pipeline, and keeps the
// P4Info for Apply, Describe and packet I/O. A cookie that was never set is 0.
func (s *Session) Pipeline(ctx context.Context) (info *p4configv1.P4Info, cookie uint64, err error) {
	r, err := s.stub.GetForwardingPipelineConfig(ctx, &p4v1.GetForwardingPipelineConfigRequest{
		DeviceId: s.cfg.DeviceID, ResponseType: p4v1.GetForwardingPipelineConfigRequest_P4INFO_AND_COOKIE,
	})
	if err != nil {
		return nil, 0, fmt.Errorf("p4rt: pipeline of device %d: %w", s.cfg.DeviceID, err)
	}
	if r.GetConfig().GetP4Info() == nil {
		return nil, 0, fmt.Errorf("p4rt: pipeline of device %d: %w", s.cfg.DeviceID, ErrNoPipeline)
	}
	info = r.GetConfig().GetP4Info()
	s.mu.Lock()
	s.info, s.builder = info, nil
	s.mu.Unlock()
	return info, r.GetConfig().GetCookie().GetCookie(), nil
}

// Builder returns p4runtime-go-client's lookup by name and its entity builders
// (NewTableEntry, NewActionProfileMember, …), with the P4Info that the switch has.
// Mind that it turns names it does not know into id 0, and that its LpmMatch and
// TernaryMatch write into the slices they are given.
func (s *Session) Builder(ctx context.Context) (*client.Client, error) {
	s.mu.Lock()
	b := s.builder
	s.mu.Unlock()
	if b != nil {
		return b, nil
	}
	var role *p4v1.Role
	if s.cfg.Role != "" {
		role = &p4v1.Role{Name: s.cfg.Role}
	}
	b = client.NewClientForRole(s.stub, s.cfg.DeviceID, s.currentElection(), role)
	c, err := b.GetFwdPipe(ctx, client.GetFwdPipeP4InfoAndCookie)
	if err != nil {
		return nil, fmt.Errorf("p4rt: pipeline of device %d: %w", s.cfg.DeviceID, err)
	}
	if c == nil || c.P4Info == nil {
		return nil, fmt.Errorf("p4rt: pipeline of device %d: %w", s.cfg.DeviceID, ErrNoPipeline)
	}
	s.mu.Lock()
	s.builder = b
	s.mu.Unlock()
	return b, nil
}
