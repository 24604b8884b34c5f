package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func repository(t *testing.T) string {
	t.Helper()
	root, err := findRoot()
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func readManifest(t *testing.T, root string) manifest {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "p4src", "build", "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var m manifest
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatalf("cannot read manifest.json: %v", err)
	}
	return m
}

// The checked-in programs are those that the sources describe.
func TestBuildIsNotStale(t *testing.T) {
	root := repository(t)
	got, err := sourceHash(root)
	if err != nil {
		t.Fatal(err)
	}
	if want := readManifest(t, root).Sources; got != want {
		t.Errorf("p4src/build is stale: the sources hash to %s, build/ was made from %s; run `make p4` and commit what it changes", got, want)
	}
}

// The Go constants are those that P4Info and the sources describe.
func TestConstantsAreUpToDate(t *testing.T) {
	root := repository(t)
	files, err := constants(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(root, "p4src", name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("p4src/%s is stale; run `go run ./p4src/gen -constants` (-want, +got):\n%s", name, diff)
		}
	}
}

// With the compiler that made it at hand, build/ comes out byte for byte.
func TestRecompileReproducesBuild(t *testing.T) {
	root := repository(t)
	want := readManifest(t, root).Compiler
	c, err := findCompiler()
	if err != nil {
		t.Skipf("p4c is absent: %v", err)
	}
	if c.version != want {
		t.Skipf("%s is here, build/ was made by %s", c.version, want)
	}
	files, err := compileAll(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(root, "p4src", "build", name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("build/%s is not what %s makes of the sources; run `make p4`", name, c.version)
		}
	}
}

var pathRE = regexp.MustCompile(`"(filename|program)" : "([^"]*)"`)

// Nothing in build/ tells on which machine it was made.
func TestBuildNamesNoMachine(t *testing.T) {
	root := repository(t)
	for _, program := range programs {
		data, err := os.ReadFile(filepath.Join(root, "p4src", "build", program+".json"))
		if err != nil {
			t.Fatal(err)
		}
		found := pathRE.FindAllSubmatch(data, -1)
		if len(found) == 0 {
			t.Errorf("%s.json names no source file; want source positions", program)
		}
		for _, m := range found {
			path := string(m[2])
			if path == "" {
				continue
			}
			if filepath.IsAbs(path) || !filepath.IsLocal(path) {
				t.Errorf("%s.json: %s %q is not relative to the repository", program, m[1], path)
			}
		}
	}
}

func TestPortable(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := string(portable([]byte(in))); got != want {
			t.Errorf("portable(%s) = %s; want %s", in, got, want)
		}
	}
	f(`"filename" : "/usr/local/share/p4c/p4include/core.p4",`, `"filename" : "p4include/core.p4",`)
	f(`"filename" : "/a/p4include/b/p4include/core.p4"`, `"filename" : "p4include/core.p4"`)
	f(`"filename" : "p4src/fabric.p4"`, `"filename" : "p4src/fabric.p4"`)
}

// A drop reason without its comment, or of another type, is an error, not left out.
func TestDropConstantsRefuseWhatTheyCannotRead(t *testing.T) {
	f := func(source, wantErr string) {
		t.Helper()
		root := t.TempDir()
		include := filepath.Join(root, "p4src", "include")
		if err := os.MkdirAll(include, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(include, "drop_reasons.p4"), []byte(source), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := dropConstants(root)
		if got := fmt.Sprint(err); got != wantErr {
			t.Errorf("dropConstants of %q: %s; want %s", source, got, wantErr)
		}
	}
	const none = "\nconst bit<8> DROP_NONE = 0; // not dropped\n"
	f(none, "<nil>")
	f(none+"const bit<8> DROP_X = 1;\n", "include/drop_reasons.p4 has 2 constants, of which 1 have a comment and the right shape")
	f(none+"const bit<16> DROP_X = 1; // x\n", "include/drop_reasons.p4 has 2 constants, of which 1 have a comment and the right shape")
	f("", "include/drop_reasons.p4 has no constant")
}

func TestGoName(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := goName(in); got != want {
			t.Errorf("goName(%q) = %q; want %q", in, got, want)
		}
	}
	f("routes", "Routes")
	f("ipv4_dst", "IPv4Dst")
	f("IP_TTL_ZERO", "IPTTLZero")
	f("ACL_DENY", "ACLDeny")
	f("set_vtep", "SetVTEP")
	f("", "")
}
