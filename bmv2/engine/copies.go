package engine

import (
	"bytes"
	"slices"

	"github.com/telltale-net/telltale/bmv2/device"
)

func cloneTarget(t device.Target) device.Target {
	if t.Action != nil {
		a := cloneAction(*t.Action)
		t.Action = &a
	}
	if t.Member != nil {
		m := *t.Member
		t.Member = &m
	}
	if t.Group != nil {
		g := *t.Group
		t.Group = &g
	}
	return t
}

func cloneAction(a device.Action) device.Action {
	args := make([][]byte, len(a.Args))
	for i, v := range a.Args {
		args[i] = bytes.Clone(v)
	}
	a.Args = args
	return a
}

func cloneEntry(e device.Entry) device.Entry {
	e.Target = cloneTarget(e.Target)
	e.Metadata = bytes.Clone(e.Metadata)
	e.Matches = slices.Clone(e.Matches)
	for i := range e.Matches {
		m := &e.Matches[i]
		m.Value, m.Mask, m.High = bytes.Clone(m.Value), bytes.Clone(m.Mask), bytes.Clone(m.High)
	}
	if e.Meter != nil {
		m := *e.Meter
		e.Meter = &m
	}
	return e
}
