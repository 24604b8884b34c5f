package ledger

import (
	"encoding/binary"
	"hash/crc32"
)

// seal puts the sum right, so that a fuzzer gets past it.
func seal(b []byte) []byte {
	if len(b) < fixedSize {
		return b
	}
	b = append([]byte(nil), b...)
	copy(b, magic)
	binary.LittleEndian.PutUint32(b[4:], crc32.Checksum(b[fixedSize:], castagnoli))
	return b
}
