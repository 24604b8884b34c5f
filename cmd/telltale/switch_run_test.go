package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/telltale-net/telltale/bmv2/runner"
)

// issue makes a certificate signed by a parent, or by itself.
func issue(t *testing.T, name string, parent *tls.Certificate) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: parent == nil, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	issuer, signer := template, any(key)
	if parent != nil {
		issuer, signer = parent.Leaf, parent.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// save writes a certificate and its key as PEM files.
func save(t *testing.T, dir string, c tls.Certificate) (cert, key string) {
	t.Helper()
	der, err := x509.MarshalECPrivateKey(c.PrivateKey.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, c.Leaf.Subject.CommonName+".pem"), filepath.Join(dir, c.Leaf.Subject.CommonName+".key")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: c.Certificate[0]}, key: {Type: "EC PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// lockedBuffer is what the command prints.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// startRun runs the command and returns where its P4Runtime server is.
func startRun(t *testing.T, args ...string) (addr string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cmd := newRootCmd()
	out := new(lockedBuffer)
	cmd.SetOut(out)
	cmd.SetArgs(append([]string{"switch", "run", "--grpc", "127.0.0.1:0"}, args...))
	ended := make(chan error, 1)
	go func() { ended <- cmd.ExecuteContext(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	where := regexp.MustCompile(`P4Runtime server of device 1 at (\S+)`)
	for range 1000 {
		if m := where.FindStringSubmatch(out.String()); m != nil {
			return m[1]
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("the switch does not say where it listens")
	return ""
}

func TestSwitchRunWantsCertificates(t *testing.T) {
	ca, other := issue(t, "ca", nil), issue(t, "other", nil)
	dir := t.TempDir()
	cert, key := save(t, dir, issue(t, "server", &ca))
	caFile, _ := save(t, dir, ca)
	addr := startRun(t, "--tls-cert", cert, "--tls-key", key, "--tls-ca", caFile)

	roots := x509.NewCertPool()
	roots.AddCert(ca.Leaf)
	f := func(what string, creds credentials.TransportCredentials, want bool) {
		t.Helper()
		conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(creds))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		if want {
			cancel()
			ctx, cancel = context.WithTimeout(t.Context(), 10*time.Second)
		}
		defer cancel()
		c, err := runner.NewController(ctx, conn, 1)
		if err == nil {
			_ = c.Close()
		}
		if (err == nil) != want {
			t.Errorf("%s: got %v, want success %t", what, err, want)
		}
	}
	with := func(c ...tls.Certificate) *tls.Config { return &tls.Config{RootCAs: roots, Certificates: c} }
	f("a certificate of the CA", credentials.NewTLS(with(issue(t, "client", &ca))), true)
	f("no certificate", credentials.NewTLS(with()), false)
	f("a certificate of another CA", credentials.NewTLS(with(issue(t, "client", &other))), false)
	f("plain text", insecure.NewCredentials(), false)

	old := with(issue(t, "client", &ca))
	old.MaxVersion, old.MinVersion = tls.VersionTLS11, tls.VersionTLS10
	if c, err := tls.Dial("tcp", addr, old); err == nil {
		c.Close()
		t.Error("TLS 1.1 was accepted")
	}
}

func TestSwitchRunTLSWithoutClientCertificates(t *testing.T) {
	ca := issue(t, "ca", nil)
	cert, key := save(t, t.TempDir(), issue(t, "server", &ca))
	addr := startRun(t, "--tls-cert", cert, "--tls-key", key)
	roots := x509.NewCertPool()
	roots.AddCert(ca.Leaf)
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: roots})))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c, err := runner.NewController(t.Context(), conn, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
