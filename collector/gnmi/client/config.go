package client

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/telltale-net/telltale/collector/gnmi"
)

// Config says which device is asked, and how. The zero value of a duration or of Leaves
// stands for its default.
type Config struct {
	Name    string // of the device: its target in the tree
	Address string // host:port
	Target  string // sent as the prefix's target, for what stands for several devices; empty = none

	TLS      *tls.Config // nil = in the clear
	User     string      // empty = none is sent
	Password gnmi.Secret

	Sample   time.Duration // of counters; 10 s
	Leaves   int           // values kept of the device; 50 000
	Retry    time.Duration // pause before a stream that ended is opened again, the first time; 1 s
	MaxRetry time.Duration // and at most; 1 min
	Refused  time.Duration // pause before a path that the device does not serve is asked for again; 10 min
	Keep     time.Duration // how long what a device said stays without a stream; 5 min
}

// Defaults returns c with what is zero set to the defaults.
func (c Config) Defaults() Config {
	for _, d := range []struct {
		v   *time.Duration
		def time.Duration
	}{{&c.Sample, 10 * time.Second}, {&c.Retry, time.Second}, {&c.MaxRetry, time.Minute}, {&c.Refused, 10 * time.Minute}, {&c.Keep, 5 * time.Minute}} {
		if *d.v == 0 {
			*d.v = d.def
		}
	}
	if c.Leaves == 0 {
		c.Leaves = 50_000
	}
	return c
}

// Check returns all that is wrong with the configuration.
func (c Config) Check() error {
	var errs []error
	if c.Name == "" || c.Name == "*" {
		errs = append(errs, fmt.Errorf("gNMI device: got the name %q, want one", c.Name))
	}
	host, port, err := net.SplitHostPort(c.Address)
	if err != nil || host == "" || port == "" {
		errs = append(errs, fmt.Errorf("gNMI device %s: got address %q, want host:port", c.Name, c.Address))
	}
	if c.User != "" && c.TLS == nil && !loopback(host) {
		errs = append(errs, fmt.Errorf("gNMI device %s: the password would go over the network in the clear: want TLS", c.Name))
	}
	if c.Leaves < 0 || c.Sample <= 0 || c.Retry <= 0 || c.MaxRetry < c.Retry || c.Refused <= 0 || c.Keep < 0 {
		errs = append(errs, fmt.Errorf("gNMI device %s: got limits %d, %v, %v, %v, %v, %v, want positive ones", c.Name, c.Leaves, c.Sample, c.Retry, c.MaxRetry, c.Refused, c.Keep))
	}
	return errors.Join(errs...)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Parse reads a device from a text,
//
//	NAME=HOST:PORT[,OPTION…]
//
// with the options
//
//	tls=off            no TLS
//	ca=FILE            authority of the device's certificate, PEM; without it the system's
//	cert=FILE,key=FILE our certificate and its key, PEM (mTLS)
//	server-name=NAME   in the device's certificate, where it is not HOST
//	login=FILE         a line name:password
//	target=NAME        target to ask for
//
// and the files that it names.
func Parse(text string) (Config, error) {
	parts := strings.Split(text, ",")
	c := Config{}
	var ok bool
	if c.Name, c.Address, ok = strings.Cut(parts[0], "="); !ok {
		return c, fmt.Errorf("gNMI device: got %q, want NAME=HOST:PORT", parts[0])
	}
	option := map[string]string{}
	for _, p := range parts[1:] {
		k, v, _ := strings.Cut(p, "=")
		switch k {
		case "tls", "ca", "cert", "key", "server-name", "login", "target":
		default:
			return c, fmt.Errorf("gNMI device %s: there is no option %q", c.Name, k)
		}
		if _, twice := option[k]; twice || v == "" {
			return c, fmt.Errorf("gNMI device %s: option %s: want one value", c.Name, k)
		}
		option[k] = v
	}
	c.Target = option["target"]
	var errs []error
	if login := option["login"]; login != "" {
		users, err := gnmi.LoadUsers(login)
		if err == nil && len(users) != 1 {
			err = fmt.Errorf("got %d users in %s, want one", len(users), login)
		}
		errs = append(errs, err)
		for c.User, c.Password = range users {
		}
	}
	switch v := option["tls"]; {
	case v == "":
		var err error
		c.TLS, err = clientTLS(option)
		errs = append(errs, err)
	case v != "off":
		errs = append(errs, fmt.Errorf("got tls=%s, want tls=off", v))
	case option["ca"]+option["cert"]+option["key"]+option["server-name"] != "":
		errs = append(errs, errors.New("got tls=off and files for TLS, want one of them"))
	}
	if err := errors.Join(errs...); err != nil {
		return c, fmt.Errorf("gNMI device %s: %w", c.Name, err)
	}
	return c, c.Defaults().Check()
}

func clientTLS(option map[string]string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: option["server-name"]}
	if path := option["ca"]; path != "" {
		pem, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("cannot read the authority: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("cannot read the authority: no certificate in %s", path)
		}
	}
	if option["cert"] != "" || option["key"] != "" {
		pair, err := tls.LoadX509KeyPair(option["cert"], option["key"])
		if err != nil {
			return nil, fmt.Errorf("cannot read our certificate: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}
