//go:build !unix

package spool

import "os"

// lock opens the file; other systems do not keep a second process away.
func lock(path string) (*os.File, error) { return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644) }
