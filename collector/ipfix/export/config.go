package export

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/telltale-net/telltale/collector/ipfix"
)

// Config says where flows are sent to, and how.
type Config struct {
	To        string // HOST:PORT, udp://, tcp:// or tls://HOST:PORT
	Flows     int    // at one time
	Idle      time.Duration
	Active    time.Duration
	Templates time.Duration // how often templates and counts are sent
	Rate      int           // messages a second, at most
	Message   ipfix.Config
	CA        string // file with the authority of a TLS collector's certificate; empty = the system's
	Cert, Key string // files with our certificate and its key
}

// DefaultConfig returns a good configuration but for To.
func DefaultConfig() Config {
	return Config{
		Flows: 1 << 16, Idle: 15 * time.Second, Active: time.Minute, Templates: time.Minute, Rate: 10_000,
		Message: ipfix.Config{Domain: 1, Process: 1, Enterprise: ipfix.Documentation, Length: 1400},
	}
}

// Check returns everything that is wrong with the configuration, joined, or nil. It
// reads the files that it names.
func (c *Config) Check() error {
	var errs []error
	if _, _, err := c.target(); err != nil {
		errs = append(errs, err)
	}
	for _, f := range []struct {
		name     string
		got      int64
		min, max int64
	}{
		{"flows", int64(c.Flows), 1, 1 << 24},
		{"idle timeout", int64(c.Idle), int64(100 * time.Millisecond), int64(24 * time.Hour)},
		{"active timeout", int64(c.Active), int64(100 * time.Millisecond), int64(24 * time.Hour)},
		{"template interval", int64(c.Templates), int64(100 * time.Millisecond), int64(24 * time.Hour)},
		{"rate", int64(c.Rate), 1, 1e9},
	} {
		if f.got < f.min || f.got > f.max {
			errs = append(errs, fmt.Errorf("ipfix: %s: got %d, want %d to %d", f.name, f.got, f.min, f.max))
		}
	}
	if _, err := c.tls(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(append(errs, c.Message.Check())...)
}

// target returns the transport (udp, tcp or tls) and the address.
func (c *Config) target() (network, address string, err error) {
	network, address, ok := strings.Cut(c.To, "://")
	if !ok {
		network, address = "udp", c.To
	}
	shown := Redacted(c.To)
	if network != "udp" && network != "tcp" && network != "tls" {
		got, _, _ := strings.Cut(shown, "://")
		return "", "", fmt.Errorf("ipfix: %s: got transport %q, want udp, tcp or tls", shown, got)
	}
	if strings.Contains(address, "@") {
		return "", "", fmt.Errorf("ipfix: %s: want no user or password in it, IPFIX has none", shown)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" || port == "" {
		return "", "", fmt.Errorf("ipfix: %s: want HOST:PORT", shown)
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return "", "", fmt.Errorf("ipfix: %s: %w", shown, err)
	}
	return network, address, nil
}

// Redacted returns an address of [Config.To] without what stands before an @ in it, where
// others have users and passwords.
func Redacted(to string) string {
	network, address, ok := strings.Cut(to, "://")
	if !ok {
		network, address = "", to
	} else {
		network += "://"
	}
	at := strings.LastIndexByte(to, '@')
	if at < 0 {
		return to
	}
	if strings.Contains(network, "@") { // all of it may be one
		return "MASKED@" + to[at+1:]
	}
	return network + "MASKED" + address[strings.LastIndexByte(address, '@'):]
}

func (c *Config) tls() (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("ipfix: authority of the collector's certificate: %w", err)
		}
		if conf.RootCAs = x509.NewCertPool(); !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ipfix: authority of the collector's certificate: %s: no certificate in it", c.CA)
		}
	}
	if c.Cert != "" || c.Key != "" {
		cert, err := tls.LoadX509KeyPair(c.Cert, c.Key)
		if err != nil {
			return nil, fmt.Errorf("ipfix: our certificate and its key: %w", err)
		}
		conf.Certificates = []tls.Certificate{cert}
	}
	return conf, nil
}
