package spool

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// Config says where a spool is and what it may hold.
type Config struct {
	Dir     string
	Bytes   int64 // in all segments together
	Segment int64 // bytes of a full segment; the unit in which the oldest go
}

// MaxPayload is the length that a record may have.
const MaxPayload = 32 << 20

// Item is a record.
type Item struct {
	Number  uint64
	Samples int
	Payload []byte
}

// Stats are the counts since the spool was opened, but Records, Samples and Bytes, which
// are what is there.
type Stats struct {
	Records, Samples          uint64 // that wait
	Bytes                     int64  // of the files
	Dropped, DroppedSamples   uint64 // records given up for want of room, and their samples
	Damaged                   uint64 // bytes that could not be read
	Appended, AppendedSamples uint64
	Done                      uint64 // records taken off
	Unnoted                   uint64 // records done, which the disk did not take: they come again after a restart
	Refused, RefusedSamples   uint64 // that the disk did not take
}

// Spool is an open spool. It is safe for concurrent use, with one reader.
type Spool struct {
	cfg  Config
	lock *os.File
	more chan struct{} // holds something after an append

	mu       sync.Mutex
	segments []*segment // never empty; the last is written to
	file     *os.File   // of the last segment; nil = there is none yet
	position *os.File
	next     uint64 // the oldest record that is not done
	stats    Stats
	buf      []byte
	closed   bool
}

// ErrClosed is returned by a spool that is closed.
var ErrClosed = errors.New("the spool is closed")

// Open opens the spool of a folder, which it makes if there is none. A folder has one
// process at a time.
func Open(cfg Config) (*Spool, error) {
	s, err := open(cfg)
	if err != nil {
		return nil, fmt.Errorf("cannot open the queue in %s: %w", cfg.Dir, err)
	}
	return s, nil
}

func open(cfg Config) (_ *Spool, err error) {
	if cfg.Segment < header || cfg.Bytes < 2*cfg.Segment {
		return nil, fmt.Errorf("got room for %d bytes and segments of %d, want room for at least two", cfg.Bytes, cfg.Segment)
	}
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return nil, err
	}
	s := &Spool{cfg: cfg, more: make(chan struct{}, 1)}
	defer func() {
		if err != nil {
			s.closeFiles()
		}
	}()
	if s.lock, err = lock(filepath.Join(cfg.Dir, "lock")); err != nil {
		return nil, err
	}
	if err := s.readSegments(); err != nil {
		return nil, err
	}
	if s.position, err = os.OpenFile(filepath.Join(cfg.Dir, "position"), os.O_RDWR|os.O_CREATE, 0o644); err != nil {
		return nil, err
	}
	var b [12]byte
	if n, _ := s.position.ReadAt(b[:], 0); n == len(b) && binary.BigEndian.Uint32(b[8:]) == crc32.Checksum(b[:8], castagnoli) {
		s.next = binary.BigEndian.Uint64(b[:])
	}
	if len(s.segments) == 0 {
		s.segments = []*segment{{path: filepath.Join(cfg.Dir, segmentName(s.next)), first: s.next}}
	}
	first, end := s.segments[0].first, s.last().next()
	s.next = min(max(s.next, first), end)
	s.skipHoles()
	s.trim()
	for _, g := range s.segments {
		for i, e := range g.records {
			if g.first+uint64(i) >= s.next {
				s.stats.Records++
				s.stats.Samples += uint64(e.samples)
			}
		}
	}
	return s, nil
}

// readSegments finds the segments, cuts a torn end off the last, and counts what is
// damaged in others.
func (s *Spool) readSegments() error {
	files, err := os.ReadDir(s.cfg.Dir)
	if err != nil {
		return err
	}
	var names []string
	for _, f := range files {
		if _, ok := segmentNumber(f.Name()); ok {
			names = append(names, f.Name())
		}
	}
	slices.Sort(names)
	for i, name := range names {
		g, rest, err := openSegment(s.cfg.Dir, name, s.cfg.Segment+header+MaxPayload)
		if err != nil {
			return err
		}
		s.stats.Damaged += uint64(rest)
		if i > 0 && g.first < s.last().next() {
			return fmt.Errorf("%s begins with record %d, and the one before ends with %d", g.path, g.first, s.last().next()-1)
		}
		if rest > 0 && i == len(names)-1 {
			g.size -= int64(rest)
			if err := os.Truncate(g.path, g.size); err != nil {
				return err
			}
		}
		s.segments = append(s.segments, g)
		s.stats.Bytes += g.size
	}
	return nil
}

func (s *Spool) last() *segment { return s.segments[len(s.segments)-1] }

// holding returns the segment of the record with a number, nil where it is in none.
func (s *Spool) holding(number uint64) *segment {
	for _, g := range s.segments {
		if number >= g.first && number < g.next() {
			return g
		}
	}
	return nil
}

// skipHoles moves next on over records that are in no segment because one is damaged.
func (s *Spool) skipHoles() {
	for _, g := range s.segments {
		if s.next < g.next() {
			s.next = max(s.next, g.first)
			return
		}
	}
	s.next = s.last().next()
}

// trim removes the segments that are done.
func (s *Spool) trim() {
	for len(s.segments) > 1 && s.segments[0].next() <= s.next {
		s.removeFirst()
	}
}

func (s *Spool) removeFirst() {
	g := s.segments[0]
	_ = os.Remove(g.path) // what cannot be removed is found done at the next start
	s.stats.Bytes -= g.size
	s.segments = s.segments[1:]
}

// Append adds a record. Where the limit is reached the oldest go. The error says that
// the disk did not take it; the record is then counted as refused, and the spool is as
// before.
func (s *Spool) Append(payload []byte, samples int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	err := s.append(payload, samples)
	if err != nil {
		s.stats.Refused++
		s.stats.RefusedSamples += uint64(samples)
		return fmt.Errorf("cannot add %d bytes to the queue in %s: %w", len(payload), s.cfg.Dir, err)
	}
	select {
	case s.more <- struct{}{}:
	default:
	}
	return nil
}

func (s *Spool) append(payload []byte, samples int) error {
	size := int64(header + len(payload))
	if len(payload) > MaxPayload || size > s.cfg.Bytes-s.cfg.Segment {
		return fmt.Errorf("want at most %d", min(MaxPayload, s.cfg.Bytes-s.cfg.Segment-header))
	}
	if g := s.last(); len(g.records) > 0 && g.size+size > s.cfg.Segment {
		if err := s.turn(); err != nil {
			return err
		}
	}
	for s.stats.Bytes+size > s.cfg.Bytes && len(s.segments) > 1 {
		s.dropFirst()
	}
	g := s.last()
	if s.file == nil {
		f, err := os.OpenFile(g.path, os.O_WRONLY|os.O_CREATE, 0o644)
		if err != nil {
			return err
		}
		s.file = f
	}
	s.buf = encode(s.buf[:0], payload, g.next(), uint32(samples))
	if _, err := s.file.WriteAt(s.buf, g.size); err != nil {
		return errors.Join(err, s.file.Truncate(g.size))
	}
	g.records = append(g.records, entry{g.size, uint32(len(payload)), uint32(samples)})
	g.size += size
	s.stats.Bytes += size
	s.stats.Records++
	s.stats.Samples += uint64(samples)
	s.stats.Appended++
	s.stats.AppendedSamples += uint64(samples)
	return nil
}

// turn begins a new segment.
func (s *Spool) turn() error {
	if s.file != nil {
		if err := s.file.Close(); err != nil {
			return err
		}
		s.file = nil
	}
	first := s.last().next()
	s.segments = append(s.segments, &segment{path: filepath.Join(s.cfg.Dir, segmentName(first)), first: first})
	s.trim()
	return nil
}

// dropFirst gives the oldest segment up.
func (s *Spool) dropFirst() {
	g := s.segments[0]
	for i, e := range g.records {
		if g.first+uint64(i) >= s.next {
			s.stats.Dropped++
			s.stats.DroppedSamples += uint64(e.samples)
			s.stats.Records--
			s.stats.Samples -= uint64(e.samples)
		}
	}
	s.removeFirst()
	s.next = max(s.next, s.segments[0].first)
}

// Next waits for the oldest record that is not done, and returns it. A record that
// cannot be read any more is dropped and counted.
func (s *Spool) Next(ctx context.Context) (Item, error) {
	for {
		item, ok, err := s.TryNext()
		if ok || err != nil {
			return item, err
		}
		select {
		case <-ctx.Done():
			return Item{}, ctx.Err()
		case <-s.more:
		}
	}
}

// TryNext returns the oldest record that is not done, if there is one.
func (s *Spool) TryNext() (item Item, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if s.closed {
			return Item{}, false, ErrClosed
		}
		g := s.holding(s.next)
		if g == nil {
			return Item{}, false, nil
		}
		e := g.records[s.next-g.first]
		payload, err := g.read(s.next)
		if err == nil {
			return Item{Number: s.next, Samples: int(e.samples), Payload: payload}, true, nil
		}
		s.stats.Damaged += uint64(header + e.length)
		s.stats.Dropped++
		s.stats.DroppedSamples += uint64(e.samples)
		s.done(e)
	}
}

// Done takes a record that Next returned off the queue. A record that had to be given
// up meanwhile counts as done, not as dropped.
func (s *Spool) Done(item Item) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.stats.Done++
	if item.Number < s.next {
		s.stats.Dropped--
		s.stats.DroppedSamples -= uint64(item.Samples)
		return nil
	}
	g := s.holding(item.Number)
	if g == nil || item.Number != s.next {
		panic(fmt.Sprintf("BUG: record %d is done, and %d is the oldest", item.Number, s.next))
	}
	s.done(g.records[item.Number-g.first])
	return nil
}

// done moves next on by one record, and notes that. Where the disk does not take the
// note, records may be delivered again.
func (s *Spool) done(e entry) {
	s.next++
	s.stats.Records--
	s.stats.Samples -= uint64(e.samples)
	s.skipHoles()
	s.trim()
	var b [12]byte
	binary.BigEndian.PutUint64(b[:], s.next)
	binary.BigEndian.PutUint32(b[8:], crc32.Checksum(b[:8], castagnoli))
	if _, err := s.position.WriteAt(b[:], 0); err != nil {
		s.stats.Unnoted++
	}
}

// Stats returns the counts.
func (s *Spool) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// Close closes the spool. What waits comes again when it is opened next.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	select {
	case s.more <- struct{}{}:
	default:
	}
	return s.closeFiles()
}

func (s *Spool) closeFiles() error {
	var errs []error
	for _, f := range []*os.File{s.file, s.position, s.lock} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}
