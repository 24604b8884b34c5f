package p4rt_test

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the conformance list anew")

// chapters are those of the specification that ask something of a server, and
// their clauses by the titles of their sections.
var chapters = []struct {
	title   string
	clauses []string
}{
	{"Reference Architecture", []string{"P4Runtime Service Implementation"}},
	{"Client Arbitration and Controller Replication", []string{"Client Arbitration", "Default Role and Default Device ID", "Role Config", "Rules for Handling MasterArbitrationUpdate", "Client Arbitration Notifications", "Unset Election ID"}},
	{"The P4Info Message, Forwarding-Pipeline Configuration", []string{"PkgInfo", "ActionProfile", "User-defined Types", "P4 Forwarding-Pipeline Configuration"}},
	{"General Principles for Message Formatting", []string{"Default-valued Fields", "Read-Write Symmetry", "Bytestrings"}},
	{"TableEntry", []string{"TableEntry", "Match Format", "Action Specification", "Default Entry", "Constant Tables", "Preinitialized tables", "Direct Resources", "Idle-timeout"}},
	{"ActionProfileMember and ActionProfileGroup", []string{"Member Programming", "Group Programming", "Rules on Setting max_size", "One Shot Action Selector Programming"}},
	{"Counters, meters, registers", []string{"CounterEntry", "DirectCounterEntry", "MeterEntry", "DirectMeterEntry", "MeterCounterData", "RegisterEntry"}},
	{"Packet replication", []string{"PacketReplicationEngineEntry", "MulticastGroupEntry", "CloneSessionEntry"}},
	{"Value sets, digests, externs", []string{"ValueSetEntry", "DigestEntry", "ExternEntry"}},
	{"Write RPC", []string{"Write RPC", "Batching and Ordering of Updates", "Batch Atomicity", "Error Reporting", "Atomicity of Individual Write and Read Operations"}},
	{"Read RPC", []string{"Read RPC", "Wildcard Reads", "Wildcard Reads of tables", "Batch Processing", "Parallelism of Read and Write Requests"}},
	{"SetForwardingPipelineConfig, GetForwardingPipelineConfig", []string{"SetForwardingPipelineConfig RPC", "GetForwardingPipelineConfig RPC"}},
	{"P4Runtime Stream Messages", []string{"Packet I/O", "Table Idle Timeout Notification", "Stream Error Reporting"}},
	{"Capabilities RPC, guidelines", []string{"Capabilities RPC", "gRPC Server Maximum Receive Message Size"}},
}

// listed is one line of the list.
type listed struct{ clause, what, answer, test string }

func list() []listed {
	var out []listed
	for _, r := range requirements {
		out = append(out, listed{r.clause, r.requirement, "", r.test})
	}
	for _, r := range writeRules {
		out = append(out, listed{r.clause, "write: " + r.what, r.want.String(), "TestWriteRules"})
	}
	for _, r := range readRules {
		out = append(out, listed{r.clause, "read: " + r.what, r.want.String(), "TestReadRules"})
	}
	return out
}

// The list, the tests and the document are in step.
func TestConformanceList(t *testing.T) {
	have := testNames(t)
	all := list()
	seen := map[string]bool{}
	for _, l := range all {
		key := l.clause + "/" + l.what
		if seen[key] {
			t.Errorf("%s comes twice", key)
		}
		seen[key] = true
		if !have[l.test] {
			t.Errorf("%s: no test %s", key, l.test)
		}
		if !slices.ContainsFunc(chapters, func(c struct {
			title   string
			clauses []string
		}) bool {
			return slices.Contains(c.clauses, l.clause)
		}) {
			t.Errorf("%s: the clause is in no chapter", key)
		}
	}
	for _, u := range unsupported {
		if !have[u.test] {
			t.Errorf("%s: no test %s", u.what, u.test)
		}
	}

	path := filepath.Join("..", "..", "docs", "p4runtime-conformance.md")
	doc := document(all)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, doc, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(old, doc) {
		t.Errorf("docs/p4runtime-conformance.md is not what the tests say: go test ./bmv2/p4rt -run TestConformanceList -update")
	}
}

// testNames are the tests of this folder, and those of entity as entity.Test….
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	have := map[string]bool{}
	for dir, prefix := range map[string]string{".": "", "entity": "entity."} {
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			parsed, err := parser.ParseFile(token.NewFileSet(), f, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range parsed.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && strings.HasPrefix(fn.Name.Name, "Test") {
					have[prefix+fn.Name.Name] = true
				}
			}
		}
	}
	return have
}

// document writes the list for people.
func document(all []listed) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `# P4Runtime conformance

This is what the P4Runtime server (`+"`bmv2/p4rt`"+`) is held to: every requirement of the P4Runtime specification 1.5.0 that concerns a server, with the clause it comes from, the gRPC code where one is asked for, and the test that fails when it is broken. The page is generated from the tables of those tests by `+"`go test ./bmv2/p4rt -run TestConformanceList -update`"+`; without `+"`-update`"+` the same test compares, so that page and tests cannot drift apart. Clauses are section titles of the specification. Tests are in `+"`bmv2/p4rt`"+` and `+"`bmv2/p4rt/entity`"+`; the rules of writes and reads are subtests named clause/requirement. %d requirements are tested, %d things are not supported, %d points are not applicable.
`, len(all), len(unsupported), len(notApplicable))
	cell := func(s string) string { return strings.ReplaceAll(s, "|", "\\|") }
	for _, c := range chapters {
		fmt.Fprintf(&b, "\n## %s\n\n| requirement | clause | code | test |\n|---|---|---|---|\n", c.title)
		for _, clause := range c.clauses {
			for _, l := range all {
				if l.clause == clause {
					fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", cell(l.what), clause, l.answer, l.test)
				}
			}
		}
	}
	b.WriteString("\n## Not supported, and how it is answered\n\n| what | answer | why | test |\n|---|---|---|---|\n")
	for _, u := range unsupported {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", cell(u.what), cell(u.answer), cell(u.why), u.test)
	}
	b.WriteString("\n## Where the specification can be read two ways\n\n| where | here |\n|---|---|\n")
	for _, d := range decided {
		fmt.Fprintf(&b, "| %s | %s |\n", cell(d.where), cell(d.choice))
	}
	b.WriteString("\n## Not applicable\n\n| clause | why |\n|---|---|\n")
	for _, n := range notApplicable {
		fmt.Fprintf(&b, "| %s | %s |\n", cell(n.clause), cell(n.why))
	}
	return b.Bytes()
}
