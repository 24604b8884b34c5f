package policy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/telltale-net/telltale/internal/testutil"
)

const module = "github.com/telltale-net/telltale"

// mayImport is the architecture: a folder (with all below it, unless a longer line
// matches) may import itself, and of ours only what its line names. A trailing /...
// means "and everything below". Do not change this table to fix a build: change the
// code, or the architecture page first.
var mayImport = map[string]string{
	"p4src":                         "",
	"p4src/gen":                     "p4src",
	"topology":                      "",
	"collector/postcard":            "",
	"collector":                     "topology collector/... internal/...",
	"controlplane":                  "topology p4src controlplane/... internal/...",
	"analyzers":                     "collector/postcard topology p4src",
	"analyzers/blame":               "analyzers/blame/... internal/jsonlines",
	"analyzers/blame/postcards":     "analyzers analyzers/blame collector/postcard topology p4src",
	"analyzers/drops":               "analyzers collector/postcard topology p4src",
	"analyzers/latency":             "analyzers collector/postcard topology p4src",
	"analyzers/queue":               "analyzers/queue/... collector/postcard internal/jsonlines",
	"analyzers/queue/postcards":     "analyzers analyzers/queue/records collector/postcard topology",
	"analyzers/flowset":             "analyzers/flowset/hash",
	"analyzers/flowset/decode":      "analyzers/flowset analyzers/flowset/hash",
	"analyzers/flowset/fit":         "analyzers/flowset analyzers/flowset/hash",
	"analyzers/flowset/flowsettest": "analyzers/flowset analyzers/flowset/decode analyzers/flowset/hash",
	"analyzers/flowset/hash":        "",
	"analyzers/flowset/jsonl":       "analyzers/flowset analyzers/flowset/fit analyzers/flowset/hash internal/jsonlines",
	"analyzers/flowset/loss":        "analyzers/flowset",
	"analyzers/flowset/lossradar":   "analyzers/flowset analyzers/flowset/decode analyzers/flowset/hash",
	"analyzers/flowset/postcards":   "analyzers analyzers/flowset analyzers/flowset/loss collector/postcard topology p4src",
	"analyzers/incident":            "analyzers analyzers/drops analyzers/latency collector/postcard topology p4src",
	"bmv2":                          "bmv2/... internal/...",
	"bmv2/lab":                      "bmv2/... topology internal/...",
	"bmv2/lab/chain":                "bmv2/...",
	"internal":                      "internal/...",
	"cmd":                           "topology/... p4src controlplane/... collector/... analyzers/... bmv2/... internal/... cmd/...",
}

// pure packages take values and return values: no sockets, no files, no processes,
// no logging, no clock and no randomness but what they are handed.
var pure = []string{
	"analyzers", "analyzers/drops", "analyzers/latency", "analyzers/incident",
	"analyzers/blame", "analyzers/blame/blametest", "analyzers/blame/postcards",
	"analyzers/flowset", "analyzers/flowset/decode", "analyzers/flowset/fit", "analyzers/flowset/flowsettest", "analyzers/flowset/hash", "analyzers/flowset/jsonl", "analyzers/flowset/loss", "analyzers/flowset/lossradar", "analyzers/flowset/postcards",
	"analyzers/queue", "analyzers/queue/records", "analyzers/queue/diagnosis", "analyzers/queue/patterns", "analyzers/queue/window", "analyzers/queue/netmedic", "analyzers/queue/reident", "analyzers/queue/postcards",
	"topology", "collector/postcard", "collector/report", "collector/report/inband", "collector/report/profile", "collector/report/perhop", "collector/sequence", "collector/ledger", "collector/block", "collector/clocks", "collector/hops", "collector/aggregate", "collector/series", "collector/exposition", "collector/ipfix", "collector/gnmi/tree", "collector/gnmi/model",
	"controlplane/intent",
	"bmv2/device", "bmv2/spec", "bmv2/match", "bmv2/hash", "bmv2/tm", "bmv2/engine", "bmv2/stf", "bmv2/randpkt", "bmv2/coverage",
	"bmv2/p4rt/entity", "bmv2/lab/traffic", "bmv2/lab/frame", "bmv2/lab/chain", "internal/dissect", "cmd/internal/live/window", "internal/jsonlines",
}

var impureImports = []string{
	"net", "net/http", "os", "os/exec", "os/signal", "log", "log/slog", "math/rand", "syscall",
}

var impureCalls = map[string][]string{
	"time": {"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick"},
}

type file struct {
	dir, path string // dir relative to the repository root
	test      bool
	ast       *ast.File
	fset      *token.FileSet
}

func goFiles(t *testing.T) []file {
	t.Helper()
	root := testutil.Root(t)
	var files []file
	fset := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); path != root && (strings.HasPrefix(name, ".") || name == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(fset, path, src, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		files = append(files, file{
			dir:  filepath.ToSlash(rel),
			path: path,
			test: strings.HasSuffix(path, "_test.go"),
			ast:  f,
			fset: fset,
		})
		return nil
	})
	if err != nil {
		t.Fatalf("cannot read the source tree: %v", err)
	}
	return files
}

// rule returns the longest line of mayImport that covers dir.
func rule(dir string) (string, bool) {
	for d := dir; d != "."; d = filepath.ToSlash(filepath.Dir(d)) {
		if allowed, ok := mayImport[d]; ok {
			return allowed, true
		}
	}
	return "", false
}

func allows(allowed, target string) bool {
	for _, a := range strings.Fields(allowed) {
		if prefix, tree := strings.CutSuffix(a, "/..."); tree {
			if target == prefix || strings.HasPrefix(target, prefix+"/") {
				return true
			}
		} else if target == a {
			return true
		}
	}
	return false
}

func TestImportDirection(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.test {
			continue // tests may look at the neighbours
		}
		allowed, ok := rule(f.dir)
		if !ok {
			t.Errorf("%s: folder %q is in no line of the import policy", f.path, f.dir)
			continue
		}
		for _, spec := range f.ast.Imports {
			path, _ := strconv.Unquote(spec.Path.Value)
			target, ours := strings.CutPrefix(path, module+"/")
			if !ours || target == f.dir {
				continue
			}
			if target == "internal/testutil" {
				if !strings.HasPrefix(f.dir, "internal/") {
					t.Errorf("%s: imports %s, which only tests may", f.fset.Position(spec.Pos()), target)
				}
				continue
			}
			if !allows(allowed, target) {
				t.Errorf("%s: %s may not import %s; allowed: %s", f.fset.Position(spec.Pos()), f.dir, target, allowed)
			}
		}
	}
}

func TestPureCore(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.test || !slices.Contains(pure, f.dir) {
			continue
		}
		for _, spec := range f.ast.Imports {
			path, _ := strconv.Unquote(spec.Path.Value)
			if slices.Contains(impureImports, path) {
				t.Errorf("%s: %s is pure and imports %q", f.fset.Position(spec.Pos()), f.dir, path)
			}
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := sel.X.(*ast.Ident)
			if ok && pkg.Obj == nil && slices.Contains(impureCalls[pkg.Name], sel.Sel.Name) {
				t.Errorf("%s: %s is pure and uses %s.%s", f.fset.Position(sel.Pos()), f.dir, pkg.Name, sel.Sel.Name)
			}
			return true
		})
	}
}

// TestPolicyNamesExist keeps the lists above in step with the tree.
func TestPolicyNamesExist(t *testing.T) {
	dirs := map[string]bool{}
	for _, f := range goFiles(t) {
		for d := f.dir; d != "."; d = filepath.ToSlash(filepath.Dir(d)) {
			dirs[d] = true
		}
	}
	for d := range mayImport {
		if !dirs[d] {
			t.Errorf("import policy names %q, which holds no Go file", d)
		}
	}
	for _, d := range pure {
		if !dirs[d] {
			t.Errorf("the list of pure packages names %q, which holds no Go file", d)
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	said, seen := map[string]bool{}, map[string]string{}
	for _, f := range goFiles(t) {
		if f.test {
			continue
		}
		seen[f.dir] = f.path
		if f.ast.Doc != nil && len(f.ast.Doc.Text()) > 40 {
			said[f.dir] = true
		}
	}
	for dir, path := range seen {
		if !said[dir] {
			t.Errorf("%s: package in %q has no package comment", path, dir)
		}
	}
}
