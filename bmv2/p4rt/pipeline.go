//lint:file-ignore SA1019 fields that P4Runtime deprecated are still part of it: kept, or refused by name.

package p4rt

import (
	"context"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/telltale-net/telltale/bmv2/p4rt/entity"
)

// pipeline is a forwarding pipeline config and the state under it.
type pipeline struct {
	config *p4v1.ForwardingPipelineConfig
	store  *store
}

// load verifies a config: the P4Info against itself and the JSON, then the
// device's own judgement. Whatever is wrong is INVALID_ARGUMENT.
func (s *Server) load(c *p4v1.ForwardingPipelineConfig) (*pipeline, error) {
	if c == nil {
		return nil, entity.Errorf(codes.InvalidArgument, "config is missing")
	}
	schema, err := entity.New(c.GetP4Info(), c.GetP4DeviceConfig())
	if err != nil {
		return nil, err
	}
	dev, err := s.cfg.Load(c.GetP4Info(), c.GetP4DeviceConfig())
	if err != nil {
		return nil, entity.Errorf(codes.InvalidArgument, "the device cannot realize the config: %v", err)
	}
	return &pipeline{config: c, store: newStore(schema, dev)}, nil
}

// commit loads a config and makes it the one in force.
func (s *Server) commit(c *p4v1.ForwardingPipelineConfig) error {
	p, err := s.load(c)
	if err != nil {
		return err
	}
	return s.realize(p)
}

func (s *Server) realize(p *pipeline) error {
	if s.cfg.Commit != nil {
		if err := s.cfg.Commit(p.store.dev); err != nil {
			return entity.Errorf(codes.Internal, "committing the pipeline: %v", err)
		}
	}
	s.committed, s.saved = p, nil
	clear(s.idle)
	s.io.Store(p)
	return nil
}

// SetForwardingPipelineConfig verifies, saves and realizes pipelines. A saved
// pipeline has a device of its own from the start, so that updates between
// VERIFY_AND_SAVE and COMMIT take effect there, unseen by packets; COMMIT only
// has to change over.
func (s *Server) SetForwardingPipelineConfig(_ context.Context, req *p4v1.SetForwardingPipelineConfigRequest) (*p4v1.SetForwardingPipelineConfigResponse, error) {
	s.state.Lock()
	defer s.state.Unlock()
	if err := s.authorize(req.GetDeviceId(), req.GetRole(), req.GetRoleId(), req.GetElectionId()); err != nil {
		return nil, rpcError(err)
	}
	if err := s.setPipeline(req); err != nil {
		return nil, rpcError(err)
	}
	return &p4v1.SetForwardingPipelineConfigResponse{}, nil
}

func (s *Server) setPipeline(req *p4v1.SetForwardingPipelineConfigRequest) error {
	switch req.GetAction() {
	case p4v1.SetForwardingPipelineConfigRequest_VERIFY:
		_, err := s.load(req.GetConfig())
		return err
	case p4v1.SetForwardingPipelineConfigRequest_VERIFY_AND_SAVE:
		p, err := s.load(req.GetConfig())
		if err != nil {
			return err
		}
		s.saved = p
		return nil
	case p4v1.SetForwardingPipelineConfigRequest_VERIFY_AND_COMMIT:
		return s.commit(req.GetConfig())
	case p4v1.SetForwardingPipelineConfigRequest_COMMIT:
		if req.GetConfig() != nil {
			return entity.Errorf(codes.InvalidArgument, "COMMIT realizes the saved config and takes none")
		}
		if s.saved == nil {
			return entity.Errorf(codes.NotFound, "no saved config to commit: VERIFY_AND_SAVE comes first")
		}
		return s.realize(s.saved)
	case p4v1.SetForwardingPipelineConfigRequest_RECONCILE_AND_COMMIT:
		return s.reconcile(req.GetConfig())
	}
	return entity.Errorf(codes.InvalidArgument, "action %v is not valid", req.GetAction())
}

// GetForwardingPipelineConfig returns the config that reads and writes refer to:
// the saved one if there is one.
func (s *Server) GetForwardingPipelineConfig(_ context.Context, req *p4v1.GetForwardingPipelineConfigRequest) (*p4v1.GetForwardingPipelineConfigResponse, error) {
	if req.GetDeviceId() != s.cfg.DeviceID {
		return nil, status.Errorf(codes.NotFound, "no device %d here, only %d", req.GetDeviceId(), s.cfg.DeviceID)
	}
	s.state.RLock()
	defer s.state.RUnlock()
	p := s.current()
	if p == nil {
		return &p4v1.GetForwardingPipelineConfigResponse{}, nil
	}
	out := &p4v1.ForwardingPipelineConfig{Cookie: p.config.GetCookie()}
	switch req.GetResponseType() {
	case p4v1.GetForwardingPipelineConfigRequest_ALL:
		out.P4Info, out.P4DeviceConfig = p.config.GetP4Info(), p.config.GetP4DeviceConfig()
	case p4v1.GetForwardingPipelineConfigRequest_COOKIE_ONLY:
	case p4v1.GetForwardingPipelineConfigRequest_P4INFO_AND_COOKIE:
		out.P4Info = p.config.GetP4Info()
	case p4v1.GetForwardingPipelineConfigRequest_DEVICE_CONFIG_AND_COOKIE:
		out.P4DeviceConfig = p.config.GetP4DeviceConfig()
	default:
		return nil, status.Errorf(codes.InvalidArgument, "response type %v is not valid", req.GetResponseType())
	}
	return &p4v1.GetForwardingPipelineConfigResponse{Config: out}, nil
}

// reconcile realizes a config with the forwarding state of the present one: the
// state is read as entities and written under the new config. An entity that the
// new config does not take ends it with INVALID_ARGUMENT and everything as before.
// Entries that a program declares are its own: of those that both declare, counter
// and meter are carried over.
// Counters and registers are carried over as they are when they are read; what
// packets add to them during the change is lost.
func (s *Server) reconcile(c *p4v1.ForwardingPipelineConfig) error {
	p, err := s.load(c)
	if err != nil {
		return err
	}
	if old := s.committed; old != nil {
		if err := old.store.copyTo(p.store); err != nil {
			return entity.Errorf(codes.InvalidArgument, "the forwarding state cannot be preserved: %v", err)
		}
	}
	return s.realize(p)
}

// copyTo writes the whole state of s into the empty store to.
func (s *store) copyTo(to *store) error {
	kinds := []*p4v1.Entity{
		{Entity: &p4v1.Entity_ActionProfileMember{ActionProfileMember: &p4v1.ActionProfileMember{}}},
		{Entity: &p4v1.Entity_ActionProfileGroup{ActionProfileGroup: &p4v1.ActionProfileGroup{}}},
		{Entity: &p4v1.Entity_TableEntry{TableEntry: &p4v1.TableEntry{CounterData: &p4v1.CounterData{}, MeterConfig: &p4v1.MeterConfig{}}}},
		pre(&p4v1.MulticastGroupEntry{}, nil),
		pre(nil, &p4v1.CloneSessionEntry{}),
		{Entity: &p4v1.Entity_DigestEntry{DigestEntry: &p4v1.DigestEntry{}}},
	}
	for _, k := range kinds {
		if err := s.copyKind(to, k, p4v1.Update_INSERT); err != nil {
			return err
		}
	}
	for _, t := range s.schema.Tables {
		if !s.defaults[t.ID] {
			continue // the program's own; the new program has one too
		}
		k := &p4v1.Entity{Entity: &p4v1.Entity_TableEntry{TableEntry: &p4v1.TableEntry{TableId: t.ID, IsDefaultAction: true}}}
		if err := s.copyKind(to, k, p4v1.Update_MODIFY); err != nil {
			return err
		}
	}
	kinds = []*p4v1.Entity{
		{Entity: &p4v1.Entity_CounterEntry{CounterEntry: &p4v1.CounterEntry{}}},
		{Entity: &p4v1.Entity_MeterEntry{MeterEntry: &p4v1.MeterEntry{}}},
		{Entity: &p4v1.Entity_RegisterEntry{RegisterEntry: &p4v1.RegisterEntry{}}},
	}
	if _, err := s.valueSets(); err == nil {
		kinds = append(kinds, &p4v1.Entity{Entity: &p4v1.Entity_ValueSetEntry{ValueSetEntry: &p4v1.ValueSetEntry{}}})
	}
	for _, k := range kinds {
		if err := s.copyKind(to, k, p4v1.Update_MODIFY); err != nil {
			return err
		}
	}
	return nil
}

func pre(g *p4v1.MulticastGroupEntry, c *p4v1.CloneSessionEntry) *p4v1.Entity {
	e := &p4v1.PacketReplicationEngineEntry{}
	if g != nil {
		e.Type = &p4v1.PacketReplicationEngineEntry_MulticastGroupEntry{MulticastGroupEntry: g}
	} else {
		e.Type = &p4v1.PacketReplicationEngineEntry_CloneSessionEntry{CloneSessionEntry: c}
	}
	return &p4v1.Entity{Entity: &p4v1.Entity_PacketReplicationEngineEntry{PacketReplicationEngineEntry: e}}
}

func (s *store) copyKind(to *store, kind *p4v1.Entity, op p4v1.Update_Type) error {
	var all []*p4v1.Entity
	if err := s.read(kind, func(e *p4v1.Entity) { all = append(all, e) }); err != nil {
		return err
	}
	for _, e := range all {
		op := op
		if s.declared(e) {
			if e, op = to.resources(e), p4v1.Update_MODIFY; e == nil {
				continue
			}
		}
		if _, err := to.apply(&p4v1.Update{Type: op, Entity: e}, noUndo); err != nil {
			return entity.Errorf(entity.CodeOf(err), "%v (%v)", err, e)
		}
	}
	return nil
}

// resources is what a client can have changed of an entry that a program declares:
// its direct counter and meter (specification, "Constant Tables"), which packets
// change too. It is nil if s, the store of the new program, does not declare it.
func (s *store) resources(e *p4v1.Entity) *p4v1.Entity {
	if !s.declared(e) {
		return nil
	}
	te := e.GetTableEntry()
	return &p4v1.Entity{Entity: &p4v1.Entity_TableEntry{TableEntry: &p4v1.TableEntry{
		TableId: te.GetTableId(), Match: te.GetMatch(), Priority: te.GetPriority(), CounterData: te.GetCounterData(), MeterConfig: te.GetMeterConfig(),
	}}}
}

// declared says whether an entry is part of the program: the new program brings
// its own.
func (s *store) declared(e *p4v1.Entity) bool {
	te := e.GetTableEntry()
	if te == nil || te.GetIsDefaultAction() {
		return false
	}
	k, err := s.schema.DecodeKey(te)
	if err != nil {
		return false
	}
	d, err := s.find(&k)
	return err == nil && d.Const
}
