package entity

import (
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
)

// Header is the packed header that the program puts before a packet-in or
// expects before a packet-out: its fields, most significant bit first, with no
// gaps. A padding field is a field like any other and travels as metadata too
// ("one metadata field for each metadata field in the P4Info").
//
//	packet_in { bit<9> ingress_port; bit<7> pad; bit<8> reason }
//
//	 0                   1                   2
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3
//	+-----------------+-------------+---------------+
//	|   ingress_port  |     pad     |    reason     | payload …
//	+-----------------+-------------+---------------+
type Header struct {
	Name   string
	fields []Param
	bits   int
}

// Len is the length of the header in bytes; 0 for a nil header.
func (h *Header) Len() int {
	if h == nil {
		return 0
	}
	return h.bits / 8
}

// Split takes the bytes the switch sent to its CPU port apart: metadata and the
// rest. A nil header means that the whole packet is payload. The payload shares
// raw's memory.
func (h *Header) Split(raw []byte) ([]*p4v1.PacketMetadata, []byte, error) {
	if h == nil {
		return nil, raw, nil
	}
	if len(raw) < h.Len() {
		return nil, nil, invalid("packet of %d bytes is shorter than its header %s of %d", len(raw), h.Name, h.Len())
	}
	meta := make([]*p4v1.PacketMetadata, len(h.fields))
	at := 0
	for i, f := range h.fields {
		meta[i] = &p4v1.PacketMetadata{MetadataId: f.ID, Value: shown(getBits(raw, at, f.Width), f.sdn)}
		at += f.Width
	}
	return meta, raw[h.Len():], nil
}

// Join makes the bytes to inject on the CPU port. The metadata must name every
// field of the header exactly once, in any order (specification, "Packet I/O").
func (h *Header) Join(meta []*p4v1.PacketMetadata, payload []byte) ([]byte, error) {
	if h == nil {
		if len(meta) > 0 {
			return nil, invalid("packet-out with %d metadata fields, but the program has no packet_out header", len(meta))
		}
		return append([]byte(nil), payload...), nil
	}
	raw := make([]byte, h.Len(), h.Len()+len(payload))
	var seen = make([]bool, len(h.fields))
	for _, m := range meta {
		i, at := h.find(m.GetMetadataId())
		if i < 0 {
			return nil, invalid("metadata id %d is not in header %s", m.GetMetadataId(), h.Name)
		}
		f := h.fields[i]
		if seen[i] {
			return nil, invalid("metadata %s (id %d) comes twice", f.Name, f.ID)
		}
		seen[i] = true
		v, err := number(m.GetValue(), f.sdn, f.Width)
		if err != nil {
			return nil, invalid("metadata %s (id %d): %v", f.Name, f.ID, err)
		}
		putBits(raw, at, v, f.Width)
	}
	for i, ok := range seen {
		if !ok {
			return nil, invalid("metadata %s (id %d) of header %s is missing", h.fields[i].Name, h.fields[i].ID, h.Name)
		}
	}
	return append(raw, payload...), nil
}

func (h *Header) find(id uint32) (index, bit int) {
	for i, f := range h.fields {
		if f.ID == id {
			return i, bit
		}
		bit += f.Width
	}
	return -1, 0
}

// getBits reads width bits from bit at on, right-aligned in ⌈width/8⌉ bytes.
func getBits(b []byte, at, width int) []byte {
	out := make([]byte, size(width))
	pad := len(out)*8 - width
	for i := range width {
		if b[(at+i)/8]&(0x80>>((at+i)%8)) != 0 {
			out[(pad+i)/8] |= 0x80 >> ((pad + i) % 8)
		}
	}
	return out
}

// putBits writes the low width bits of v at bit at; the place must be zero.
func putBits(b []byte, at int, v []byte, width int) {
	pad := len(v)*8 - width
	for i := range width {
		if v[(pad+i)/8]&(0x80>>((pad+i)%8)) != 0 {
			b[(at+i)/8] |= 0x80 >> ((at + i) % 8)
		}
	}
}
