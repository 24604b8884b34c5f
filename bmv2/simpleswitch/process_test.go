package simpleswitch

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// script makes an executable that stands in for the switch.
func script(t *testing.T, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), Binary)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestStartSaysWhyItFailed(t *testing.T) {
	f := func(body string, ready time.Duration, want ...string) {
		t.Helper()
		p, err := Start(context.Background(), Config{Path: script(t, body), DeviceID: 1, Ready: ready})
		if err == nil {
			_ = p.Stop()
			t.Fatalf("started %q", body)
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q: got error %v; want it to contain %q", body, err, w)
			}
		}
	}
	f("echo no such option >&2; exit 3", 5*time.Second, "no such option", "before it listened", "exit status 3")
	f("echo still thinking; exec sleep 60", 100*time.Millisecond, "still thinking", "did not listen")
}

func TestStartEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Start(ctx, Config{Path: script(t, "exec sleep 60"), DeviceID: 1}); err == nil {
		t.Fatal("started although the context had ended")
	}
}

func TestArguments(t *testing.T) {
	got := strings.Join(arguments(Config{DeviceID: 7, CPUPort: 510, Interfaces: map[uint16]string{2: "b", 1: "a"}}, "127.0.0.1:1", "127.0.0.1:3", 2), " ")
	want := "--no-p4 --device-id 7 --thrift-port 2 -i 1@a -i 2@b -- --grpc-server-addr 127.0.0.1:1 --dp-grpc-server-addr 127.0.0.1:3 --cpu-port 510"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestRealSwitch(t *testing.T) {
	path, err := Find()
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	p, err := Start(t.Context(), Config{Path: path, DeviceID: 1, CPUPort: 510})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
}
