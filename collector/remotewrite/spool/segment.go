package spool

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const header = 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// segment is a file of records.
type segment struct {
	path    string
	first   uint64 // number of its first record
	records []entry
	size    int64
}

// entry says where a record is.
type entry struct {
	offset  int64
	length  uint32 // of the payload
	samples uint32
}

func (s *segment) next() uint64 { return s.first + uint64(len(s.records)) }

func segmentName(first uint64) string { return fmt.Sprintf("%016x.seg", first) }

// segmentNumber returns the number in the name of a segment.
func segmentNumber(name string) (uint64, bool) {
	hex, ok := strings.CutSuffix(name, ".seg")
	if !ok || len(hex) != 16 {
		return 0, false
	}
	n, err := strconv.ParseUint(hex, 16, 64)
	return n, err == nil && segmentName(n) == name
}

// encode appends a record.
func encode(dst, payload []byte, number uint64, samples uint32) []byte {
	start := len(dst)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(payload)))
	dst = binary.BigEndian.AppendUint32(dst, samples)
	dst = binary.BigEndian.AppendUint64(dst, number)
	sum := crc32.Update(crc32.Checksum(dst[start:], castagnoli), castagnoli, payload)
	return append(binary.BigEndian.AppendUint32(dst, sum), payload...)
}

// decode reads the record at the start of b. The error says why there is none.
func decode(b []byte, number uint64) (payload []byte, samples uint32, err error) {
	if len(b) < header {
		return nil, 0, io.ErrUnexpectedEOF
	}
	length := uint64(binary.BigEndian.Uint32(b))
	if uint64(len(b)-header) < length {
		return nil, 0, io.ErrUnexpectedEOF
	}
	payload = b[header : header+length]
	if got := binary.BigEndian.Uint64(b[8:]); got != number {
		return nil, 0, fmt.Errorf("got record %d, want %d", got, number)
	}
	sum := crc32.Update(crc32.Checksum(b[:16], castagnoli), castagnoli, payload)
	if got := binary.BigEndian.Uint32(b[16:]); got != sum {
		return nil, 0, fmt.Errorf("got checksum %08x, want %08x", got, sum)
	}
	return payload, binary.BigEndian.Uint32(b[4:]), nil
}

// scan finds the records of a segment's bytes; rest is how many bytes at the end are
// none.
func scan(b []byte, first uint64) (records []entry, rest int) {
	offset := 0
	for offset < len(b) {
		payload, samples, err := decode(b[offset:], first+uint64(len(records)))
		if err != nil {
			break
		}
		records = append(records, entry{int64(offset), uint32(len(payload)), samples})
		offset += header + len(payload)
	}
	return records, len(b) - offset
}

// openSegment reads what is in a segment. max is how many bytes it may have.
func openSegment(dir, name string, max int64) (s *segment, rest int, err error) {
	first, _ := segmentNumber(name)
	s = &segment{path: filepath.Join(dir, name), first: first}
	info, err := os.Stat(s.path)
	if err != nil {
		return nil, 0, err
	}
	if info.Size() > max {
		return nil, 0, fmt.Errorf("%s: got %d bytes, want at most %d", s.path, info.Size(), max)
	}
	b, err := os.ReadFile(s.path)
	if err != nil {
		return nil, 0, err
	}
	s.records, rest = scan(b, first)
	s.size = int64(len(b))
	return s, rest, nil
}

// read returns the payload of the record with a number.
func (s *segment) read(number uint64) ([]byte, error) {
	e := s.records[number-s.first]
	f, err := os.Open(s.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, header+int(e.length))
	if _, err := f.ReadAt(b, e.offset); err != nil {
		return nil, fmt.Errorf("record %d in %s: %w", number, s.path, err)
	}
	payload, _, err := decode(b, number)
	if err != nil {
		return nil, fmt.Errorf("record %d in %s: %w", number, s.path, err)
	}
	return payload, nil
}
