package entity

import (
	p4configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"

	"github.com/telltale-net/telltale/bmv2/device"
)

// decodeAction checks a call of an action against the actions allowed in one
// place (specification, "Action Specification"): unknown there is
// INVALID_ARGUMENT, allowed but with the wrong scope PERMISSION_DENIED.
func (s *Schema) decodeAction(where string, allowed map[uint32]p4configv1.ActionRef_Scope, asDefault bool, a *p4v1.Action) (device.Action, error) {
	var none device.Action
	if a == nil {
		return none, invalid("%s: action is missing", where)
	}
	scope, ok := allowed[a.GetActionId()]
	if !ok {
		if known := s.actions[a.GetActionId()]; known != nil {
			return none, invalid("%s: action %s (id %d) is not one of its actions", where, known.Name, known.ID)
		}
		return none, invalid("%s: no action with id %d", where, a.GetActionId())
	}
	info := s.actions[a.GetActionId()]
	switch {
	case asDefault && scope == p4configv1.ActionRef_TABLE_ONLY:
		return none, Errorf(codes.PermissionDenied, "%s: action %s is for entries only, not for the default", where, info.Name)
	case !asDefault && scope == p4configv1.ActionRef_DEFAULT_ONLY:
		return none, Errorf(codes.PermissionDenied, "%s: action %s is for the default only, not for entries", where, info.Name)
	case scope == scopeGroupAction:
		return none, Errorf(codes.PermissionDenied, "%s: action %s is for groups as a whole, not for entries or members", where, info.Name)
	}
	out := device.Action{Name: info.Name, Args: make([][]byte, len(info.Params))}
	for _, p := range a.GetParams() {
		i := -1
		for j := range info.Params {
			if info.Params[j].ID == p.GetParamId() {
				i = j
			}
		}
		if i < 0 {
			return none, invalid("%s: action %s has no parameter with id %d", where, info.Name, p.GetParamId())
		}
		if out.Args[i] != nil {
			return none, invalid("%s: action %s: parameter %s comes twice", where, info.Name, info.Params[i].Name)
		}
		v, err := number(p.GetValue(), info.Params[i].sdn, info.Params[i].Width)
		if err != nil {
			return none, invalid("%s: action %s, parameter %s: %v", where, info.Name, info.Params[i].Name, err)
		}
		out.Args[i] = v
	}
	for i, v := range out.Args {
		if v == nil {
			return none, invalid("%s: action %s: parameter %s (id %d) is missing", where, info.Name, info.Params[i].Name, info.Params[i].ID)
		}
	}
	return out, nil
}

// EncodeAction writes a device's action for the client.
func (s *Schema) EncodeAction(a device.Action) (*p4v1.Action, error) {
	info := s.byName[a.Name]
	if info == nil {
		return nil, Errorf(codes.Internal, "the device runs action %q, which the P4Info does not have", a.Name)
	}
	if len(a.Args) != len(info.Params) {
		return nil, Errorf(codes.Internal, "the device returned %d arguments of action %s, want %d", len(a.Args), a.Name, len(info.Params))
	}
	out := &p4v1.Action{ActionId: info.ID}
	for i, v := range a.Args {
		out.Params = append(out.Params, &p4v1.Action_Param{ParamId: info.Params[i].ID, Value: shown(v, info.Params[i].sdn)})
	}
	return out, nil
}

// ActionID finds the id of an action that the device names; 0 if the P4Info has
// no such action.
func (s *Schema) ActionID(name string) uint32 {
	if a := s.byName[name]; a != nil {
		return a.ID
	}
	return 0
}
