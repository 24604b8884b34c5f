//lint:file-ignore SA1019 fields that P4Runtime deprecated are still part of it: kept, or refused by name.

package entity

import (
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/telltale-net/telltale/bmv2/device"
)

// Entry is a table entry as a client wrote it: what goes to the device, and what
// only P4Runtime knows of.
type Entry struct {
	Table              *Table
	Default            bool // the default entry; Matches and Priority are empty
	Matches            []device.Match
	Priority           int32
	Target             *device.Target // nil if the action is unset or a one-shot
	OneShot            []OneShotAction
	OneShotProto       *p4v1.ActionProfileActionSet // read back as it was written
	Counter            *device.CounterValue         // nil = unset
	Meter              *device.MeterConfig          // nil = unset
	IdleTimeout        int64
	Metadata           []byte
	ControllerMetadata uint64
}

// OneShotAction is one action of a one-shot action set.
type OneShotAction struct {
	Action    device.Action
	Weight    int32
	WatchPort uint32
	HasWatch  bool
}

// Key is the entry's identity ([Table.Key]).
func (e *Entry) Key() string {
	if e.Default {
		return e.Table.DefaultKey()
	}
	return e.Table.Key(e.Matches, e.Priority)
}

// DecodeKey decodes the fields that identify an entry: table, match, priority
// and is_default_action. They are all that DELETE and the direct resources look at.
func (s *Schema) DecodeKey(te *p4v1.TableEntry) (Entry, error) {
	var none Entry
	t, err := s.Table(te.GetTableId())
	if err != nil {
		return none, err
	}
	if te.GetIsDefaultAction() {
		if len(te.GetMatch()) > 0 {
			return none, invalid("table %s: the default entry has no match fields, got %d", t.Name, len(te.GetMatch()))
		}
		if te.GetPriority() != 0 {
			return none, invalid("table %s: the default entry has no priority, got %d", t.Name, te.GetPriority())
		}
		return Entry{Table: t, Default: true}, nil
	}
	if err := t.checkPriority(te.GetPriority()); err != nil {
		return none, err
	}
	ms, err := t.Matches(te.GetMatch())
	if err != nil {
		return none, err
	}
	return Entry{Table: t, Matches: ms, Priority: te.GetPriority()}, nil
}

func (t *Table) checkPriority(p int32) error {
	switch {
	case t.priority && p <= 0:
		return invalid("table %s has ternary, range or optional fields: priority must be above 0, got %d", t.Name, p)
	case !t.priority && p != 0:
		return invalid("table %s has only exact and lpm fields: priority must be 0, got %d", t.Name, p)
	}
	return nil
}

// DecodeEntry checks a whole entry for INSERT or MODIFY. For DELETE it decodes
// the key alone: "all other fields must be ignored".
func (s *Schema) DecodeEntry(op p4v1.Update_Type, te *p4v1.TableEntry) (Entry, error) {
	e, err := s.DecodeKey(te)
	if err != nil {
		return e, err
	}
	t := e.Table
	if e.Default {
		err := s.decodeDefault(op, te, &e)
		return e, err
	}
	if t.Const && op != p4v1.Update_MODIFY {
		return e, Errorf(codes.PermissionDenied, "table %s: %v: its entries are const", t.Name, op)
	}
	if len(t.Fields) == 0 {
		if op == p4v1.Update_INSERT {
			return e, invalid("table %s has no key: it holds only a default entry", t.Name)
		}
		return e, Errorf(codes.NotFound, "table %s has no key: it holds only a default entry", t.Name)
	}
	if op == p4v1.Update_DELETE {
		return e, nil
	}
	if err := e.decodeIdle(te); err != nil {
		return e, err
	}
	if err := e.decodeDirect(op, te); err != nil {
		return e, err
	}
	e.Metadata, e.ControllerMetadata = te.GetMetadata(), te.GetControllerMetadata()
	if t.Const && te.GetAction() != nil {
		return e, Errorf(codes.PermissionDenied, "table %s: the action of a const entry cannot change; leave it unset", t.Name)
	}
	if te.GetAction() == nil {
		if op == p4v1.Update_INSERT {
			return e, invalid("table %s: INSERT without an action", t.Name)
		}
		return e, nil
	}
	err = s.decodeTarget(te.GetAction(), &e)
	return e, err
}

// decodeDefault: specification, "Default Entry".
func (s *Schema) decodeDefault(op p4v1.Update_Type, te *p4v1.TableEntry, e *Entry) error {
	t := e.Table
	if op != p4v1.Update_MODIFY {
		return invalid("table %s: the default entry is always there: MODIFY it, got %v", t.Name, op)
	}
	if te.GetIdleTimeoutNs() != 0 || te.GetTimeSinceLastHit() != nil {
		return invalid("table %s: the default entry never times out: leave idle_timeout_ns and time_since_last_hit unset", t.Name)
	}
	if t.ConstDefault {
		return Errorf(codes.PermissionDenied, "table %s: its default action is const", t.Name)
	}
	if t.Profile != nil {
		return Errorf(codes.PermissionDenied, "table %s: the default entry of a table with an action profile is const NoAction", t.Name)
	}
	if err := e.decodeDirect(op, te); err != nil {
		return err
	}
	if e.Counter != nil || e.Meter != nil {
		return Errorf(codes.Unimplemented, "table %s: the model counts and meters hits only: no direct counter or meter on the default entry", t.Name)
	}
	e.Metadata, e.ControllerMetadata = te.GetMetadata(), te.GetControllerMetadata()
	if te.GetAction() == nil {
		return nil
	}
	a, ok := te.GetAction().GetType().(*p4v1.TableAction_Action)
	if !ok {
		return invalid("table %s: the default entry takes a direct action, got %T", t.Name, te.GetAction().GetType())
	}
	act, err := s.decodeAction("table "+t.Name, t.actions, true, a.Action)
	if err != nil {
		return err
	}
	e.Target = &device.Target{Action: &act}
	return nil
}

// decodeIdle: specification, "Idle-timeout".
func (e *Entry) decodeIdle(te *p4v1.TableEntry) error {
	if te.GetTimeSinceLastHit() != nil {
		return invalid("table %s: time_since_last_hit is for reading", e.Table.Name)
	}
	switch ns := te.GetIdleTimeoutNs(); {
	case ns < 0:
		return invalid("table %s: idle_timeout_ns is %d", e.Table.Name, ns)
	case ns > 0 && !e.Table.IdleTimeout:
		return invalid("table %s does not support idle timeouts, got idle_timeout_ns %d", e.Table.Name, ns)
	default:
		e.IdleTimeout = ns
	}
	return nil
}

// decodeDirect: specification, "Direct Resources".
func (e *Entry) decodeDirect(op p4v1.Update_Type, te *p4v1.TableEntry) error {
	t := e.Table
	if m := te.GetMeterConfig(); m != nil {
		if !t.DirectMeter {
			return invalid("table %s has no direct meter, got meter_config", t.Name)
		}
		c, err := DecodeMeter("table "+t.Name, t.MeterKind, m)
		if err != nil {
			return err
		}
		e.Meter = c
	}
	if c := te.GetCounterData(); c != nil {
		if !t.DirectCounter {
			return invalid("table %s has no direct counter, got counter_data", t.Name)
		}
		v, err := DecodeCounter("table "+t.Name, c)
		if err != nil {
			return err
		}
		e.Counter = &v
	}
	if te.GetMeterCounterData() != nil {
		if !t.DirectMeter {
			return invalid("table %s has no direct meter, got meter_counter_data", t.Name)
		}
		return Errorf(codes.Unimplemented, "table %s: meters have no counters per colour", t.Name)
	}
	return nil
}

func (s *Schema) decodeTarget(a *p4v1.TableAction, e *Entry) error {
	t := e.Table
	where := "table " + t.Name
	switch v := a.GetType().(type) {
	case *p4v1.TableAction_Action:
		if t.Profile != nil {
			return invalid("%s takes members of %s, got a direct action", where, t.Profile.Name)
		}
		act, err := s.decodeAction(where, t.actions, false, v.Action)
		if err != nil {
			return err
		}
		e.Target = &device.Target{Action: &act}
	case *p4v1.TableAction_ActionProfileMemberId:
		if t.Profile == nil {
			return invalid("%s takes actions, got an action profile member", where)
		}
		id := v.ActionProfileMemberId
		e.Target = &device.Target{Member: &id}
	case *p4v1.TableAction_ActionProfileGroupId:
		if t.Profile == nil || !t.Profile.Selector {
			return invalid("%s has no action selector, got an action profile group", where)
		}
		id := v.ActionProfileGroupId
		e.Target = &device.Target{Group: &id}
	case *p4v1.TableAction_ActionProfileActionSet:
		if t.Profile == nil || !t.Profile.Selector {
			return invalid("%s has no action selector, got an action set", where)
		}
		return s.decodeOneShot(v.ActionProfileActionSet, e)
	default:
		return invalid("%s: the action is empty", where)
	}
	return nil
}

// decodeOneShot: specification, "One Shot Action Selector Programming".
func (s *Schema) decodeOneShot(set *p4v1.ActionProfileActionSet, e *Entry) error {
	p := e.Table.Profile
	where := "table " + e.Table.Name + ", action set"
	var sum int64
	e.OneShot = make([]OneShotAction, 0, len(set.GetActionProfileActions()))
	for i, a := range set.GetActionProfileActions() {
		act, err := s.decodeAction(where, p.actions, false, a.GetAction())
		if err != nil {
			return err
		}
		if a.GetWeight() <= 0 {
			return invalid("%s: action %d has weight %d, want at least 1", where, i, a.GetWeight())
		}
		sum += int64(a.GetWeight())
		o := OneShotAction{Action: act, Weight: a.GetWeight()}
		switch w := a.GetWatchKind().(type) {
		case *p4v1.ActionProfileAction_WatchPort:
			o.WatchPort, o.HasWatch, err = decodeWatch(w.WatchPort)
		case *p4v1.ActionProfileAction_Watch:
			o.WatchPort, o.HasWatch, err = decodeOldWatch(w.Watch)
		}
		if err != nil {
			return invalid("%s: action %d: %v", where, i, err)
		}
		e.OneShot = append(e.OneShot, o)
	}
	if p.MaxGroup > 0 && sum > int64(p.MaxGroup) {
		return invalid("%s: weights sum to %d, %s allows %d", where, sum, p.Name, p.MaxGroup)
	}
	e.OneShotProto = canonicalSet(set)
	return nil
}

// canonicalSet is a valid action set as it is read: as it was written, in canonical
// bytestrings.
func canonicalSet(set *p4v1.ActionProfileActionSet) *p4v1.ActionProfileActionSet {
	out := proto.Clone(set).(*p4v1.ActionProfileActionSet)
	for _, a := range out.GetActionProfileActions() {
		for _, p := range a.GetAction().GetParams() {
			p.Value = Canonical(p.GetValue())
		}
		if w, ok := a.GetWatchKind().(*p4v1.ActionProfileAction_WatchPort); ok && len(w.WatchPort) > 0 {
			w.WatchPort = Canonical(w.WatchPort)
		}
	}
	return out
}

// EncodeEntry writes the key of an entry, its timeout and its metadata. Action
// and direct resources are the caller's: what is read depends on the request.
func (t *Table) EncodeEntry(e device.Entry) (*p4v1.TableEntry, error) {
	ms, err := t.FieldMatches(e.Matches)
	if err != nil {
		return nil, err
	}
	return &p4v1.TableEntry{TableId: t.ID, Match: ms, Priority: e.Priority, IdleTimeoutNs: e.IdleTimeout, Metadata: e.Metadata}, nil
}

// EncodeTarget writes what an entry does.
func (s *Schema) EncodeTarget(t device.Target) (*p4v1.TableAction, error) {
	switch {
	case t.Member != nil:
		return &p4v1.TableAction{Type: &p4v1.TableAction_ActionProfileMemberId{ActionProfileMemberId: *t.Member}}, nil
	case t.Group != nil:
		return &p4v1.TableAction{Type: &p4v1.TableAction_ActionProfileGroupId{ActionProfileGroupId: *t.Group}}, nil
	case t.Action != nil:
		a, err := s.EncodeAction(*t.Action)
		if err != nil {
			return nil, err
		}
		return &p4v1.TableAction{Type: &p4v1.TableAction_Action{Action: a}}, nil
	}
	return nil, nil
}
