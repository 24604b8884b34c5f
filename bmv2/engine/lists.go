package engine

import (
	"github.com/telltale-net/telltale/bmv2/spec"
)

// fieldList is the slots that a clone, resubmitted or recirculated packet keeps.
type fieldList []slotRun

type slotRun struct{ slot, words uint32 }

// digestList is the fields of a digest.
type digestList struct {
	name   string
	id     int
	fields []digestField
	bytes  int
}

// digestField is a field, or a constant.
type digestField struct {
	name  string
	field field
	value []byte // constant
}

func (p *Program) compileLists(k *compiler) {
	p.lists = map[uint16]*fieldList{}
	for i := range p.spec.FieldLists {
		src := &p.spec.FieldLists[i]
		var l fieldList
		for _, e := range src.Elements {
			if e.Kind != spec.SizedField {
				continue // a constant has no place to be kept
			}
			f := k.field(e.Field)
			words := f.words
			if f.varbit {
				words++
			}
			l = append(l, slotRun{f.slot, words})
		}
		p.lists[uint16(src.ID)] = &l
	}
	p.digests = map[uint16]*digestList{}
	for i := range p.spec.LearnLists {
		src := &p.spec.LearnLists[i]
		d := &digestList{name: src.Name, id: src.ID}
		for _, e := range src.Elements {
			f := digestField{}
			n := (e.Width + 7) / 8
			if e.Kind == spec.SizedConst {
				f.value = e.Const.FillBytes(make([]byte, n))
			} else {
				f.field, f.name = k.field(e.Field), p.spec.FieldName(e.Field)
			}
			d.bytes += n
			d.fields = append(d.fields, f)
		}
		p.digests[uint16(src.ID)] = d
	}
}
