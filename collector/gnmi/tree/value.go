package tree

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// Kind is the type of a leaf: a YANG type, as far as encodings tell types apart.
type Kind uint8

// The kinds of leaves.
const (
	Counter64 Kind = iota + 1 // uint64 that counts up: sampled where the target chooses
	Uint64
	Uint32 // of 32 bits or less: a number in JSON_IETF, where longer ones are strings
	Int64
	Bool
	String
	Decimal // decimal64 with six fraction digits
	Strings // leaf-list of strings
)

var kinds = map[string]Kind{
	"counter64": Counter64, "uint64": Uint64, "uint32": Uint32, "int64": Int64,
	"boolean": Bool, "string": String, "decimal64": Decimal, "strings": Strings,
}

// Value is the value of a leaf. The zero Value is none.
type Value struct {
	kind Kind
	bits uint64
	text string
	list []string
}

// Count returns a value of a counter.
func Count(n uint64) Value { return Value{kind: Counter64, bits: n} }

// Uint returns an unsigned value of 64 bits.
func Uint(n uint64) Value { return Value{kind: Uint64, bits: n} }

// Number returns an unsigned value of at most 32 bits.
func Number(n uint32) Value { return Value{kind: Uint32, bits: uint64(n)} }

// Int returns a signed value of 64 bits.
func Int(n int64) Value { return Value{kind: Int64, bits: uint64(n)} }

// Truth returns a boolean value.
func Truth(b bool) Value {
	if b {
		return Value{kind: Bool, bits: 1}
	}
	return Value{kind: Bool}
}

// Text returns a string value. What is not UTF-8 in it, which no message can carry, is
// replaced.
func Text(s string) Value { return Value{kind: String, text: strings.ToValidUTF8(s, "\uFFFD")} }

// Texts returns a list of strings, as [Text] makes them.
func Texts(s []string) Value {
	list := make([]string, len(s))
	for i := range s {
		list[i] = strings.ToValidUTF8(s[i], "\uFFFD")
	}
	return Value{kind: Strings, list: list}
}

// Fixed returns a decimal value, rounded to six digits behind the point. What a
// decimal64 cannot hold (not a number, beyond ±9.2e12) has ok false.
func Fixed(f float64) (v Value, ok bool) {
	scaled := math.Round(f * 1e6)
	if !(math.Abs(scaled) < math.MaxInt64) {
		return Value{}, false
	}
	return Value{kind: Decimal, bits: uint64(int64(scaled))}, true
}

// Kind returns the value's kind.
func (v *Value) Kind() Kind { return v.kind }

// Bits returns a Counter64, Uint64, Uint32, or an Int64 converted, or a Bool as 0 or 1,
// or a Decimal times 10⁶ as an int64 converted.
func (v *Value) Bits() uint64 { return v.bits }

// Text returns a String.
func (v *Value) Text() string { return v.text }

// List returns the Strings, which the caller must not change.
func (v *Value) List() []string { return v.list }

// Equal reports whether the values are the same, kind included.
func (v *Value) Equal(o *Value) bool {
	return v.kind == o.kind && v.bits == o.bits && v.text == o.text && slices.Equal(v.list, o.list)
}

// String returns the value in YANG's canonical form; a list's separated by spaces.
func (v *Value) String() string {
	switch v.kind {
	case Counter64, Uint64, Uint32:
		return strconv.FormatUint(v.bits, 10)
	case Int64:
		return strconv.FormatInt(int64(v.bits), 10)
	case Bool:
		return strconv.FormatBool(v.bits != 0)
	case String:
		return v.text
	case Decimal:
		return decimal(int64(v.bits))
	case Strings:
		s := ""
		for i, t := range v.list {
			if i > 0 {
				s += " "
			}
			s += t
		}
		return s
	}
	return ""
}

// decimal writes millionths as YANG's canonical decimal64 (RFC 7950, 9.3.2).
func decimal(m int64) string {
	sign, u := "", uint64(m)
	if m < 0 {
		sign, u = "-", -u
	}
	fraction := strconv.FormatUint(1e6+u%1e6, 10)[1:]
	for len(fraction) > 1 && fraction[len(fraction)-1] == '0' {
		fraction = fraction[:len(fraction)-1]
	}
	return sign + strconv.FormatUint(u/1e6, 10) + "." + fraction
}
