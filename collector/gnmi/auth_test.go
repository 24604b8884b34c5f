package gnmi

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openconfig/gnmic/pkg/api"
	"google.golang.org/grpc/codes"
)

func TestUsers(t *testing.T) {
	users := map[string]Secret{"ada": "right", "bob": "other"}
	b := newBed(t, Config{Users: users}, api.Insecure(true), api.Username("ada"), api.Password("right"))
	if _, err := b.client.Capabilities(b.ctx); err != nil {
		t.Errorf("ada: %v", err)
	}
	if got := b.open(b.subscribe(api.Target("leaf1"), api.SubscriptionListModeONCE(), api.Subscription(api.Path(inPkts)))).round(); len(got) != 1 {
		t.Errorf("ada: got %v", got)
	}
	for _, who := range [][2]string{{"", ""}, {"ada", ""}, {"ada", "wrong"}, {"ada", "other"}, {"eve", "right"}} {
		c := b.dial(api.Insecure(true), api.Username(who[0]), api.Password(who[1]))
		_, err := c.Capabilities(b.ctx)
		wantCode(t, err, codes.Unauthenticated)
		for secret := range map[string]bool{"right": true, "other": true, "wrong": who[1] == "wrong"} {
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("the error tells a password: %v", err)
			}
		}
	}
	// A stream is asked for its user too.
	b.client = b.dial(api.Insecure(true))
	wantCode(t, b.failure(), codes.Unauthenticated)
	if got := b.server.Stats().Unauthenticated; got != 6 {
		t.Errorf("got %d refused, want 6", got)
	}
}

func TestSecretsDoNotShow(t *testing.T) {
	c := Config{Users: map[string]Secret{"ada": "hunter2"}}
	j, err := json.Marshal(c.Users)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{fmt.Sprint(c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c), fmt.Sprintf("%q", c.Users["ada"]), string(j)} {
		if strings.Contains(s, "hunter2") {
			t.Errorf("a text tells the password: %s", s)
		}
	}
}

// authority makes certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	dir  string
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t, dir: t.TempDir()}
	a.cert, a.key = a.issue("ca", true)
	return a
}

func (a *authority) issue(name string, ca bool) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: ca, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	parent, signer := a.cert, a.key
	if ca {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	a.write(name+".crt", "CERTIFICATE", der)
	a.write(name+".key", "EC PRIVATE KEY", private)
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

func (a *authority) write(name, kind string, der []byte) {
	a.t.Helper()
	if err := os.WriteFile(a.file(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

func TestTLS(t *testing.T) {
	a := newAuthority(t)
	a.issue("server", false)
	a.issue("client", false)
	stranger := newAuthority(t)
	stranger.issue("client", false)
	load := func(ca string) *tls.Config {
		c, err := LoadTLS(a.file("server.crt"), a.file("server.key"), ca)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	try := func(t *testing.T, cfg *tls.Config, ok bool, opts ...api.TargetOption) {
		t.Helper()
		b := newBed(t, Config{TLS: cfg}, opts...)
		ctx := b.ctx
		_, err := b.client.Capabilities(ctx)
		if (err == nil) != ok {
			t.Errorf("got %v, want success: %v", err, ok)
		}
	}
	ca := api.TLSCA(a.file("ca.crt"))
	t.Run("server", func(t *testing.T) { try(t, load(""), true, ca) })
	t.Run("unknown authority", func(t *testing.T) { try(t, load(""), false, api.TLSCA(stranger.file("ca.crt"))) })
	t.Run("mutual", func(t *testing.T) {
		try(t, load(a.file("ca.crt")), true, ca, api.TLSCert(a.file("client.crt")), api.TLSKey(a.file("client.key")))
	})
	t.Run("no client certificate", func(t *testing.T) { try(t, load(a.file("ca.crt")), false, ca) })
	t.Run("a stranger's", func(t *testing.T) {
		try(t, load(a.file("ca.crt")), false, ca, api.TLSCert(stranger.file("client.crt")), api.TLSKey(stranger.file("client.key")))
	})
	t.Run("bad files", func(t *testing.T) {
		for _, f := range [][3]string{{"none", "none", ""}, {"server.crt", "server.key", "none"}, {"server.crt", "server.key", "server.key"}} {
			clientCA := ""
			if f[2] != "" {
				clientCA = a.file(f[2])
			}
			if _, err := LoadTLS(a.file(f[0]), a.file(f[1]), clientCA); err == nil {
				t.Errorf("%v: no error", f)
			}
		}
	})
}

func TestConfigCheck(t *testing.T) {
	for name, c := range map[string]Config{
		"target":   {Target: "*"},
		"sample":   {MinSample: time.Minute},
		"negative": {MinSample: -1},
		"paths":    {MaxPaths: -1},
		"password": {Users: map[string]Secret{"ada": ""}},
	} {
		if _, err := New(c, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := (Config{}).Defaults().Check(); err != nil {
		t.Error(err)
	}
}

// What is in the tree when the server is told to end is sent before it does.
func TestStopSendsWhatWaits(t *testing.T) {
	b := newBed(t, Config{})
	stream, err := b.client.Client.Subscribe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(b.subscribe(api.Target("leaf1"), api.Subscription(api.Path(inPkts), api.SubscriptionModeON_CHANGE()))); err != nil {
		t.Fatal(err)
	}
	for r, err := stream.Recv(); !r.GetSyncResponse(); r, err = stream.Recv() {
		if err != nil {
			t.Fatal(err)
		}
	}
	b.inPackets(77, 9000)
	b.stop()
	r, err := stream.Recv()
	if err != nil || len(r.GetUpdate().GetUpdate()) != 1 {
		t.Fatalf("got %v, %v", r, err)
	}
	_, err = stream.Recv()
	wantCode(t, err, codes.Unavailable)
}

// What ends the server ends its subscriptions.
func TestStop(t *testing.T) {
	b := newBed(t, Config{})
	stream, err := b.client.Client.Subscribe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(b.subscribe(api.Target("leaf1"), api.Subscription(api.Path(inPkts)))); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	b.stop()
	for err == nil {
		_, err = stream.Recv()
	}
	wantCode(t, err, codes.Unavailable)
}

func TestLoadUsers(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "users")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		users, err := LoadUsers(path)
		if err != nil {
			if want == "" || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter") {
				t.Errorf("%q: got %v, want %q", text, err, want)
			}
			return
		}
		if want != "" || len(users) != 2 || users["ada"] != "hunter:2" || users["bob"] != "x" {
			t.Errorf("%q: got %d users, want %q", text, len(users), want)
		}
	}
	f("# who\nada:hunter:2\r\n\nbob:x\n", "")
	f("ada:hunter2\nada:hunter3\n", `line 2: user "ada" is there already`)
	f("ada hunter2\n", "line 1: want name:password")
	f(":hunter2\n", "line 1: want")
	f("ada:\n", "line 1: want")
	f("# none\n", "there are none")
	if _, err := LoadUsers("none"); err == nil {
		t.Error("read a file that is not there")
	}
}
