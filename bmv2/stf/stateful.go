package stf

import (
	"errors"
	"fmt"
	"math"
	"math/big"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/spec"
)

func (r *runner) counterName(want string) (*spec.Counter, error) {
	i, err := bySuffix("counter", want, len(r.spec.Counters), func(i int) string { return r.spec.Counters[i].Name })
	if err != nil {
		return nil, err
	}
	return &r.spec.Counters[i], nil
}

func (r *runner) checkCounter(st *CheckCounter) error {
	c, err := r.counterName(st.Name)
	if err != nil {
		return err
	}
	var v device.CounterValue
	if st.Label == "" {
		v, err = r.counter(c, st.Index)
	} else {
		v, err = r.labelled(st.Label)
	}
	if err != nil {
		return err
	}
	r.logf(st.Pos, "%s: %d packets, %d bytes", c.Name, v.Packets, v.Bytes)
	if !st.Bytes {
		if !st.holds(v.Packets) {
			return fmt.Errorf("counter %s: got %d packets; want %s %d", c.Name, v.Packets, st.Op, st.Value)
		}
		return nil
	}
	if framed := v.Bytes + frameCheck*v.Packets; !st.holds(v.Bytes) && !st.holds(framed) {
		return fmt.Errorf("counter %s: got %d bytes, %d with frame check sequences; want %s %d", c.Name, v.Bytes, framed, st.Op, st.Value)
	}
	return nil
}

// frameCheck is the bytes of Ethernet's frame check sequence, which some of p4c's
// scripts count although simple_switch does not see it.
const frameCheck = 4

func (st *CheckCounter) holds(got uint64) bool {
	switch st.Op {
	case "==":
		return got == st.Value
	case "!=":
		return got != st.Value
	case "<":
		return got < st.Value
	case "<=":
		return got <= st.Value
	case ">":
		return got > st.Value
	case ">=":
		return got >= st.Value
	}
	return true
}

// counter reads a cell; of a direct counter the one of the index-th entry.
func (r *runner) counter(c *spec.Counter, index int) (device.CounterValue, error) {
	if !c.Direct {
		return r.sw.ReadCounter(c.Name, index)
	}
	entries, err := r.sw.Entries(c.Table)
	if err != nil {
		return device.CounterValue{}, err
	}
	if index >= len(entries) {
		return device.CounterValue{}, fmt.Errorf("counter %s: got index %d; table %s has %d entries", c.Name, index, c.Table, len(entries))
	}
	return entries[index].Counter, nil
}

func (r *runner) labelled(label string) (device.CounterValue, error) {
	l, ok := r.labels[label]
	if !ok {
		return device.CounterValue{}, fmt.Errorf("no entry has the label %q", label)
	}
	entries, err := r.sw.Entries(l.table)
	if err != nil {
		return device.CounterValue{}, err
	}
	for _, e := range entries {
		if sameKey(e, l.entry) {
			return e.Counter, nil
		}
	}
	return device.CounterValue{}, fmt.Errorf("the entry with the label %q is gone from table %s", label, l.table)
}

func sameKey(a, b device.Entry) bool {
	if a.Priority != b.Priority || len(a.Matches) != len(b.Matches) {
		return false
	}
	for i, m := range a.Matches {
		n := b.Matches[i]
		if string(m.Value) != string(n.Value) || string(m.Mask) != string(n.Mask) || string(m.High) != string(n.High) || m.PrefixLen != n.PrefixLen {
			return false
		}
	}
	return true
}

// stateful runs the commands of counters, registers and meters.
func (r *runner) stateful(st *Command) error {
	switch st.Verb {
	case "counter_read", "counter_write":
		c, err := r.counterName(st.Object)
		if err != nil {
			return err
		}
		index := int(st.Numbers[0])
		if st.Verb == "counter_read" {
			v, err := r.counter(c, index)
			if err == nil {
				r.logf(st.Pos, "%s[%d]: %d packets, %d bytes", c.Name, index, v.Packets, v.Bytes)
			}
			return err
		}
		v := device.CounterValue{Packets: st.Numbers[1], Bytes: st.Numbers[2]}
		if !c.Direct {
			return r.sw.WriteCounter(c.Name, index, v)
		}
		entries, err := r.sw.Entries(c.Table)
		if err != nil {
			return err
		}
		if index >= len(entries) {
			return fmt.Errorf("counter %s: got index %d; table %s has %d entries", c.Name, index, c.Table, len(entries))
		}
		return r.sw.WriteDirectCounter(c.Table, entries[index], v)
	case "register_read", "register_write", "register_reset":
		return r.register(st)
	case "meter_get_rates", "meter_set_rates", "meter_array_set_rates":
		return r.meter(st)
	}
	panic("BUG: command " + st.Verb)
}

func (r *runner) register(st *Command) error {
	i, err := bySuffix("register", st.Object, len(r.spec.Registers), func(i int) string { return r.spec.Registers[i].Name })
	if err != nil {
		return err
	}
	reg := &r.spec.Registers[i]
	switch st.Verb {
	case "register_read":
		v, err := r.sw.ReadRegister(reg.Name, int(st.Numbers[0]))
		if err == nil {
			r.logf(st.Pos, "%s[%d]= %s", reg.Name, st.Numbers[0], new(big.Int).SetBytes(v))
		}
		return err
	case "register_write":
		v := new(big.Int).SetUint64(st.Numbers[1])
		if v.BitLen() > reg.Width {
			return fmt.Errorf("register %s: %s does not fit in %d bits", reg.Name, v, reg.Width)
		}
		return r.sw.WriteRegister(reg.Name, int(st.Numbers[0]), v.FillBytes(make([]byte, (reg.Width+7)/8)))
	}
	zero := make([]byte, (reg.Width+7)/8)
	for i := range reg.Size {
		if err := r.sw.WriteRegister(reg.Name, i, zero); err != nil {
			return err
		}
	}
	return nil
}

func (r *runner) meter(st *Command) error {
	i, err := bySuffix("meter", st.Object, len(r.spec.Meters), func(i int) string { return r.spec.Meters[i].Name })
	if err != nil {
		return err
	}
	m := &r.spec.Meters[i]
	if m.Direct {
		return errors.New("rates of direct meters belong to entries; not possible from a script")
	}
	if st.Verb == "meter_get_rates" {
		c, err := r.sw.ReadMeter(m.Name, int(st.Numbers[0]))
		switch {
		case err != nil:
		case c == nil:
			r.logf(st.Pos, "%s[%d]: not set", m.Name, st.Numbers[0])
		default:
			r.logf(st.Pos, "%s[%d]: %+v", m.Name, st.Numbers[0], *c)
		}
		return err
	}
	perSecond := func(r Rate) int64 { return int64(math.Round(r.PerMicrosecond * 1e6)) }
	c := device.MeterConfig{
		CIR: perSecond(st.Rates[0]), CBurst: st.Rates[0].Burst,
		PIR: perSecond(st.Rates[1]), PBurst: st.Rates[1].Burst,
	}
	if st.Verb == "meter_set_rates" {
		return r.sw.WriteMeter(m.Name, int(st.Numbers[0]), &c)
	}
	for i := range m.Size {
		if err := r.sw.WriteMeter(m.Name, i, &c); err != nil {
			return err
		}
	}
	return nil
}
