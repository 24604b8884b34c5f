package entity

import (
	"math/big"

	p4configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
)

// Types with @p4runtime_translation (specification, "User-defined Types" and "PSA
// Metadata Translation"). Which value of the controller stands for which of the
// device is the business of a switch's configuration. Ours has none: a number is
// itself, and as a string it is written in decimal, without leading zeros.
//
//	type bit<9> port_t, controller_type bit<32>
//	client  00 00 01 2c   →   device 01 2c   →   client 01 2c
//	client  00 00 02 00   →   fits bit<32> but not bit<9>: INVALID_ARGUMENT
//
//	type bit<9> port_t, controller_type string
//	client  "300"         →   device 01 2c   →   client "300"
//
// Where the two widths differ, ternary, lpm and range matches must be exact or
// "don't care", as the specification allows; strings are matched exact or optional.
// A number that a packet brings and that is wider than the controller's type is
// sent as it is. In registers and digests there are no strings: P4Data has none.

// decimal takes the place of a controller's bits where its type is string.
const decimal = -1

// checkType checks the type of a field, parameter or metadata. width is that on the
// device; sdn is 0, or for a translated type the bits towards the controller, or
// decimal, and then the width is 0: only the JSON knows it.
func (b *builder) checkType(where string, bits int32, t *p4configv1.P4NamedType) (sdn, width int, err error) {
	as := b.info.GetTypeInfo().GetNewTypes()[t.GetName()].GetTranslatedType()
	if _, ok := as.GetSdnType().(*p4configv1.P4NewTypeTranslation_SdnString_); ok {
		if bits != 0 {
			return 0, 0, invalid("P4Info: %s: bitwidth %d, but type %s is translated to a string", where, bits, t.GetName())
		}
		return decimal, 0, nil
	}
	if bits <= 0 || bits > maxWidth {
		return 0, 0, invalid("P4Info: %s: bitwidth %d, want 1 to %d", where, bits, maxWidth)
	}
	if as == nil {
		return 0, int(bits), nil
	}
	if as.GetSdnBitwidth() != bits {
		return 0, 0, invalid("P4Info: %s: bitwidth %d, but type %s is translated to %d bits", where, bits, t.GetName(), as.GetSdnBitwidth())
	}
	return int(bits), 0, nil
}

// number turns what a client sent into the device's bit<width>.
func number(b []byte, sdn, width int) ([]byte, error) {
	if sdn == 0 {
		return Unsigned(b, width)
	}
	if sdn == decimal {
		const longest = maxWidth // digits; more than any number that fits
		n, ok := new(big.Int), len(b) > 0 && len(b) < longest && (b[0] != '0' || len(b) == 1)
		for _, c := range b {
			ok = ok && '0' <= c && c <= '9'
		}
		if ok {
			n, ok = n.SetString(string(b), 10)
		}
		if !ok || n.BitLen() > width {
			return nil, invalid("%q is not translated: want a decimal number that fits bit<%d>", head(b), width)
		}
		return n.FillBytes(make([]byte, size(width))), nil
	}
	v, err := Unsigned(b, sdn)
	if err != nil || sdn == width {
		return v, err
	}
	if v, err = Unsigned(v, width); err != nil {
		return nil, invalid("%v, to which bit<%d> is translated", err, sdn)
	}
	return v, nil
}

// shown turns a device's value into what a client reads; it may share v's memory.
func shown(v []byte, sdn int) []byte {
	if sdn == decimal {
		return []byte(new(big.Int).SetBytes(v).String())
	}
	return Canonical(v)
}

// bits is the width that a client sees.
func (f *Field) bits() int {
	if f.sdn > 0 {
		return f.sdn
	}
	return f.Width
}

// resized says whether prefixes, masks and ranges do not carry over.
func (f *Field) resized() bool { return f.bits() != f.Width }

// translated says whether the parameter's width is to be found in the JSON.
func (p Param) translated() bool { return p.sdn != 0 }
