package p4rt_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// requirements are those that need more than one update or request: clause of the
// specification, what it asks for, the test. Together with writeRules and readRules
// they are the list of what this server is held to.
var requirements = []struct{ clause, requirement, test string }{
	{"Client Arbitration", "highest election id ever seen is primary, also across reconnects", "TestArbitration"},
	{"Client Arbitration", "equal id by the same controller keeps it primary; a lower one steps down", "TestArbitration"},
	{"Client Arbitration Notifications", "status OK, ALREADY_EXISTS, NOT_FOUND; election id unset before any primary", "TestArbitration"},
	{"Unset Election ID", "a controller without one is never primary", "TestArbitration"},
	{"Rules for MasterArbitrationUpdate 1.1–1.3, 2.1–2.4", "codes that end the stream", "TestArbitrationRefusals"},
	{"Rules for MasterArbitrationUpdate 1.4", "too many controllers: RESOURCE_EXHAUSTED", "TestArbitrationLimits"},
	{"Role Config", "no scheme is agreed upon: INVALID_ARGUMENT", "TestArbitrationRefusals"},
	{"Write RPC", "device and role NOT_FOUND, not primary PERMISSION_DENIED, no pipeline FAILED_PRECONDITION, in this order", "TestAuthorization"},
	{"Rules for MasterArbitrationUpdate 3.2", "a replaced primary may not write", "TestReplacedPrimary"},
	{"Batch Atomicity", "CONTINUE_ON_ERROR attempts every update", "TestContinueOnError"},
	{"Batch Atomicity", "ROLLBACK_ON_ERROR leaves no trace", "TestRollback"},
	{"Batch Atomicity", "DATAPLANE_ATOMIC and what cannot be taken back: UNIMPLEMENTED", "TestAtomicityRefusals"},
	{"Error Reporting", "UNKNOWN with one p4.v1.Error per update in order, OK ones empty", "TestContinueOnError"},
	{"Read RPC", "unknown device NOT_FOUND, no pipeline FAILED_PRECONDITION", "TestAuthorization"},
	{"Batch Processing of reads", "entities of good requests, one p4.v1.Error per request", "TestReadBatch"},
	{"Read-Write Symmetry", "what is written is read, canonical", "TestReadWriteSymmetry"},
	{"Wildcard Reads", "table, match, action, priority, metadata, is_default_action", "TestReadFilters"},
	{"Direct Resources", "returned if asked for; MODIFY resets the meter and leaves the counter", "TestReadWriteSymmetry"},
	{"CounterEntry, MeterEntry, RegisterEntry", "one cell, one array, all arrays", "TestReadArrays"},
	{"DirectCounterEntry, DirectMeterEntry", "one entry, one table, all tables", "TestReadDirect"},
	{"Member and Group Programming, PacketReplicationEngineEntry", "one, one container, all", "TestReadProfilesAndReplication"},
	{"One Shot", "read as written, members and groups unseen, nothing left behind", "TestOneShot"},
	{"Default Entry", "always there; reset restores the program's", "TestDefaultEntry"},
	{"SetForwardingPipelineConfig RPC", "every action and its codes", "TestPipelineActions"},
	{"SetForwardingPipelineConfig RPC", "VERIFY_AND_SAVE then COMMIT replays the writes in between", "TestSavedPipeline"},
	{"SetForwardingPipelineConfig RPC", "RECONCILE_AND_COMMIT preserves the state or changes nothing", "TestReconcilePipeline"},
	{"SetForwardingPipelineConfig RPC", "a config that cannot be realized: INVALID_ARGUMENT", "TestPipelineMismatch"},
	{"GetForwardingPipelineConfig RPC", "every response type; cookie only if one was set", "TestGetPipeline"},
	{"Packet I/O", "packet-in metadata from the header, bit by bit", "TestPacketIn"},
	{"Packet I/O", "packet-out must carry exactly the metadata; only the primary may", "TestPacketOut"},
	{"Stream Error Reporting", "code and details of what was refused", "TestPacketOut"},
	{"Stream Error Reporting", "unknown digest in an acknowledgement, other messages", "TestOtherStreamMessages"},
	{"DigestEntry", "lists by size and timeout, no duplicates until acknowledged or timed out", "TestDigests"},
	{"Table Idle Timeout Notification", "after the timeout, again after another, not after a hit", "TestIdleTimeout"},
	{"ValueSetEntry", "read as written, one or all; emptied by MODIFY without members", "TestValueSets"},
	{"Write RPC", "requests are serialised, whoever comes and goes", "TestConcurrentUse"},
	{"Capabilities RPC", "full semantic version", "TestCapabilities"},
	{"Stream Messages", "a slow receiver loses packet-ins, counted", "TestSlowReceiver"},
}

// The list and the tests are in step.
func TestConformanceList(t *testing.T) {
	have := map[string]bool{}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				have[fn.Name.Name] = true
			}
		}
	}
	for _, r := range requirements {
		if !have[r.test] || r.clause == "" || r.requirement == "" {
			t.Errorf("%s: %s: no test %s", r.clause, r.requirement, r.test)
		}
	}
	seen := map[string]bool{}
	for _, r := range writeRules {
		key := r.clause + "/" + r.what
		if seen[key] {
			t.Errorf("write rule %s comes twice", key)
		}
		seen[key] = true
	}
	t.Logf("%d write rules, %d read rules, %d other requirements", len(writeRules), len(readRules), len(requirements))
}
