package remotewrite

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// Config says where to send to, and how.
type Config struct {
	URL   string
	Dir   string // folder of the queue
	Bytes int64  // that the queue may have

	User         string // of basic authentication
	PasswordFile string
	BearerFile   string // token, instead of user and password
	CA           string // file with the authority of the server's certificate; empty = the system's
	Cert, Key    string // files with our certificate and its key

	Samples          int           // in a request, at most
	Timeout          time.Duration // of a request
	MinWait, MaxWait time.Duration // between two tries
	Drain            time.Duration // how long Run tries to send what is left when its context is done
}

// DefaultConfig returns a good configuration but for URL and Dir.
func DefaultConfig() Config {
	return Config{
		Bytes: 1 << 30, Samples: 5000, Timeout: 30 * time.Second, MinWait: 500 * time.Millisecond, MaxWait: 30 * time.Second, Drain: 5 * time.Second,
	}
}

// Check returns everything that is wrong with the configuration, joined, or nil. It
// reads the files that it names.
func (c *Config) Check() error {
	var errs []error
	u, err := url.Parse(c.URL)
	switch {
	case err != nil:
		errs = append(errs, errors.New("the URL cannot be read")) // the error would show it
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		errs = append(errs, fmt.Errorf("URL %s: want http://HOST… or https://HOST…", u.Redacted()))
	case u.User != nil:
		errs = append(errs, fmt.Errorf("URL %s: want no user and password in it, but in settings of their own", u.Redacted()))
	}
	if c.Dir == "" {
		errs = append(errs, errors.New("no folder for what waits to be sent"))
	}
	if (c.User == "") != (c.PasswordFile == "") {
		errs = append(errs, errors.New("want both a user and a file with the password, or none"))
	}
	if c.User != "" && c.BearerFile != "" {
		errs = append(errs, errors.New("want a user or a bearer token, not both"))
	}
	for _, f := range []struct {
		name     string
		got      int64
		min, max int64
	}{
		{"bytes of the queue", c.Bytes, minBytes, 1 << 50},
		{"samples in a request", int64(c.Samples), 1, 1e6},
		{"timeout", int64(c.Timeout), int64(time.Millisecond), int64(time.Hour)},
		{"shortest wait", int64(c.MinWait), int64(time.Millisecond), int64(time.Hour)},
		{"longest wait", int64(c.MaxWait), int64(c.MinWait), int64(time.Hour)},
		{"drain time", int64(c.Drain), 0, int64(time.Hour)},
	} {
		if f.got < f.min || f.got > f.max {
			errs = append(errs, fmt.Errorf("%s: got %d, want %d to %d", f.name, f.got, f.min, f.max))
		}
	}
	if _, err := c.tls(); err != nil {
		errs = append(errs, err)
	}
	if err := c.authorize(&http.Request{Header: http.Header{}}); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

const minBytes = 1 << 20

// tls returns the TLS configuration for the server.
func (c *Config) tls() (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("authority of the server's certificate: %w", err)
		}
		if conf.RootCAs = x509.NewCertPool(); !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("authority of the server's certificate: %s: no certificate in it", c.CA)
		}
	}
	if c.Cert != "" || c.Key != "" {
		load := func() (*tls.Certificate, error) {
			cert, err := tls.LoadX509KeyPair(c.Cert, c.Key)
			if err != nil {
				return nil, fmt.Errorf("our certificate and its key: %w", err)
			}
			return &cert, nil
		}
		if _, err := load(); err != nil {
			return nil, err
		}
		conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return load() }
	}
	return conf, nil
}

// authorize adds what the server asks for to a request.
func (c *Config) authorize(r *http.Request) error {
	secret := func(what, path string) (string, error) {
		b, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("%s: %w", what, err)
		}
		s := strings.TrimRight(string(b), "\r\n")
		if s == "" {
			return "", fmt.Errorf("%s: %s is empty", what, path)
		}
		return s, nil
	}
	if c.PasswordFile != "" {
		s, err := secret("password", c.PasswordFile)
		if err != nil {
			return err
		}
		r.SetBasicAuth(c.User, s)
	}
	if c.BearerFile != "" {
		s, err := secret("bearer token", c.BearerFile)
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", "Bearer "+s)
	}
	return nil
}
