package main

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/telltale-net/telltale/internal/testutil"
)

// telltale returns a path by which this test's binary is the command.
func telltale(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "telltale")
	if err := os.Symlink(self, path); err != nil {
		testutil.Absent(t, "a file system with symbolic links")
	}
	return path
}

// Three processes: telltale collect, telltale reports send, and OpenConfig's gnmi_cli,
// which asks the first what the second has sent.
func TestCollectServesGNMI(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command := telltale(t)
	find := exec.CommandContext(ctx, "go", "tool", "-n", "gnmi_cli")
	find.Dir = testutil.Root(t)
	cli, err := find.Output()
	if err != nil {
		testutil.Absent(t, "gnmi_cli")
	}

	collector := exec.CommandContext(ctx, command, "collect", "--listen", "127.0.0.1:0", "--http", "", "--gnmi", "127.0.0.1:0", "--gnmi-refresh", "50ms",
		"--data", t.TempDir(), "--reserve", "0", "--block-age", "20ms")
	var account bytes.Buffer
	collector.Stdout = &account
	stderr, err := collector.StderrPipe()
	if err == nil {
		err = collector.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]string{}
	lines := bufio.NewScanner(stderr)
	for at["reports"] == "" || at["gnmi"] == "" {
		if !lines.Scan() {
			t.Fatalf("the collector ended: %v", collector.Wait())
		}
		if name, where, ok := strings.Cut(lines.Text(), ": "); ok {
			_, at[name], _ = strings.Cut(where, " ")
		}
	}
	rest := make(chan struct{})
	go func() {
		defer close(rest)
		for lines.Scan() {
		}
	}()
	if out, err := exec.CommandContext(ctx, command, "reports", "send", "--to", at["reports"], "--rate", "50000", "--count", "1000", "--coalesce", "10").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	const request = `subscribe: {prefix: {target: "telltale" origin: "telltale"} mode: STREAM encoding: PROTO subscription: {path: {elem: {name: "collector"} elem: {name: "log"} elem: {name: "state"} elem: {name: "stored"}} mode: ON_CHANGE}}`
	ask := exec.CommandContext(ctx, strings.TrimSpace(string(cli)), "-address", at["gnmi"], "-insecure", "-logtostderr", "-dt", "proto", "-proto", request)
	told, err := ask.StdoutPipe()
	if err == nil {
		err = ask.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	answer := bufio.NewScanner(told)
	for answer.Scan() && !strings.Contains(answer.Text(), "uint_val: 1000") {
	}
	if !strings.Contains(answer.Text(), "uint_val: 1000") {
		t.Errorf("gnmi_cli never told of 1000 records stored: %v", answer.Err())
	}
	_ = ask.Process.Kill()
	_ = ask.Wait() // it was killed
	if err := collector.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	<-rest
	if err := collector.Wait(); err != nil || !strings.Contains(account.String(), "1000 records decoded = 1000 stored + 0 shed") {
		t.Errorf("got %v, %s", err, account.String())
	}
}
