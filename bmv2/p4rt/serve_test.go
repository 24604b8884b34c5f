package p4rt_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"testing"
	"time"

	p4configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/p4rt"
	"github.com/telltale-net/telltale/bmv2/p4rt/p4rttest"
)

// A config of 5 MiB goes through by default, and what is configured below gRPC's
// own default of 4 MiB is raised to it.
func TestMessageSize(t *testing.T) {
	for _, c := range []struct {
		limit, size int
		want        codes.Code
	}{
		{0, 5 << 20, codes.OK},
		{1 << 10, 3 << 20, codes.OK},
		{1 << 10, 5 << 20, codes.ResourceExhausted},
	} {
		r := newRig(t, p4rt.Limits{MessageBytes: c.limit})
		r.primary()
		cfg := config(p4rttest.Info(), 1)
		cfg.P4DeviceConfig = append(cfg.P4DeviceConfig, bytes.Repeat([]byte{' '}, c.size)...)
		if err := r.setPipeline(verify, cfg); status.Code(err) != c.want {
			t.Errorf("limit %d, message of %d bytes: %v, want %v", c.limit, c.size, status.Code(err), c.want)
		}
	}
}

// The server speaks TLS if it is given credentials, and only then.
func TestServeTLS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"switch"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	srv, err := p4rt.New(p4rt.Config{DeviceID: deviceID, Load: func(i *p4configv1.P4Info, _ []byte) (device.Device, error) { return p4rttest.New(i), nil }})
	if err != nil {
		t.Fatal(err)
	}
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() {
		served <- srv.Serve(lis, credentials.NewServerTLSFromCert(&tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}))
	}()
	trusted, nobody := x509.NewCertPool(), x509.NewCertPool()
	trusted.AddCert(cert)
	for pool, want := range map[*x509.CertPool]codes.Code{trusted: codes.OK, nobody: codes.Unavailable} {
		conn, err := grpc.NewClient(lis.Addr().String(), grpc.WithTransportCredentials(credentials.NewClientTLSFromCert(pool, "switch")))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		if _, err := p4v1.NewP4RuntimeClient(conn).Capabilities(ctx, &p4v1.CapabilitiesRequest{}); status.Code(err) != want {
			t.Errorf("got %v, want %v", err, want)
		}
		cancel()
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
	srv.Close()
	if err := <-served; err != nil {
		t.Error(err)
	}
}
