package spool

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func opened(t interface{ Fatal(...any) }, cfg Config) *Spool {
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// copied returns a copy of a folder, as it would be found after kill -9.
func copied(t interface{ Fatal(...any) }, from, to string) {
	files, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(from, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, f.Name()), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func payload(number uint64, length int) []byte {
	b := make([]byte, length)
	for i := range b {
		b[i] = byte(number + uint64(i))
	}
	return b
}

// A spool is a list that loses its oldest when it is full, whatever happens to the
// process meanwhile.
func TestAgainstList(t *testing.T) {
	base := t.TempDir()
	round := 0
	rapid.Check(t, func(t *rapid.T) {
		folder := func() string {
			round++
			dir := filepath.Join(base, fmt.Sprint(round))
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			return dir
		}
		cfg := Config{Dir: folder(), Bytes: 2000, Segment: 300}
		s := opened(t, cfg)
		defer func() { s.Close() }()
		var list []Item
		var number, dropped, samples uint64
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0, 1, 2, 3:
				item := Item{Number: number, Samples: rapid.IntRange(0, 9).Draw(t, "samples"), Payload: payload(number, rapid.IntRange(0, 500).Draw(t, "length"))}
				if err := s.Append(item.Payload, item.Samples); err != nil {
					t.Fatal(err)
				}
				number++
				list = append(list, item)
			case 4, 5, 6:
				item, ok, err := s.TryNext()
				if err != nil || ok != (len(list) > 0) {
					t.Fatalf("got %v, %v; %d should be there", ok, err, len(list))
				}
				if !ok {
					continue
				}
				if item.Number != list[0].Number || item.Samples != list[0].Samples || !bytes.Equal(item.Payload, list[0].Payload) {
					t.Fatalf("got record %d of %d bytes, want %d of %d", item.Number, len(item.Payload), list[0].Number, len(list[0].Payload))
				}
				if err := s.Done(item); err != nil {
					t.Fatal(err)
				}
				list = list[1:]
			case 7: // an orderly restart
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				s = opened(t, cfg)
				dropped, samples = 0, 0
			case 8: // a kill
				dir := folder()
				copied(t, cfg.Dir, dir)
				s.Close()
				cfg.Dir = dir
				s = opened(t, cfg)
				dropped, samples = 0, 0
			case 9: // a kill in the middle of an append
				dir := folder()
				copied(t, cfg.Dir, dir)
				torn := encode(nil, payload(number, 100), number, 1)
				torn = torn[:rapid.IntRange(1, len(torn)-1).Draw(t, "torn")]
				g := s.last()
				f, err := os.OpenFile(filepath.Join(dir, filepath.Base(g.path)), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
				if err != nil {
					t.Fatal(err)
				}
				_, err = f.Write(torn)
				if err := errors.Join(err, f.Close()); err != nil {
					t.Fatal(err)
				}
				s.Close()
				cfg.Dir = dir
				s = opened(t, cfg)
				dropped, samples = 0, 0
				if got := s.Stats().Damaged; got != uint64(len(torn)) {
					t.Fatalf("got %d bytes damaged, want %d", got, len(torn))
				}
			}
			st := s.Stats()
			before := dropped
			for len(list) > 0 && uint64(len(list)) > st.Records {
				dropped++
				samples += uint64(list[0].Samples)
				list = list[1:]
			}
			waiting := uint64(0)
			for _, item := range list {
				waiting += uint64(item.Samples)
			}
			if st.Records != uint64(len(list)) || st.Samples != waiting || st.Dropped != dropped || st.DroppedSamples != samples {
				t.Fatalf("got %+v; want %d records with %d samples, %d with %d dropped", st, len(list), waiting, dropped, samples)
			}
			onDisk := int64(0)
			files, _ := os.ReadDir(cfg.Dir)
			for _, f := range files {
				if _, ok := segmentNumber(f.Name()); ok {
					info, err := f.Info()
					if err != nil {
						t.Fatal(err)
					}
					onDisk += info.Size()
				}
			}
			if onDisk != st.Bytes || onDisk > cfg.Bytes {
				t.Fatalf("%d bytes on the disk, %d counted, %d allowed", onDisk, st.Bytes, cfg.Bytes)
			}
			if dropped > before && st.Bytes < cfg.Bytes/4 {
				t.Fatalf("dropped, with %d of %d bytes in use", st.Bytes, cfg.Bytes)
			}
		}
	})
}

func TestGivenUpWhileOnItsWay(t *testing.T) {
	s := opened(t, Config{Dir: t.TempDir(), Bytes: 400, Segment: 100})
	defer s.Close()
	add := func() {
		if err := s.Append(payload(0, 80), 3); err != nil {
			t.Fatal(err)
		}
	}
	add()
	item, ok, err := s.TryNext()
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	for s.Stats().Dropped == 0 {
		add()
	}
	if err := s.Done(item); err != nil {
		t.Fatal(err)
	}
	if st := s.Stats(); st.Dropped != 0 || st.DroppedSamples != 0 || st.Done != 1 || st.Appended != st.Done+st.Records {
		t.Errorf("got %+v, want one done and none dropped", st)
	}
}

func TestDamage(t *testing.T) {
	dir := t.TempDir()
	cfg := Config{Dir: dir, Bytes: 1000, Segment: 250}
	s := opened(t, cfg)
	for i := range uint64(6) { // two to a segment
		if err := s.Append(payload(i, 100), 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, segmentName(0))
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	b[150]++ // in record 1
	if err := os.WriteFile(name, b, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "position"), []byte("?"), 0o644); err != nil {
		t.Fatal(err)
	}
	s = opened(t, cfg)
	defer s.Close()
	var got []uint64
	for {
		item, ok, err := s.TryNext()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		got = append(got, item.Number)
		if err := s.Done(item); err != nil {
			t.Fatal(err)
		}
	}
	if fmt.Sprint(got) != "[0 2 3 4 5]" || s.Stats().Damaged != 120 {
		t.Errorf("got records %v and %d bytes damaged, want all but 1 and 120", got, s.Stats().Damaged)
	}
}

// A record that goes bad while the spool is open is dropped and counted.
func TestDamageWhileOpen(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, Config{Dir: dir, Bytes: 1000, Segment: 250})
	defer s.Close()
	for i := range uint64(2) {
		if err := s.Append(payload(i, 50), 4); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.OpenFile(filepath.Join(dir, segmentName(0)), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte{99}, 40); err != nil {
		t.Fatal(err)
	}
	item, ok, err := s.TryNext()
	if !ok || err != nil || item.Number != 1 {
		t.Fatalf("got %d, %v, %v; want record 1", item.Number, ok, err)
	}
	if st := s.Stats(); st.Dropped != 1 || st.DroppedSamples != 4 || st.Damaged != 70 {
		t.Errorf("got %+v, want one record dropped", st)
	}
}

func TestErrors(t *testing.T) {
	cfg := Config{Dir: t.TempDir(), Bytes: 1000, Segment: 250}
	s := opened(t, cfg)
	if _, err := Open(cfg); err == nil || !strings.Contains(err.Error(), "another process has it") {
		t.Errorf("a second time: got %v", err)
	}
	if err := s.Append(make([]byte, 731), 2); err == nil {
		t.Error("took more than there is room for")
	}
	if st := s.Stats(); st.Refused != 1 || st.RefusedSamples != 2 {
		t.Errorf("got %+v, want one record refused", st)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := s.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("nothing there: got %v", err)
	}
	go func() { s.Append([]byte("x"), 1) }()
	if item, err := s.Next(t.Context()); err != nil || string(item.Payload) != "x" {
		t.Errorf("got %q, %v", item.Payload, err)
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	if err := s.Append(nil, 0); !errors.Is(err, ErrClosed) {
		t.Errorf("append to a closed spool: got %v", err)
	}
	if _, err := s.Next(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("next of a closed spool: got %v", err)
	}
	if _, err := Open(Config{Dir: cfg.Dir, Bytes: 10, Segment: 9}); err == nil {
		t.Error("opened without room")
	}
}

// Whatever a segment's bytes, the records found are whole and the rest is counted.
func FuzzScan(f *testing.F) {
	good := encode(encode(nil, []byte("one"), 7, 1), []byte("two"), 8, 2)
	f.Add(good, uint64(7))
	f.Add(good[:len(good)-1], uint64(7))
	f.Add(binary.BigEndian.AppendUint32(nil, 1<<31), uint64(0))
	f.Fuzz(func(t *testing.T, b []byte, first uint64) {
		records, rest := scan(b, first)
		var again []byte
		for i, e := range records {
			payload := b[e.offset+header : e.offset+header+int64(e.length)]
			again = encode(again, payload, first+uint64(i), e.samples)
		}
		if !bytes.Equal(again, b[:len(b)-rest]) {
			t.Fatalf("%d records and %d bytes of rest do not make %d bytes", len(records), rest, len(b))
		}
	})
}

func BenchmarkAppendDone(b *testing.B) {
	s, err := Open(Config{Dir: b.TempDir(), Bytes: 64 << 20, Segment: 4 << 20})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	p := payload(uint64(rand.IntN(9)), 100<<10)
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Append(p, 1); err != nil {
			b.Fatal(err)
		}
		item, _, err := s.TryNext()
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Done(item); err != nil {
			b.Fatal(err)
		}
	}
}
