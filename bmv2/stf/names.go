package stf

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/spec"
)

// bySuffix finds the one of n names that is want, else the only one that ends in
// it after a dot, else the only one that ends in it at all.
func bySuffix(what, want string, n int, name func(i int) string) (int, error) {
	for i := range n {
		if name(i) == want {
			return i, nil
		}
	}
	for _, suffix := range []string{"." + want, want} {
		found := -1
		for i := range n {
			if !strings.HasSuffix(name(i), suffix) {
				continue
			}
			if found >= 0 {
				return -1, fmt.Errorf("%s %q is ambiguous: %s or %s", what, want, name(found), name(i))
			}
			found = i
		}
		if found >= 0 {
			return found, nil
		}
	}
	return -1, fmt.Errorf("no %s %q in the program", what, want)
}

func (r *runner) table(name string) (*spec.Table, error) {
	i, err := bySuffix("table", name, len(r.spec.Tables), func(i int) string { return r.spec.Tables[i].Name })
	if err != nil {
		return nil, err
	}
	return &r.spec.Tables[i], nil
}

// call turns an action call into what the device wants: arguments in the
// declared order.
func (r *runner) call(t *spec.Table, a Action) (device.Action, error) {
	i, err := bySuffix("action of table "+t.Name, a.Name, len(t.Actions), func(i int) string {
		return r.spec.Actions[t.Actions[i]].Name
	})
	if err != nil {
		return device.Action{}, err
	}
	action := &r.spec.Actions[t.Actions[i]]
	out := device.Action{Name: action.Name, Args: make([][]byte, len(action.Params))}
	for _, arg := range a.Args {
		i := 0
		for i < len(action.Params) && action.Params[i].Name != arg.Name {
			i++
		}
		if i == len(action.Params) {
			return device.Action{}, fmt.Errorf("action %s has no parameter %q", action.Name, arg.Name)
		}
		if out.Args[i], err = fixed(arg.Value, action.Params[i].Width); err != nil {
			return device.Action{}, fmt.Errorf("argument %s of %s: %w", arg.Name, action.Name, err)
		}
	}
	for i, arg := range out.Args {
		if arg == nil {
			return device.Action{}, fmt.Errorf("argument %s of %s is missing", action.Params[i].Name, action.Name)
		}
	}
	return out, nil
}

// stackIndex is how scripts write an index of a header stack without brackets.
var stackIndex = regexp.MustCompile(`^(.*)\$([0-9]+)(.*)$`)

// field finds a key field of a table by what a script calls it, as bmv2stf.py
// does: the name, the validity bit of the name, or the end of a name.
func field(t *spec.Table, name string) (int, error) {
	if m := stackIndex.FindStringSubmatch(name); m != nil {
		name = m[1] + "[" + m[2] + "]" + m[3]
	}
	candidates := []string{name, name + "$", name + ".$valid$"}
	if stem, ok := strings.CutSuffix(name, ".valid"); ok {
		candidates = append(candidates, stem+".$valid$")
	}
	for _, c := range candidates {
		for i := range t.Key {
			if t.Key[i].Name == c {
				return i, nil
			}
		}
	}
	found := -1
	for i := range t.Key {
		full := t.Key[i].Name
		if strings.HasSuffix(full, "."+name) || strings.HasSuffix(full, "."+name+"$") ||
			name == "valid" && (full == "$valid$" || strings.HasSuffix(full, ".$valid$")) {
			found = i
		}
	}
	if found < 0 {
		return -1, fmt.Errorf("table %s has no key field %q", t.Name, name)
	}
	return found, nil
}

// matches turns the keys of an add into one match per key field; fields not
// named match anything, or zero where they are exact.
func matches(t *spec.Table, keys []Key) ([]device.Match, error) {
	out := make([]device.Match, len(t.Key))
	for i, k := range t.Key {
		n := (k.Width + 7) / 8
		out[i] = device.Match{Kind: k.Kind, Value: make([]byte, n)}
		switch k.Kind {
		case device.Ternary:
			out[i].Mask = make([]byte, n)
		case device.Range:
			out[i].High = ones(k.Width, k.Width)
		}
	}
	for _, key := range keys {
		i, err := field(t, key.Name)
		if err != nil {
			return nil, err
		}
		if out[i], err = match(t.Key[i], key.Value); err != nil {
			return nil, fmt.Errorf("key field %s: %w", t.Key[i].Name, err)
		}
	}
	return out, nil
}

func match(k spec.KeyField, v Value) (device.Match, error) {
	m := device.Match{Kind: k.Kind}
	if v.Length >= 0 && k.Kind != device.LPM {
		return m, fmt.Errorf("got a prefix length for a field matched by %s", k.Kind)
	}
	if v.Stars > 0 && k.Kind != device.LPM && k.Kind != device.Ternary {
		return m, fmt.Errorf("got %s for a field matched by %s; want a number without '*'", v.Text, k.Kind)
	}
	var err error
	if m.Value, err = fixed(v, k.Width); err != nil {
		return m, err
	}
	switch k.Kind {
	case device.Range:
		m.High = m.Value
	case device.LPM:
		// Digits written count, as in bmv2stf.py: 0x0a** is 0a00/8 in 16 bits.
		m.PrefixLen = v.Length
		if m.PrefixLen < 0 {
			m.PrefixLen = k.Width
			if v.Base > 0 {
				m.PrefixLen = min((v.Digits-v.Stars)*v.Base, k.Width)
			}
		}
		if m.PrefixLen > k.Width {
			return m, fmt.Errorf("got prefix length %d; want at most %d", m.PrefixLen, k.Width)
		}
		and(m.Value, ones(k.Width, m.PrefixLen))
	case device.Ternary:
		// Only digits written are compared: 0x05 leaves all but eight bits open.
		m.Mask = ones(k.Width, k.Width)
		if v.Base > 0 {
			all := ones(k.Width, k.Width)
			written := v.Mask.Bytes()
			clear(m.Mask)
			for i := 1; i <= len(m.Mask) && i <= len(written); i++ {
				m.Mask[len(m.Mask)-i] = written[len(written)-i]
			}
			and(m.Mask, all)
		}
	}
	return m, nil
}

// fixed is a number as a byte string for width bits.
func fixed(v Value, width int) ([]byte, error) {
	if v.Number.BitLen() > width {
		return nil, fmt.Errorf("%s does not fit in %d bits", v.Text, width)
	}
	return v.Number.FillBytes(make([]byte, (width+7)/8)), nil
}

// ones is a byte string for width bits with the first n set.
func ones(width, n int) []byte {
	b := make([]byte, (width+7)/8)
	pad := 8*len(b) - width
	for i := pad; i < pad+n; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	return b
}

func and(b, mask []byte) {
	for i := range b {
		b[i] &= mask[i]
	}
}
