//go:build unix

package metricstore

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// unlocked returns nil if no process has the lock of a file, which it makes.
func unlocked(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
	case errors.Is(err, unix.EWOULDBLOCK):
		return errors.New("another process has it")
	case err != nil:
		return fmt.Errorf("cannot lock %s: %w", path, err)
	}
	return nil
}
