package collect

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/telltale-net/telltale/collector/pipeline"
)

// handler serves
//
//	/metrics  all counts, those of the outputs too, in the Prometheus text format
//	/healthz  200 while the process answers
//	/readyz   200 while reports are received and kept, else 503 and why not; and which
//	          outputs give nothing out, and why
//
// and the pages of the outputs.
func handler(p *pipeline.Pipeline, all outputs, metrics func(io.Writer) error) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_ = metrics(w) // who asked has gone
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if err := p.Ready(); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprintln(w, err)
		} else {
			fmt.Fprintln(w, "ok")
		}
		for _, o := range all {
			if err := o.ready(); err != nil {
				fmt.Fprintf(w, "%s: %v\n", o.Name(), err)
			}
		}
	})
	for _, o := range all {
		if m, ok := o.output.(mounter); ok {
			m.Mount(mux)
		}
	}
	return mux
}

// listen opens the HTTP listener; nil where there is none.
func (s *Settings) listen(ctx context.Context) (net.Listener, error) {
	if s.HTTP == "" {
		return nil, nil
	}
	conf, err := s.tls()
	if err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", s.HTTP)
	if err != nil {
		return nil, fmt.Errorf("cannot listen for HTTP on %s: %w", s.HTTP, err)
	}
	if conf != nil {
		l = tls.NewListener(l, conf)
	}
	return l, nil
}

// tls returns the TLS configuration of the HTTP listener, nil where it speaks none.
func (s *Settings) tls() (*tls.Config, error) {
	if s.HTTPCert == "" && s.HTTPKey == "" {
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(s.HTTPCert, s.HTTPKey)
	if err != nil {
		return nil, fmt.Errorf("http-cert and http-key: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}, nil
}
