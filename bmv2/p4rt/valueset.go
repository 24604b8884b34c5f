package p4rt

import (
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/p4rt/entity"
)

// valueSets is the device as one with value sets.
func (s *store) valueSets() (device.ValueSets, error) {
	if d, ok := s.dev.(device.ValueSets); ok {
		return d, nil
	}
	return nil, entity.Errorf(codes.Unimplemented, "this device does not offer value sets")
}

// applyValueSet replaces the members of a value set (specification, "ValueSetEntry").
func (s *store) applyValueSet(op p4v1.Update_Type, in *p4v1.ValueSetEntry) (undo, error) {
	v, err := s.schema.ValueSet(in.GetValueSetId())
	if err != nil {
		return nil, err
	}
	if err := onlyModify(op, "value set "+v.Name); err != nil {
		return nil, err
	}
	members, err := v.DecodeMembers(in.GetMembers())
	if err != nil {
		return nil, err
	}
	dev, err := s.valueSets()
	if err != nil {
		return nil, err
	}
	old, err := dev.ValueSet(v.Name)
	if err != nil {
		return nil, err
	}
	if err := dev.SetValueSet(v.Name, members); err != nil {
		return nil, err
	}
	return func() error { return dev.SetValueSet(v.Name, old) }, nil
}

func (s *store) readValueSets(q *p4v1.ValueSetEntry, emit func(*p4v1.Entity)) error {
	if len(q.GetMembers()) > 0 {
		return entity.Errorf(codes.InvalidArgument, "value set %d: members cannot be selected", q.GetValueSetId())
	}
	sets := s.schema.ValueSets
	if id := q.GetValueSetId(); id != 0 {
		v, err := s.schema.ValueSet(id)
		if err != nil {
			return err
		}
		sets = []*entity.ValueSet{v}
	}
	for _, v := range sets {
		dev, err := s.valueSets()
		if err != nil {
			return err
		}
		ms, err := dev.ValueSet(v.Name)
		if err != nil {
			return err
		}
		emit(&p4v1.Entity{Entity: &p4v1.Entity_ValueSetEntry{ValueSetEntry: &p4v1.ValueSetEntry{
			ValueSetId: v.ID, Members: v.EncodeMembers(ms),
		}}})
	}
	return nil
}
