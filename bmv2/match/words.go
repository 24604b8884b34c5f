package match

// appendWords appends a big-endian byte string as words, most significant first.
func appendWords(dst []uint64, v []byte) []uint64 {
	n := len(v) % 8
	if n == 0 {
		n = 8
	}
	for len(v) > 0 {
		var w uint64
		for _, b := range v[:n] {
			w = w<<8 | uint64(b)
		}
		dst = append(dst, w)
		v, n = v[n:], 8
	}
	return dst
}

// onesBytes is a byte string of width one bits, ⌈width/8⌉ bytes.
func onesBytes(width int) []byte { return prefixBytes(width, width) }

// prefixBytes is a mask of the first n of width bits, ⌈width/8⌉ bytes.
func prefixBytes(width, n int) []byte {
	v := make([]byte, (width+7)/8)
	pad := 8*len(v) - width
	for i := pad; i < pad+n; i++ {
		v[i/8] |= 0x80 >> (i % 8)
	}
	return v
}

// prefixWords is a mask of the first n of width bits as words.
func prefixWords(width, n int) []uint64 {
	return appendWords(make([]uint64, 0, (width+63)/64), prefixBytes(width, n))
}
