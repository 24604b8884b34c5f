package hash

import (
	"encoding/binary"
	stdcrc "hash/crc32"
	"math/bits"
)

// CRC is the parameters of a cyclic redundancy check in Rocksoft notation
// without the leading one of the polynomial.
type CRC struct {
	Poly, Init, XorOut uint64
	ReflectIn          bool // least significant bit of each byte first
	ReflectOut         bool
}

// defaultCRC is what BMv2 gives the custom CRCs before anyone sets them.
var defaultCRC = map[kind]CRC{
	crc8Custom:  {Poly: 0x07},
	crc16Custom: {Poly: 0x8005, ReflectIn: true, ReflectOut: true},
	crc32Custom: {Poly: 0x04c11db7, Init: 0xffffffff, XorOut: 0xffffffff, ReflectIn: true, ReflectOut: true},
	crc64Custom: {Poly: 0x1b, ReflectIn: true, ReflectOut: true},
}

// crcTable is a CRC made ready. The register is kept left-aligned in 64 bits
// (most significant bit first) or, where input is reflected, right-aligned in
// reflected order, so that one loop serves every width.
type crcTable struct {
	p     CRC
	width int
	init  uint64
	table [256]uint64
}

func newCRCTable(width int, p CRC) *crcTable {
	t := &crcTable{p: p, width: width}
	if p.ReflectIn {
		poly := bits.Reverse64(p.Poly) >> (64 - width)
		for i := range t.table {
			r := uint64(i)
			for range 8 {
				r = r>>1 ^ poly&-(r&1)
			}
			t.table[i] = r
		}
		t.init = bits.Reverse64(p.Init) >> (64 - width)
		return t
	}
	poly := p.Poly << (64 - width)
	for i := range t.table {
		r := uint64(i) << 56
		for range 8 {
			r = r<<1 ^ poly&-(r>>63)
		}
		t.table[i] = r
	}
	t.init = p.Init << (64 - width)
	return t
}

func (t *crcTable) sum(data []byte) uint64 {
	r := t.init
	if t.p.ReflectIn {
		for _, b := range data {
			r = t.table[byte(r)^b] ^ r>>8
		}
		r = bits.Reverse64(r) // now left-aligned like the other
	} else {
		for _, b := range data {
			r = t.table[byte(r>>56)^b] ^ r<<8
		}
	}
	if t.p.ReflectOut {
		r = bits.Reverse64(r)
	} else {
		r >>= 64 - t.width
	}
	return r ^ t.p.XorOut
}

var (
	arcTable   = newCRCTable(16, CRC{Poly: 0x8005, ReflectIn: true, ReflectOut: true})
	ccittTable = newCRCTable(16, CRC{Poly: 0x1021, Init: 0xffff})
)

// CRC16 is BMv2's crc16: CRC-16/ARC.
func CRC16(data []byte) uint16 {
	r := uint64(0)
	for _, b := range data {
		r = arcTable.table[byte(r)^b] ^ r>>8
	}
	return uint16(r)
}

// CRCCCITT is BMv2's crcCCITT: CRC-16/CCITT-FALSE.
func CRCCCITT(data []byte) uint16 { return uint16(ccittTable.sum(data)) }

// CRC32 is BMv2's crc32: CRC-32/ISO-HDLC, that of Ethernet and gzip.
func CRC32(data []byte) uint32 {
	if len(data) >= 64 {
		return stdcrc.ChecksumIEEE(data) // vectorised, but slow to start
	}
	r := ^uint32(0)
	for ; len(data) >= 8; data = data[8:] {
		lo := r ^ binary.LittleEndian.Uint32(data)
		hi := binary.LittleEndian.Uint32(data[4:])
		r = ieeeTables[7][byte(lo)] ^ ieeeTables[6][byte(lo>>8)] ^ ieeeTables[5][byte(lo>>16)] ^ ieeeTables[4][lo>>24] ^
			ieeeTables[3][byte(hi)] ^ ieeeTables[2][byte(hi>>8)] ^ ieeeTables[1][byte(hi>>16)] ^ ieeeTables[0][hi>>24]
	}
	for _, b := range data {
		r = ieeeTables[0][byte(r)^b] ^ r>>8
	}
	return ^r
}

// ieeeTables[i][b] is what byte b leaves in the register i zero bytes later.
var ieeeTables = func() (t [8][256]uint32) {
	first := newCRCTable(32, defaultCRC[crc32Custom])
	for b := range t[0] {
		t[0][b] = uint32(first.table[b])
	}
	for i := 1; i < len(t); i++ {
		for b := range t[i] {
			prev := t[i-1][b]
			t[i][b] = t[0][byte(prev)] ^ prev>>8
		}
	}
	return t
}()
