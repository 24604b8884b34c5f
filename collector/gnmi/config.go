package gnmi

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/openconfig/gnmi/proto/gnmi"
)

// Config is how a server behaves. The zero value with Defaults called serves without
// TLS and without asking who it is.
type Config struct {
	Target string      // that a request without a target means
	TLS    *tls.Config // nil = none; see LoadTLS
	Users  map[string]Secret

	MinSample     time.Duration // shortest sample and heartbeat interval
	DefaultSample time.Duration // of counters in TARGET_DEFINED mode
	MaxPaths      int           // in one request

	Models []*gnmi.ModelData // that Capabilities tells of
}

// Secret is a password. It never shows itself in a text.
type Secret string

// String hides the secret.
func (Secret) String() string { return "…" }

// GoString hides the secret.
func (Secret) GoString() string { return "…" }

// MarshalText hides the secret.
func (Secret) MarshalText() ([]byte, error) { return []byte("…"), nil }

// Defaults returns c with what is zero set to the defaults: target "telltale", samples
// no faster than every 100 ms, counters every 10 s, 256 paths.
func (c Config) Defaults() Config {
	if c.Target == "" {
		c.Target = "telltale"
	}
	if c.MinSample == 0 {
		c.MinSample = 100 * time.Millisecond
	}
	if c.DefaultSample == 0 {
		c.DefaultSample = 10 * time.Second
	}
	if c.MaxPaths == 0 {
		c.MaxPaths = 256
	}
	return c
}

// Check returns all that is wrong with the configuration.
func (c Config) Check() error {
	var errs []error
	if c.Target == "" || c.Target == "*" {
		errs = append(errs, fmt.Errorf("gNMI target: got %q, want a name", c.Target))
	}
	if c.MinSample <= 0 || c.DefaultSample < c.MinSample {
		errs = append(errs, fmt.Errorf("gNMI sample intervals: got a minimum of %v and a default of %v, want 0 < minimum ≤ default", c.MinSample, c.DefaultSample))
	}
	if c.MaxPaths <= 0 {
		errs = append(errs, fmt.Errorf("gNMI paths in a request: got %d, want at least 1", c.MaxPaths))
	}
	for name, password := range c.Users {
		if name == "" || password == "" {
			errs = append(errs, fmt.Errorf("gNMI user %q: want a name and a password", name))
		}
	}
	return errors.Join(errs...)
}

// LoadTLS reads a server's certificate and key, PEM files, and, where clientCA is not
// empty, the authorities one of which must have signed a client's certificate (mTLS).
func LoadTLS(cert, key, clientCA string) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("cannot read the gNMI server's certificate: %w", err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if clientCA == "" {
		return c, nil
	}
	pem, err := os.ReadFile(clientCA)
	if err != nil {
		return nil, fmt.Errorf("cannot read the authorities of gNMI clients: %w", err)
	}
	c.ClientCAs = x509.NewCertPool()
	if !c.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("cannot read the authorities of gNMI clients: no certificate in %s", clientCA)
	}
	c.ClientAuth = tls.RequireAndVerifyClientCert
	return c, nil
}
