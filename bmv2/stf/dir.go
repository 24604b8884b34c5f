package stf

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/spec"
)

// RunDir runs every NAME.stf of a folder against the program NAME.json beside
// it, in the order of names, and hands each result to report as soon as it is
// known. A file that cannot be read, parsed or loaded is a failed result. The
// error says that the folder cannot be read or holds no scripts.
func RunDir(dir fs.FS, cfg engine.Config, report func(Result)) (passed, failed int, err error) {
	files, err := fs.ReadDir(dir, ".")
	if err != nil {
		return 0, 0, fmt.Errorf("cannot list scripts: %w", err)
	}
	files = slices.DeleteFunc(files, func(f fs.DirEntry) bool { return f.IsDir() || path.Ext(f.Name()) != ".stf" })
	if len(files) == 0 {
		return 0, 0, fmt.Errorf("cannot run scripts: no *.stf in the folder")
	}
	for _, f := range files {
		r := RunFile(dir, f.Name(), strings.TrimSuffix(f.Name(), ".stf")+".json", cfg)
		if r.Passed() {
			passed++
		} else {
			failed++
		}
		report(r)
	}
	return passed, failed, nil
}

// RunFile runs a script file against a program file of the same file system.
func RunFile(dir fs.FS, script, program string, cfg engine.Config) Result {
	fail := func(err error) Result { return Result{Script: script, Err: err} }
	src, err := fs.ReadFile(dir, script)
	if err != nil {
		return fail(fmt.Errorf("cannot read the script: %w", err))
	}
	s, err := Parse(script, string(src))
	if err != nil {
		return fail(err)
	}
	data, err := fs.ReadFile(dir, program)
	if err != nil {
		return fail(fmt.Errorf("cannot read the program: %w", err))
	}
	p, err := spec.Load(data)
	if err != nil {
		return fail(fmt.Errorf("%s: %w", program, err))
	}
	prog, err := engine.Compile(p)
	if err != nil {
		return fail(fmt.Errorf("%s: %w", program, err))
	}
	return Run(prog, cfg, s)
}
