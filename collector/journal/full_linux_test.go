package journal

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/telltale-net/telltale/collector/block"
	"github.com/telltale-net/telltale/collector/postcard"
)

// smallDisk mounts a disk of so many MiB, or skips.
func smallDisk(t *testing.T, mib string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+mib+"m"); err != nil {
		if os.Getenv("CI") == "true" && os.Geteuid() == 0 {
			t.Fatalf("cannot mount a small disk: %v", err)
		}
		t.Skipf("no small disk to fill: cannot mount a tmpfs (root may): %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

// fill takes all the room of the disk but for so many bytes.
func fill(t *testing.T, dir string, leave int64) (empty func()) {
	t.Helper()
	left, err := free(dir)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "filler")
	if err := os.WriteFile(name, make([]byte, max(left-leave, 0)), 0o600); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFullDisk fills the disk while the log is written and empties it again: what does
// not fit is shed with an alarm, what was acknowledged stays, and it goes on by itself.
func TestFullDisk(t *testing.T) {
	for _, c := range []struct {
		name           string
		reserve, leave int64
		free           func(string) (int64, error)
	}{
		{"down to the reserve", 8 << 20, 9 << 20, nil},
		{"to the last byte", 0, 64 << 10, func(string) (int64, error) { return 1 << 40, nil }}, // and nobody sees it coming
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := smallDisk(t, "32")
			var stored, shed atomic.Uint64
			acknowledged := map[uint32]bool{}
			j := open(t, func(cfg *Config) {
				cfg.Dir = dir
				cfg.Reserve, cfg.free = c.reserve, c.free
				cfg.Patience = 300 * time.Millisecond
				cfg.OnStored = func(r []postcard.Record) {
					stored.Add(uint64(len(r)))
					for i := range r {
						acknowledged[r[i].Seq] = true
					}
				}
				cfg.OnShed = func(r []postcard.Record, err error) { shed.Add(uint64(len(r))) }
			})
			next := uint32(0)
			write := func() {
				t.Helper()
				if err := j.Append(numbered(next, 500)); err != nil {
					t.Fatal(err)
				}
				next += 500
				if err := j.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			until := func(what string, holds func() bool) {
				t.Helper()
				for deadline := time.Now().Add(2 * time.Minute); !holds(); {
					if time.Now().After(deadline) {
						t.Fatalf("%s: not within two minutes; stats %+v", what, j.Stats())
					}
					write()
				}
			}
			write()
			empty := fill(t, dir, c.leave)
			until("shedding", func() bool { return shed.Load() > 2000 })
			if j.Stats().Alarm == "" {
				t.Error("records are shed without an alarm")
			}
			empty()
			before := stored.Load()
			until("going on", func() bool { return stored.Load() > before+2000 })
			if a := j.Stats().Alarm; a != "" {
				t.Errorf("records are stored, but the alarm is %q", a)
			}
			if s := j.Stats(); s.Stored+s.Shed != uint64(next) || s.Stored != stored.Load() || s.Shed != shed.Load() {
				t.Errorf("of %d records %d were stored and %d shed, and told were %d and %d", next, s.Stored, s.Shed, stored.Load(), shed.Load())
			}
			closing(t, j)

			j = open(t, func(cfg *Config) { cfg.Dir, cfg.Reserve = dir, c.reserve })
			defer closing(t, j)
			got, _ := seqs(t, j, block.Query{})
			there := map[uint32]bool{}
			for _, s := range got {
				if there[s] {
					t.Errorf("record %d is there twice", s)
				}
				there[s] = true
			}
			for s := range acknowledged {
				if !there[s] {
					t.Fatalf("record %d was acknowledged and is gone", s)
				}
			}
			t.Logf("%d records: %d stored, %d shed", next, len(acknowledged), shed.Load())
		})
	}
}
