// Command gen remakes what is generated in p4src: the compiled programs in build/,
// their manifest, and the Go constants in ids_gen.go and drop_reasons_gen.go.
//
//	go run ./p4src/gen             compile with p4c from PATH, then write everything
//	go run ./p4src/gen -constants  only the Go constants, from build/ as it is
//
// It works from any folder of the repository. p4c runs in the repository root on
// relative paths, and what it says about its own files is cut to p4include/…, so that
// its output is the same on every machine.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	constants := flag.Bool("constants", false, "only remake the Go constants, from build/ as it is")
	flag.Parse()
	if err := run(*constants); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(constantsOnly bool) error {
	root, err := findRoot()
	if err != nil {
		return err
	}
	if !constantsOnly {
		files, err := compileAll(root)
		if err != nil {
			return err
		}
		if err := writeAll(filepath.Join(root, "p4src", "build"), files); err != nil {
			return err
		}
	}
	files, err := constants(root)
	if err != nil {
		return err
	}
	return writeAll(filepath.Join(root, "p4src"), files)
}

// findRoot returns the repository root: the nearest folder upwards with a go.mod.
func findRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("no go.mod above the working folder")
		}
		dir = up
	}
}

// writeAll writes the files, by name, into the folder.
func writeAll(dir string, files map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
