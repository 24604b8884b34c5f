package gnmi

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/openconfig/gnmic/pkg/api"

	"github.com/telltale-net/telltale/internal/testutil"
)

// gnmiCLI returns the path of OpenConfig's gnmi_cli, a tool of the module, built.
func gnmiCLI(t *testing.T) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "tool", "-n", "gnmi_cli")
	cmd.Dir = testutil.Root(t)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		testutil.Absent(t, fmt.Sprintf("gnmi_cli (%v: %s)", err, stderr.String()))
	}
	return strings.TrimSpace(string(out))
}

// process is gnmi_cli under way.
type process struct {
	t      *testing.T
	lines  chan string // of its standard output; closed at its end
	seen   []string
	stop   context.CancelFunc
	stderr bytes.Buffer
	cmd    *exec.Cmd
}

func (b *bed) gnmiCLI(path string, args ...string) *process {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.ctx)
	p := &process{t: b.t, lines: make(chan string, 1000), stop: cancel}
	p.cmd = exec.CommandContext(ctx, path, append([]string{"-address", b.addr, "-logtostderr"}, args...)...)
	p.cmd.Stderr = &p.stderr
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		b.t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(p.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			p.lines <- s.Text()
		}
	}()
	b.t.Cleanup(func() {
		cancel()
		for range p.lines {
		}
		<-read
		_ = p.cmd.Wait() // it was killed, or its end has been looked at
	})
	return p
}

// until reads on until all texts have stood in the output, in this order.
func (p *process) until(texts ...string) {
	p.t.Helper()
	late := time.After(30 * time.Second)
	for len(texts) > 0 {
		select {
		case line, ok := <-p.lines:
			if !ok {
				p.t.Fatalf("it ended before %q; it wrote\n%s\n%s", texts[0], strings.Join(p.seen, "\n"), p.stderr.String())
			}
			p.seen = append(p.seen, line)
			if strings.Contains(line, texts[0]) {
				texts = texts[1:]
			}
		case <-late:
			p.t.Fatalf("it never wrote %q; it wrote\n%s", texts[0], strings.Join(p.seen, "\n"))
		}
	}
}

// ends waits for the end and returns all it wrote.
func (p *process) ends() string {
	p.t.Helper()
	for line := range p.lines {
		p.seen = append(p.seen, line)
	}
	if err := p.cmd.Wait(); err != nil {
		p.t.Fatalf("%v: %s\n%s", err, strings.Join(p.seen, "\n"), p.stderr.String())
	}
	return strings.Join(p.seen, "\n")
}

// Every mode of Subscribe, Get and Capabilities by OpenConfig's own client, a process of
// its own.
func TestGNMICLI(t *testing.T) {
	cli := gnmiCLI(t)
	const counter = `path: {elem: {name: "interfaces"} elem: {name: "interface" key: {key: "name" value: "eth0"}} elem: {name: "state"} elem: {name: "counters"} elem: {name: "in-pkts"}}`
	stream := func(mode, more string) string {
		return `subscribe: {prefix: {target: "leaf1"} mode: STREAM encoding: PROTO subscription: {` + counter + ` mode: ` + mode + ` ` + more + `}}`
	}
	run := func(name string, f func(t *testing.T, b *bed)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, newBed(t, Config{}))
		})
	}
	run("capabilities", func(t *testing.T, b *bed) {
		if out := b.gnmiCLI(cli, "-insecure", "-capabilities").ends(); !strings.Contains(out, `name: "telltale"`) || !strings.Contains(out, "JSON_IETF") {
			t.Errorf("got %s", out)
		}
	})
	run("get", func(t *testing.T, b *bed) {
		out := b.gnmiCLI(cli, "-insecure", "-get", "-proto", `prefix: {target: "leaf1"} `+counter+` encoding: PROTO`).ends()
		if !strings.Contains(out, "uint_val: 10") {
			t.Errorf("got %s", out)
		}
	})
	// With -q it asks for JSON, by paths in the old form and the new one at once.
	run("once", func(t *testing.T, b *bed) {
		out := b.gnmiCLI(cli, "-insecure", "-t", "leaf1", "-q", "/interfaces/interface/state/counters", "-dt", "single").ends()
		if !strings.Contains(out, "leaf1/openconfig/interfaces/interface/eth0/state/counters/in-pkts, {Deprecated TypedValue_JsonVal 10}") || !strings.Contains(out, "eth1/state/counters/in-pkts, {Deprecated TypedValue_JsonVal 20}") {
			t.Errorf("got %s", out)
		}
	})
	run("poll", func(t *testing.T, b *bed) {
		p := b.gnmiCLI(cli, "-insecure", "-t", "leaf1", "-q", "/interfaces/interface[name=eth0]/state/counters/in-pkts", "-qt", "polling", "-pi", "50ms")
		p.until(`"in-pkts": {Deprecated TypedValue_JsonVal 10}`, `"in-pkts": {Deprecated TypedValue_JsonVal 10}`)
		b.inPackets(11, 3000)
		p.until(`"in-pkts": {Deprecated TypedValue_JsonVal 11}`, `"in-pkts": {Deprecated TypedValue_JsonVal 11}`)
	})
	run("stream", func(t *testing.T, b *bed) {
		p := b.gnmiCLI(cli, "-insecure", "-t", "leaf1", "-q", "/interfaces/interface[name=eth0]/state/counters", "-qt", "streaming", "-dt", "single")
		p.until("in-pkts, {Deprecated TypedValue_JsonVal 10}")
		b.inPackets(11, 3000)
		p.until("in-pkts, {Deprecated TypedValue_JsonVal 11}")
	})
	run("on change", func(t *testing.T, b *bed) {
		p := b.gnmiCLI(cli, "-insecure", "-dt", "proto", "-proto", stream("ON_CHANGE", ""))
		p.until("uint_val: 10", "sync_response: true")
		b.inPackets(10, 3000) // no change
		b.inPackets(11, 4000)
		p.until("uint_val: 11")
		if n := strings.Count(strings.Join(p.seen, "\n"), "uint_val: 10"); n != 1 {
			t.Errorf("10 was sent %d times, want once", n)
		}
	})
	run("sample", func(t *testing.T, b *bed) {
		p := b.gnmiCLI(cli, "-insecure", "-dt", "proto", "-proto", stream("SAMPLE", "sample_interval: 50000000"))
		p.until("uint_val: 10", "sync_response: true", "uint_val: 10", "uint_val: 10")
		b.inPackets(11, 4000)
		p.until("uint_val: 11", "uint_val: 11")
	})
	run("sample, changes only", func(t *testing.T, b *bed) {
		p := b.gnmiCLI(cli, "-insecure", "-dt", "proto", "-proto", stream("SAMPLE", "sample_interval: 20000000 suppress_redundant: true heartbeat_interval: 400000000"))
		p.until("uint_val: 10", "sync_response: true", "uint_val: 10") // the heartbeat
		b.inPackets(11, 4000)
		p.until("uint_val: 11")
	})
	run("target defined", func(t *testing.T, b *bed) {
		p := b.gnmiCLI(cli, "-insecure", "-dt", "proto", "-proto", stream("TARGET_DEFINED", ""))
		p.until("uint_val: 10", "sync_response: true", "uint_val: 10")
		b.inPackets(11, 4000)
		p.until("uint_val: 11")
	})
	t.Run("mutual TLS", func(t *testing.T) {
		t.Parallel()
		a := newAuthority(t)
		a.issue("server", false)
		a.issue("client", false)
		conf, err := LoadTLS(a.file("server.crt"), a.file("server.key"), a.file("ca.crt"))
		if err != nil {
			t.Fatal(err)
		}
		b := newBed(t, Config{TLS: conf}, api.TLSCA(a.file("ca.crt")), api.TLSCert(a.file("client.crt")), api.TLSKey(a.file("client.key")))
		out := b.gnmiCLI(cli, "-ca_crt", a.file("ca.crt"), "-client_crt", a.file("client.crt"), "-client_key", a.file("client.key"), "-capabilities").ends()
		if !strings.Contains(out, `name: "telltale"`) {
			t.Errorf("got %s", out)
		}
	})
}
