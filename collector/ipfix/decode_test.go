package ipfix

import (
	"encoding/binary"
	"fmt"
)

// decoder reads messages as RFC 7011 says, slowly, knowing nothing of this package's
// templates: only what it is sent.
type decoder struct {
	templates map[uint16]*layout
	sequence  uint32
	records   []record
}

type layout struct {
	scope  int
	fields []field
}

type field struct {
	enterprise uint32 // 0 = IANA
	id, length uint16
}

// record is a data record: by "id" or "enterprise/id".
type record struct {
	template uint16
	values   map[string][]byte
}

func (r *record) u(name string) (v uint64) {
	for _, b := range r.values[name] {
		v = v<<8 | uint64(b)
	}
	return v
}

func (f field) String() string {
	if f.enterprise != 0 {
		return fmt.Sprintf("%d/%d", f.enterprise, f.id)
	}
	return fmt.Sprint(f.id)
}

func (d *decoder) message(b []byte) error {
	if len(b) < 16 || len(b)%4 != 0 {
		return fmt.Errorf("got %d bytes, want a header and a multiple of four", len(b))
	}
	if v, n := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:]); v != 10 || int(n) != len(b) {
		return fmt.Errorf("got version %d and length %d, want 10 and %d", v, n, len(b))
	}
	if got := binary.BigEndian.Uint32(b[8:]); got != d.sequence {
		return fmt.Errorf("got sequence number %d, want %d", got, d.sequence)
	}
	for b = b[16:]; len(b) > 0; {
		if len(b) < 4 {
			return fmt.Errorf("%d bytes behind the last set", len(b))
		}
		id, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		if n < 5 || n > len(b) {
			return fmt.Errorf("set %d: got length %d, want 5 to %d", id, n, len(b))
		}
		if err := d.set(id, b[4:n]); err != nil {
			return fmt.Errorf("set %d: %w", id, err)
		}
		b = b[n:]
	}
	return nil
}

func (d *decoder) set(id uint16, b []byte) error {
	if id == 2 || id == 3 {
		for len(b) >= 4 {
			rest, err := d.template(id == 3, b)
			if err != nil {
				return err
			}
			b = rest
		}
	} else {
		t := d.templates[id]
		if t == nil {
			return fmt.Errorf("no template")
		}
		for least := t.length(); len(b) >= least; {
			r := record{id, map[string][]byte{}}
			for _, f := range t.fields {
				n := int(f.length)
				if f.length == 65535 { // it says its length itself
					if n, b = int(b[0]), b[1:]; n == 255 {
						return fmt.Errorf("%v has a long name", f)
					}
				}
				r.values[f.String()], b = b[:n], b[n:]
			}
			d.records = append(d.records, r)
			d.sequence++
		}
	}
	if len(b) > 3 {
		return fmt.Errorf("%d bytes of padding", len(b))
	}
	for _, p := range b {
		if p != 0 {
			return fmt.Errorf("padding %x", b)
		}
	}
	return nil
}

func (t *layout) length() (n int) {
	for _, f := range t.fields {
		if f.length == 65535 {
			n++
		} else {
			n += int(f.length)
		}
	}
	return n
}

func (d *decoder) template(options bool, b []byte) (rest []byte, err error) {
	id, n := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	b = b[4:]
	if n == 0 { // a withdrawal, of one or of all of the kind
		if id > 3 {
			delete(d.templates, id)
			return b, nil
		}
		for k, t := range d.templates {
			if (t.scope > 0) == options {
				delete(d.templates, k)
			}
		}
		return b, nil
	}
	t := &layout{}
	if options {
		t.scope = int(binary.BigEndian.Uint16(b))
		b = b[2:]
		if t.scope == 0 || t.scope > int(n) {
			return nil, fmt.Errorf("template %d: scope %d of %d fields", id, t.scope, n)
		}
	}
	if id < 256 {
		return nil, fmt.Errorf("template %d", id)
	}
	for range n {
		f := field{id: binary.BigEndian.Uint16(b), length: binary.BigEndian.Uint16(b[2:])}
		b = b[4:]
		if f.id>>15 != 0 {
			f.id &= 1<<15 - 1
			f.enterprise = binary.BigEndian.Uint32(b)
			b = b[4:]
		}
		t.fields = append(t.fields, f)
	}
	if d.templates == nil {
		d.templates = map[uint16]*layout{}
	}
	d.templates[id] = t
	return b, nil
}
