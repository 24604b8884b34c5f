//go:build unix

package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// lock takes the data folder for this process: two servers in one folder would spoil
// it. The lock ends with the process, however it ends.
func (j *Journal) lock() error {
	f, err := os.OpenFile(filepath.Join(j.cfg.Dir, "LOCK"), os.O_CREATE|os.O_RDWR, 0o640)
	if err != nil {
		return err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return errors.New("another process has it open")
		}
		return fmt.Errorf("cannot lock it: %w", err)
	}
	j.locked = f
	return nil
}

func (j *Journal) unlock() {
	if j.locked != nil {
		j.locked.Close()
		j.locked = nil
	}
}

// free returns how many bytes the disk of a folder has left.
func free(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("cannot tell the room left in %s: %w", dir, err)
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}
