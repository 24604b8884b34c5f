package randpkt

// span is where a field is, in bits of the packet.
type span struct{ at, width int }

// getBits returns the bits of a span, big-endian in ⌈width/8⌉ bytes.
func getBits(data []byte, s span) []byte {
	out := make([]byte, (s.width+7)/8)
	for i := range s.width {
		from := s.at + s.width - 1 - i
		bit := data[from/8] >> (7 - from%8) & 1
		out[len(out)-1-i/8] |= bit << (i % 8)
	}
	return out
}

// setBits writes the low bits of value, big-endian, where mask has ones; a nil mask is
// all ones.
func setBits(data []byte, s span, value, mask []byte) {
	for i := range s.width {
		if mask != nil && lowBit(mask, i) == 0 {
			continue
		}
		to := s.at + s.width - 1 - i
		data[to/8] &^= 1 << (7 - to%8)
		data[to/8] |= lowBit(value, i) << (7 - to%8)
	}
}

// lowBit is bit i of a big-endian number, from the lowest.
func lowBit(v []byte, i int) byte {
	if i/8 >= len(v) {
		return 0
	}
	return v[len(v)-1-i/8] >> (i % 8) & 1
}
