package p4rt

import (
	"context"
	"errors"
	"fmt"

	p4configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"
)

// Result says what Apply did.
type Result struct {
	Inserted, Modified, Deleted int
	Unchanged                   int
	// Immutable counts entries that the switch has, that are not desired, and that
	// it does not let go: const entries of the program.
	Immutable int
	// Degraded names what the switch cannot be asked about. Of those kinds nothing
	// was deleted, and what is desired was written without knowing whether it was
	// there already.
	Degraded []string
}

// kindOf is one kind of entity that Apply reads back.
type kindOf struct {
	name    string
	request *p4v1.Entity
	is      func(*p4v1.Entity) bool
}

func kinds(info *p4configv1.P4Info) []kindOf {
	ks := []kindOf{{
		"multicast groups",
		&p4v1.Entity{Entity: &p4v1.Entity_PacketReplicationEngineEntry{PacketReplicationEngineEntry: &p4v1.PacketReplicationEngineEntry{
			Type: &p4v1.PacketReplicationEngineEntry_MulticastGroupEntry{MulticastGroupEntry: &p4v1.MulticastGroupEntry{}},
		}}},
		func(e *p4v1.Entity) bool {
			return e.GetPacketReplicationEngineEntry().GetMulticastGroupEntry() != nil
		},
	}, {
		"clone sessions",
		&p4v1.Entity{Entity: &p4v1.Entity_PacketReplicationEngineEntry{PacketReplicationEngineEntry: &p4v1.PacketReplicationEngineEntry{
			Type: &p4v1.PacketReplicationEngineEntry_CloneSessionEntry{CloneSessionEntry: &p4v1.CloneSessionEntry{}},
		}}},
		func(e *p4v1.Entity) bool { return e.GetPacketReplicationEngineEntry().GetCloneSessionEntry() != nil },
	}}
	if len(info.GetActionProfiles()) > 0 {
		ks = append(ks, kindOf{
			"action profile members",
			&p4v1.Entity{Entity: &p4v1.Entity_ActionProfileMember{ActionProfileMember: &p4v1.ActionProfileMember{}}},
			func(e *p4v1.Entity) bool { return e.GetActionProfileMember() != nil },
		}, kindOf{
			"action profile groups",
			&p4v1.Entity{Entity: &p4v1.Entity_ActionProfileGroup{ActionProfileGroup: &p4v1.ActionProfileGroup{}}},
			func(e *p4v1.Entity) bool { return e.GetActionProfileGroup() != nil },
		})
	}
	if len(info.GetDigests()) > 0 {
		ks = append(ks, kindOf{
			"digests",
			&p4v1.Entity{Entity: &p4v1.Entity_DigestEntry{DigestEntry: &p4v1.DigestEntry{}}},
			func(e *p4v1.Entity) bool { return e.GetDigestEntry() != nil },
		})
	}
	for _, t := range info.GetTables() {
		if t.GetIsConstTable() || len(t.GetMatchFields()) == 0 {
			continue
		}
		id := t.GetPreamble().GetId()
		q := &p4v1.TableEntry{TableId: id}
		for _, m := range info.GetDirectMeters() {
			if m.GetDirectTableId() == id {
				q.MeterConfig = &p4v1.MeterConfig{}
			}
		}
		ks = append(ks, kindOf{
			"entries of " + t.GetPreamble().GetName(),
			&p4v1.Entity{Entity: &p4v1.Entity_TableEntry{TableEntry: q}},
			func(e *p4v1.Entity) bool {
				return e.GetTableEntry().GetTableId() == id && !e.GetTableEntry().GetIsDefaultAction()
			},
		})
	}
	return ks
}

// Apply makes the switch have what is desired: it reads back what is there,
// compares ([Diff]) and writes the difference, phase by phase. A phase with
// failures ends it with a [*WriteError]; Result counts what was done until then.
// When nothing has to change nothing is written.
//
// Default entries and meter cells are compared if desired names them, and are
// otherwise left alone; entries of const tables are not touched. The session must
// be primary and the switch must have a pipeline.
func (s *Session) Apply(ctx context.Context, desired []*p4v1.Entity) (Result, error) {
	var res Result
	info := s.P4Info()
	if info == nil {
		var err error
		if info, _, err = s.Pipeline(ctx); err != nil {
			return res, err
		}
	}
	have, blind, err := s.present(ctx, info, desired, &res)
	if err != nil {
		return res, err
	}
	plan, err := Diff(have, desired)
	if err != nil {
		return res, err
	}
	res.Unchanged, res.Immutable = plan.Unchanged, plan.Immutable
	for _, ph := range plan.Phases {
		if err := s.applyPhase(ctx, ph, blind, &res); err != nil {
			return res, err
		}
	}
	return res, nil
}

// present reads what the switch has. blind says of an entity whether its kind
// could not be read.
func (s *Session) present(ctx context.Context, info *p4configv1.P4Info, desired []*p4v1.Entity, res *Result) (have []*p4v1.Entity, blind func(*p4v1.Entity) bool, err error) {
	var unread []kindOf
	read := func(k kindOf) error {
		es, err := s.ReadAll(ctx, k.request)
		switch {
		case err == nil:
			have = append(have, es...)
		case code(err) == codes.NotFound && k.is == nil:
			// A default or meter that was never set; it is modified now.
		case code(err) == codes.Unimplemented:
			unread = append(unread, k)
			res.Degraded = append(res.Degraded, k.name)
		default:
			return err
		}
		return nil
	}
	for _, k := range kinds(info) {
		if err := read(k); err != nil {
			return nil, nil, err
		}
	}
	for _, e := range desired {
		var k kindOf
		switch {
		case e.GetTableEntry().GetIsDefaultAction():
			id := e.GetTableEntry().GetTableId()
			k = kindOf{
				"default entry of table " + tableName(info, id),
				&p4v1.Entity{Entity: &p4v1.Entity_TableEntry{TableEntry: &p4v1.TableEntry{TableId: id, IsDefaultAction: true}}},
				nil, // it is modified either way
			}
		case e.GetMeterEntry() != nil:
			m := e.GetMeterEntry()
			k = kindOf{
				Describe(e, info),
				&p4v1.Entity{Entity: &p4v1.Entity_MeterEntry{MeterEntry: &p4v1.MeterEntry{MeterId: m.GetMeterId(), Index: m.GetIndex()}}},
				nil,
			}
		default:
			continue
		}
		if err := read(k); err != nil {
			return nil, nil, err
		}
	}
	return have, func(e *p4v1.Entity) bool {
		for _, k := range unread {
			if k.is != nil && k.is(e) {
				return true
			}
		}
		return false
	}, nil
}

func tableName(info *p4configv1.P4Info, id uint32) string {
	if t := findTable(info, id); t != nil {
		return t.GetPreamble().GetName()
	}
	return fmt.Sprint(id)
}

// applyPhase writes one phase. Two refusals are no failures: a DELETE of a const
// entry, and an INSERT of something of an unreadable kind that turns out to exist,
// which becomes a MODIFY.
func (s *Session) applyPhase(ctx context.Context, updates []*p4v1.Update, blind func(*p4v1.Entity) bool, res *Result) error {
	if len(updates) == 0 {
		return nil
	}
	err := s.Write(ctx, updates)
	var we *WriteError
	if err != nil && !errors.As(err, &we) {
		return err
	}
	if err != nil && len(we.Failed) > 0 && error(we) != err {
		return err // some batch was not accepted at all
	}
	failed := map[int]bool{}
	var again []*p4v1.Update
	var left []UpdateError
	if we != nil {
		for _, f := range we.Failed {
			failed[f.Index] = true
			u := updates[f.Index]
			switch {
			case u.GetType() == p4v1.Update_DELETE && f.Code == codes.PermissionDenied && u.GetEntity().GetTableEntry() != nil:
				res.Immutable++
			case u.GetType() == p4v1.Update_INSERT && f.Code == codes.AlreadyExists && blind(u.GetEntity()):
				again = append(again, &p4v1.Update{Type: p4v1.Update_MODIFY, Entity: u.GetEntity()})
			default:
				left = append(left, f)
			}
		}
	}
	for i, u := range updates {
		if failed[i] {
			continue
		}
		switch u.GetType() {
		case p4v1.Update_INSERT:
			res.Inserted++
		case p4v1.Update_MODIFY:
			res.Modified++
		case p4v1.Update_DELETE:
			res.Deleted++
		}
	}
	if len(left) > 0 {
		return &WriteError{Updates: len(updates), Failed: left}
	}
	if len(again) == 0 {
		return nil
	}
	return s.applyPhase(ctx, again, blind, res)
}
