package report

// TLVType says what the data of a TLV is.
type TLVType uint8

// The TLV types of version 2.0; 4–15 are reserved.
const (
	TLVDomainExtension TLVType = 0
	TLVEthernet        TLVType = 1
	TLVIPv4            TLVType = 2
	TLVIPv6            TLVType = 3
)

// Defined reports whether version 2.0 defines data of type t.
func (t TLVType) Defined() bool { return t <= TLVIPv6 }

// packet returns the inner type that says the same, or InNone.
func (t TLVType) packet() InType {
	switch t {
	case TLVEthernet:
		return InEthernet
	case TLVIPv4:
		return InIPv4
	case TLVIPv6:
		return InIPv6
	}
	return InNone
}

// TLV is one element of inner contents of type InTLV.
type TLV struct {
	Type     TLVType
	Rsvd     uint8  // four reserved bits
	Template uint16 // TLV Data Template
	Data     []byte // points into the datagram
}

// TLVs walks the TLVs of a report without allocating.
type TLVs struct {
	rest   []byte
	offset int // of rest in the datagram
}

// TLVs returns an iterator over the TLVs of the inner contents; an empty one for
// every other InType. Those of a report from a [Decoder] have been checked.
func (r *Report) TLVs() TLVs {
	if r.InType != InTLV || !r.RepType.Defined() {
		return TLVs{}
	}
	at := r.Offset + headerSize
	if r.RepType == INT {
		at += fixedSize + int(r.MDLen)*wordSize
	}
	return TLVs{rest: r.Inner, offset: at}
}

// Next sets t to the next TLV. It returns false at the end, and false with an
// [Error] where the rest does not hold what it promises. Fewer than four bytes at
// the end (a last report of length 0xFF need not fill its word) are no error.
func (it *TLVs) Next(t *TLV) (bool, error) {
	if len(it.rest) < wordSize {
		it.rest = nil
		return false, nil
	}
	size := int(it.rest[1]) * wordSize
	if left := len(it.rest) - wordSize; size > left {
		at := it.offset + wordSize
		it.rest = nil
		return false, &Error{Cause: TLVLengthBeyond, Offset: at, Got: left, Want: size}
	}
	t.Type, t.Rsvd = TLVType(it.rest[0]>>4), it.rest[0]&15
	t.Template = be16(it.rest[2:])
	end := wordSize + size
	t.Data = it.rest[wordSize:end:end]
	it.rest = it.rest[end:]
	it.offset += end
	return true, nil
}

// checkTLVs walks the TLVs of a report and returns what is wrong with them.
func (r *Report) checkTLVs() error {
	var t TLV
	for it := r.TLVs(); ; {
		if ok, err := it.Next(&t); !ok {
			return err
		}
	}
}

// AppendTLV appends a TLV to dst. Data must fill whole words, at most 255.
func AppendTLV(dst []byte, t TLV) ([]byte, error) {
	if len(t.Data)%wordSize != 0 || len(t.Data) > 0xff*wordSize || t.Type > 15 {
		return dst, &EncodeError{What: "TLV data", Got: len(t.Data), Want: "whole words, at most 1020 bytes, of a type below 16"}
	}
	dst = append(dst, byte(t.Type)<<4|t.Rsvd&15, byte(len(t.Data)/wordSize), byte(t.Template>>8), byte(t.Template))
	return append(dst, t.Data...), nil
}
