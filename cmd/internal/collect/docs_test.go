package collect

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/telltale-net/telltale/collector/ipfix"
	"github.com/telltale-net/telltale/collector/series"
	"github.com/telltale-net/telltale/internal/testutil"
	"github.com/telltale-net/telltale/topology"
)

var update = flag.Bool("update", false, "write the tables of docs/outputs.md anew")

// The tables of docs/outputs.md are what the code has.
func TestDocsOfOutputs(t *testing.T) {
	path := filepath.Join(testutil.Root(t), "docs", "outputs.md")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	var m strings.Builder
	fmt.Fprint(&m, "| metric | type | unit | labels | what |\n|---|---|---|---|---|\n")
	for _, f := range series.Metrics() {
		fmt.Fprintf(&m, "| `%s` | %s | %s | %s | %s |\n", f.Name, f.Kind, f.Unit, strings.Join(f.Labels, ", "), f.Help)
	}
	var x strings.Builder
	fmt.Fprint(&x, "| template | what | elements (length in bytes) |\n|---|---|---|\n")
	for _, tp := range ipfix.Templates() {
		var fields []string
		for i, f := range tp.Fields {
			name := fmt.Sprintf("%s %d (%d)", f.Name, f.ID, f.Length)
			if f.Enterprise {
				name = fmt.Sprintf("%s %d* (%d)", f.Name, f.ID, f.Length)
			}
			if i < tp.Scope {
				name += " scope"
			}
			fields = append(fields, name)
		}
		fmt.Fprintf(&x, "| %d | %s | %s |\n", tp.ID, tp.About, strings.Join(fields, ", "))
	}
	for mark, want := range map[string]string{"metrics": m.String(), "ipfix": x.String()} {
		begin, end := "<!-- "+mark+" -->\n", "<!-- /"+mark+" -->"
		i, j := strings.Index(text, begin), strings.Index(text, end)
		if i < 0 || j < i {
			t.Fatalf("%s has no part %s", path, begin)
		}
		i += len(begin)
		if *update {
			text = text[:i] + want + text[j:]
		} else if text[i:j] != want {
			t.Errorf("the table %q is not what the code has; go test ./cmd/internal/collect -run Docs -args -update", mark)
		}
	}
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// Every metric at /metrics is in docs/outputs.md, by its name or how it begins.
func TestDocsKnowAllMetrics(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(testutil.Root(t), "docs", "outputs.md"))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, m := range regexp.MustCompile("`(telltale_[a-z_]+)`").FindAllStringSubmatch(string(b), -1) {
		known[m[1]] = true
	}
	s, fs := NewSettings()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	if err := fs.Parse([]string{"--ipfix=127.0.0.1:9", "--remote-write=" + server.URL, "--gnmi=127.0.0.1:0"}); err != nil {
		t.Fatal(err)
	}
	f, err := topology.LeafSpine(topology.DefaultLeafSpine())
	if err != nil {
		t.Fatal(err)
	}
	s.Topology = filepath.Join(t.TempDir(), "fabric.yaml")
	if err := os.WriteFile(s.Topology, topology.Write(f), 0o600); err != nil {
		t.Fatal(err)
	}
	r := run(t, s)
	n := 0
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (\S+) `).FindAllStringSubmatch(r.get("/metrics"), -1) {
		n++
		found := known[m[1]]
		for p := range known {
			found = found || strings.HasSuffix(p, "_") && strings.HasPrefix(m[1], p)
		}
		if !found {
			t.Errorf("docs/outputs.md does not have %s", m[1])
		}
	}
	if n < 60 {
		t.Errorf("/metrics has %d families only", n)
	}
}
