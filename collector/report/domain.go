package report

// Domain tells how long each piece of a domain's metadata is. The specification
// leaves that to the operator: "each bit represents 4 octets or a multiple".
type Domain struct {
	ID         uint16
	Words      [16]uint8 // by DSMdBits (in INT headers: DS Instruction) bit, bit 0 = most significant; 0 = not known
	SourceOnly uint16    // the bits of DS Instruction that INT-MD sources alone insert; not in reports
}

// TransparentSecurity is domain 0x5453, the one domain that INT 2.1 describes
// ("Example with INT-MD including domain specific source-only metadata"): bit 0 is
// the MAC address of the packet's origin, 48 bits, and 16 reserved bits.
var TransparentSecurity = Domain{ID: 0x5453, Words: [16]uint8{2}, SourceOnly: 0x8000}

// Size returns the bytes that bits stand for, and whether all of them are known.
func (d *Domain) Size(bits uint16) (n int, known bool) {
	for i := 0; bits != 0; i, bits = i+1, bits<<1 {
		if bits&0x8000 == 0 {
			continue
		}
		if d.Words[i] == 0 {
			return n, false
		}
		n += int(d.Words[i]) * wordSize
	}
	return n, true
}

// Field returns the metadata of one bit (0 = most significant) within md, the
// domain-specific metadata of a report whose DSMdBits are bits. It returns nil
// where the bit is clear, md is too short, or a bit before it has no known length.
func (d *Domain) Field(bits uint16, md []byte, bit int) []byte {
	if bit < 0 || bit > 15 || bits&(0x8000>>bit) == 0 || d.Words[bit] == 0 {
		return nil
	}
	at := 0
	if bit > 0 {
		n, known := d.Size(bits &^ (0xffff >> bit))
		if !known {
			return nil
		}
		at = n
	}
	end := at + int(d.Words[bit])*wordSize
	if end > len(md) {
		return nil
	}
	return md[at:end:end]
}

// Domains is the table of the domains a decoder knows; a handful at most.
type Domains []Domain

// Lookup returns the domain with an id, or nil. The default domain 0x0000 has no
// metadata of its own and is never in the table.
func (ds Domains) Lookup(id uint16) *Domain {
	for i := range ds {
		if ds[i].ID == id {
			return &ds[i]
		}
	}
	return nil
}
