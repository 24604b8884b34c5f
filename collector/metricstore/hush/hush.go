// Package hush keeps one line off the standard error of every command of this program:
// VictoriaMetrics' library for metrics logs, when the program starts, that the kernel
// has no pressure stall information, whether metrics are wanted or not.
//
// That works because of the order in which packages are initialized (The Go Programming
// Language Specification, Program initialization): of those whose imports are
// initialized, the first by import path comes first. This package has next to no
// imports; github.com/VictoriaMetrics/metrics waits for packages of github.com/valyala.
// A test holds it.
package hush

import (
	"bytes"
	"io"
	"log"
	"os"
)

func init() { log.SetOutput(&filter{os.Stderr}) }

// filter passes on everything but that line.
type filter struct{ to io.Writer }

func (f *filter) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("metrics: disable exposing PSI metrics")) {
		return len(line), nil
	}
	return f.to.Write(line)
}
