package entity

import (
	"math"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"

	"github.com/telltale-net/telltale/bmv2/device"
)

// DecodeCounter checks a counter's value.
func DecodeCounter(where string, c *p4v1.CounterData) (device.CounterValue, error) {
	if c.GetPacketCount() < 0 || c.GetByteCount() < 0 {
		return device.CounterValue{}, invalid("%s: counter of %d packets and %d bytes", where, c.GetPacketCount(), c.GetByteCount())
	}
	return device.CounterValue{Packets: uint64(c.GetPacketCount()), Bytes: uint64(c.GetByteCount())}, nil
}

// EncodeCounter writes a counter's value; what does not fit int64 is the greatest
// int64.
func EncodeCounter(v device.CounterValue) *p4v1.CounterData {
	return &p4v1.CounterData{
		PacketCount: int64(min(v.Packets, math.MaxInt64)),
		ByteCount:   int64(min(v.Bytes, math.MaxInt64)),
	}
}

// DecodeMeter checks a meter's rates: none negative, and the peak not below the
// committed rate (RFC 2698, 2). The peak of a single rate two color marker is the
// committed rate.
func DecodeMeter(where string, kind MeterKind, m *p4v1.MeterConfig) (*device.MeterConfig, error) {
	if m.GetCir() < 0 || m.GetCburst() < 0 || m.GetPir() < 0 || m.GetPburst() < 0 {
		return nil, invalid("%s: meter with a negative rate or burst: cir %d, cburst %d, pir %d, pburst %d", where, m.GetCir(), m.GetCburst(), m.GetPir(), m.GetPburst())
	}
	if m.GetPir() < m.GetCir() {
		return nil, invalid("%s: meter with pir %d below cir %d", where, m.GetPir(), m.GetCir())
	}
	if kind == TwoColours && (m.GetPir() != m.GetCir() || m.GetPburst() != m.GetCburst()) {
		return nil, invalid("%s: a single rate two color meter with pir %d and pburst %d, want those of cir %d and cburst %d", where, m.GetPir(), m.GetPburst(), m.GetCir(), m.GetCburst())
	}
	return &device.MeterConfig{CIR: m.GetCir(), CBurst: m.GetCburst(), PIR: m.GetPir(), PBurst: m.GetPburst()}, nil
}

// EncodeMeter writes a meter's rates; nil is the default, which is left unset.
func EncodeMeter(c *device.MeterConfig) *p4v1.MeterConfig {
	if c == nil {
		return nil
	}
	return &p4v1.MeterConfig{Cir: c.CIR, Cburst: c.CBurst, Pir: c.PIR, Pburst: c.PBurst}
}

// DecodeCell checks the value of a register's cell against its type.
func (a *Array) DecodeCell(d *p4v1.P4Data) ([]byte, error) {
	var v []byte
	var err error
	switch x := d.GetData().(type) {
	case *p4v1.P4Data_Bool:
		if !a.Bool {
			return nil, invalid("register %s: got bool, want a bitstring", a.Name)
		}
		if x.Bool {
			return []byte{1}, nil
		}
		return []byte{0}, nil
	case *p4v1.P4Data_Bitstring:
		v = x.Bitstring
	case *p4v1.P4Data_EnumValue:
		v = x.EnumValue
	default:
		return nil, invalid("register %s: got %T, want a bitstring", a.Name, x)
	}
	switch {
	case a.Bool:
		return nil, invalid("register %s: got a bitstring, want bool", a.Name)
	case a.Signed:
		v, err = Signed(v, a.Width)
	default:
		v, err = number(v, a.sdn, a.Width)
	}
	if err != nil {
		return nil, invalid("register %s: %v", a.Name, err)
	}
	return v, nil
}

// EncodeCell writes the value of a register's cell.
func (a *Array) EncodeCell(v []byte) *p4v1.P4Data {
	switch {
	case a.Bool:
		return &p4v1.P4Data{Data: &p4v1.P4Data_Bool{Bool: !allZero(v)}}
	case a.Signed:
		return &p4v1.P4Data{Data: &p4v1.P4Data_Bitstring{Bitstring: CanonicalSigned(v, a.Width)}}
	}
	return &p4v1.P4Data{Data: &p4v1.P4Data_Bitstring{Bitstring: Canonical(v)}}
}

// Version is the version of P4Runtime whose messages this server speaks.
const Version = "1.4.0-rc.5"
