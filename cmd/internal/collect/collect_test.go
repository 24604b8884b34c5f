package collect

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"go.uber.org/goleak"

	"github.com/telltale-net/telltale/collector/pipeline"
	"github.com/telltale-net/telltale/collector/report/send"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent(), // what VictoriaMetrics starts with the program, and once for good
		goleak.IgnoreAnyFunction("github.com/VictoriaMetrics/VictoriaMetrics/app/vmselect/promql.checkRollupResultCacheReset"),
		goleak.IgnoreAnyFunction("github.com/VictoriaMetrics/metrics.summariesSwapCron"))
}

// certificate writes a certificate of 127.0.0.1 and its key.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, b []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", private)
}

// From the sender to the account and /metrics over TLS, all counts agree.
func TestRun(t *testing.T) {
	s, fs := NewSettings()
	cert, key := certificate(t)
	err := fs.Parse([]string{"--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--http-cert", cert, "--http-key", key,
		"--data", t.TempDir(), "--reserve", "0", "--block-age", "20ms", "--source-profile", "127.0.0.0/8=telltale"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ready := make(chan Ready, 1)
	type result struct {
		s   pipeline.Snapshot
		err error
	}
	done := make(chan result, 1)
	go func() {
		sum, err := Run(ctx, s, nil, func(r Ready) { ready <- r })
		done <- result{sum, err}
	}()
	var at Ready
	select {
	case at = <-ready:
	case r := <-done:
		t.Fatal(r.err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	get := func(path string) string {
		res, err := client.Get("https://" + at.HTTP + path)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != 200 {
			t.Fatalf("%s: %v, %s: %s", path, err, res.Status, b)
		}
		return string(b)
	}
	get("/healthz")
	get("/readyz")
	sent, err := send.Run(t.Context(), send.Config{To: at.Reports, Rate: 50_000, Sources: 2, Coalesce: 10, Count: 5000})
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		m := get("/metrics")
		if strings.Contains(m, fmt.Sprintf("telltale_account_records_stored_total %d\n", sent.Reports)) {
			if !strings.Contains(m, `profile="telltale",guessed="false"} 1`) {
				t.Error("the configured profile is not told")
			}
			break
		}
		if time.Now().After(end) {
			t.Fatalf("not all %d reports are stored:\n%s", sent.Reports, m)
		}
	}
	cancel()
	r := <-done
	a := r.s.Account
	want := pipeline.Account{Datagrams: sent.Datagrams, Reports: sent.Reports, Records: sent.Reports, Stored: sent.Reports}
	if r.err != nil || a != want {
		t.Errorf("got %+v, %v, want %+v", a, r.err, want)
	}
	if text := Text(&r.s); !strings.Contains(text, "5000 records decoded = 5000 stored + 0 shed") {
		t.Errorf("got %s", text)
	}
}

// A flag wins over the environment, that over the file.
func TestLoad(t *testing.T) {
	file := filepath.Join(t.TempDir(), "collect.yaml")
	text := "listen: 127.0.0.1:1\nqueue: 11\nbatch: 12\nsync: true\nflush: 3ms\nsource-profile: [10.0.0.0/8=fabric-tna, 10.1.0.0/16=geant]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, fs := NewSettings()
	command := pflag.NewFlagSet("command", pflag.ContinueOnError) // flags are parsed as part of a command's
	command.AddFlagSet(fs)
	if err := command.Parse([]string{"--batch", "99", "--data", "d", "--nats-ca", "x"}); err != nil {
		t.Fatal(err)
	}
	err := Load(fs, file, []string{"TELLTALE_COLLECT_QUEUE=22", "TELLTALE_COLLECT_BATCH=23", "TELLTALE_COLLECT_DOMAIN=0x1=1,2 0x2=1s", "TELLTALE_OTHER=1"})
	if err != nil {
		t.Fatal(err)
	}
	if s.Listen != "127.0.0.1:1" || s.Queue != 22 || s.Batch != 99 || !s.Sync || s.Flush != 3*time.Millisecond || len(s.Profiles) != 2 || len(s.Domain) != 2 {
		t.Errorf("got %+v", s)
	}
	cfg, err := s.Pipeline()
	if err != nil || len(cfg.Collector.Profiles) != 2 || len(cfg.Collector.Domains) != 2 || cfg.Collector.Queue != 22 || !cfg.Journal.Sync {
		t.Errorf("%v: got %+v", err, cfg)
	}

	// What Dump writes, Load reads as the same.
	first, err := Dump(fs)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, first, 0o600); err != nil {
		t.Fatal(err)
	}
	_, again := NewSettings()
	if err := Load(again, file, nil); err != nil {
		t.Fatal(err)
	}
	second, err := Dump(again)
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("%v: got\n%s\nwant\n%s", err, second, first)
	}
}

func TestLoadRefuses(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		file := filepath.Join(t.TempDir(), "collect.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, fs := NewSettings()
		if err := Load(fs, file, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
	f("nope: 1\n", `there is no setting "nope"`)
	f("queue: many\n", "queue: strconv")
	f("flush: 3\n", "flush: time: missing unit")
	f("listen: [a, b]\n", "listen: got a list")
	f("listen:\n", "listen: got nothing")
	f("queue: {a: 1}\n", `there is no setting "queue.a"`)
	f("queue: 1\nqueue: 2\n", "already defined")
	f("- a\n", "cannot read settings")
}

func TestCheckSaysEverything(t *testing.T) {
	s, fs := NewSettings()
	err := fs.Parse([]string{"--listen", "nowhere", "--http", "127.0.0.1:x", "--http-cert", "none", "--topology", "none", "--source-profile", "10.0.0.1=nobody", "--domain", "0=1", "--queue", "0", "--align", "0s"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Pipeline()
	for _, want := range []string{"listen: ", "http: ", "http-cert and http-key: ", "topology: ", "source-profile: ", "domain: ", "queue: got 0", "want one of them", "alignment interval"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}

func TestSecretsAreMasked(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := mask(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
	f("", "")
	f("nats://h:4222", "nats://h:4222")
	f("nats://u:secret@h:4222,nats://token@i", "nats://u:MASKED@h:4222,nats://MASKED@i")
	f("nats://u:sec%ret@h", "(unreadable URL)")
}
