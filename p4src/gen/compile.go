package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
)

// programs are the top files, without their suffix.
var programs = []string{"fabric", "vswitch"}

// manifest says what build/ was made from and with.
type manifest struct {
	Compiler string `json:"compiler"` // p4c's version, e.g. "p4c 1.2.5.16"
	Sources  string `json:"sources"`  // sha256 over path and content of every .p4 file, in hex
}

// sourceHash hashes all P4 sources below p4src, in order of their paths: each path and
// each content is preceded by its length, so that no two trees hash alike by accident.
func sourceHash(root string) (string, error) {
	var paths []string
	for _, pattern := range []string{"*.p4", "include/*.p4", "control/*.p4"} {
		found, err := filepath.Glob(filepath.Join(root, "p4src", pattern))
		if err != nil {
			return "", err
		}
		paths = append(paths, found...)
	}
	if len(paths) == 0 {
		return "", fmt.Errorf("no P4 sources below %s", filepath.Join(root, "p4src"))
	}
	sort.Strings(paths)
	h := sha256.New()
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%d %s %d ", len(rel), filepath.ToSlash(rel), len(data))
		h.Write(data)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// compiler is a p4c found on PATH.
type compiler struct {
	path    string
	driver  bool   // the p4c driver rather than the BMv2 back end itself
	version string // "p4c 1.2.5.16"
}

var versionRE = regexp.MustCompile(`\b\d+\.\d+\.\d+(\.\d+)?\b`)

// findCompiler looks for p4c-bm2-ss, then for p4c.
func findCompiler() (compiler, error) {
	for _, c := range []compiler{{path: "p4c-bm2-ss"}, {path: "p4c", driver: true}} {
		path, err := exec.LookPath(c.path)
		if err != nil {
			continue
		}
		out, err := exec.Command(path, "--version").CombinedOutput()
		if err != nil {
			return compiler{}, fmt.Errorf("cannot ask %s for its version: %w", path, err)
		}
		v := versionRE.Find(out)
		if v == nil {
			return compiler{}, fmt.Errorf("%s --version names no version: %q", path, out)
		}
		c.path, c.version = path, "p4c "+string(v)
		return c, nil
	}
	return compiler{}, fmt.Errorf("neither p4c-bm2-ss nor p4c is on PATH; install p4c (https://github.com/p4lang/p4c) or leave p4src/build as it is")
}

// compileAll compiles the programs and returns the content of build/.
func compileAll(root string) (map[string][]byte, error) {
	c, err := findCompiler()
	if err != nil {
		return nil, err
	}
	hash, err := sourceHash(root)
	if err != nil {
		return nil, err
	}
	files := make(map[string][]byte)
	for _, name := range programs {
		if err := c.compile(root, name, files); err != nil {
			return nil, err
		}
	}
	m, err := json.MarshalIndent(manifest{Compiler: c.version, Sources: hash}, "", "  ")
	if err != nil {
		return nil, err
	}
	files["manifest.json"] = append(m, '\n')
	return files, nil
}

// compile adds the outputs of one program to files.
func (c compiler) compile(root, name string, files map[string][]byte) error {
	tmp, err := os.MkdirTemp("", "p4src-gen-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	json, info := name+".json", name+".p4info.txtpb"
	args := []string{"--arch", "v1model", "--p4runtime-files", filepath.Join(tmp, info),
		"--Wdisable=unused", "--Wdisable=removed"} // each program uses only part of the shared files
	if c.driver {
		args = append(args, "--target", "bmv2", "-o", tmp)
	} else {
		args = append(args, "-o", filepath.Join(tmp, json))
	}
	cmd := exec.Command(c.path, append(args, "p4src/"+name+".p4")...)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("cannot compile %s.p4: %w\n%s", name, err, out)
	}
	os.Stderr.Write(out) // warnings
	for _, file := range []string{json, info} {
		data, err := os.ReadFile(filepath.Join(tmp, file))
		if err != nil {
			return fmt.Errorf("p4c wrote no %s: %w", file, err)
		}
		files[file] = portable(data)
	}
	return nil
}

var includeRE = regexp.MustCompile(`"[^"\n]*/p4include/`)

// portable cuts the folder of p4c's own files out of its output.
func portable(data []byte) []byte {
	return includeRE.ReplaceAll(data, []byte(`"p4include/`))
}
