package collect

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/telltale-net/telltale/collector/pipeline"
)

// Ready says where a collector listens.
type Ready struct {
	Reports netip.AddrPort
	HTTP    string // empty = nowhere
}

// Run collects until ctx is done and returns where all records have gone. ready, where
// not nil, is called once everything is open. log takes warnings of the log.
func Run(ctx context.Context, s *Settings, log *slog.Logger, ready func(Ready)) (pipeline.Snapshot, error) {
	cfg, err := s.Pipeline()
	if err != nil {
		return pipeline.Snapshot{}, err
	}
	cfg.Journal.Log = log
	listener, err := s.listen(ctx)
	if err != nil {
		return pipeline.Snapshot{}, err
	}
	at := ""
	if listener != nil {
		defer listener.Close()
		at = listener.Addr().String()
	}
	p, err := pipeline.Open(ctx, cfg, func(a netip.AddrPort) {
		if ready != nil {
			ready(Ready{a, at})
		}
	})
	if err != nil {
		return pipeline.Snapshot{}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	served := make(chan error, 1)
	if listener == nil {
		served <- nil
	} else {
		server := &http.Server{Handler: p.Handler(), ReadHeaderTimeout: 10 * time.Second, WriteTimeout: time.Minute, IdleTimeout: time.Minute, MaxHeaderBytes: 1 << 14}
		go func() {
			err := server.Serve(listener)
			if errors.Is(err, http.ErrServerClosed) {
				err = nil
			}
			cancel()
			served <- err
		}()
		defer server.Close()
	}
	err = p.Run(ctx)
	if listener != nil {
		listener.Close()
	}
	if failed := <-served; failed != nil && !errors.Is(failed, net.ErrClosed) {
		err = errors.Join(err, fmt.Errorf("cannot serve HTTP on %s: %w", at, failed))
	}
	return p.Snapshot(), err
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

// Text says where all records have gone, for people.
func Text(s *pipeline.Snapshot) string {
	a := &s.Account
	text := fmt.Sprintf("%d datagrams received (%d more dropped by the kernel, %d not readable), %d reports decoded (%d malformed, %d datagrams lost by sequence number)\n",
		a.Datagrams, a.KernelDrops, a.Rejected, a.Reports, a.Malformed, s.Collector.Sum.Lost)
	return text + fmt.Sprintf("%d records decoded = %d stored + %d shed by the queue + %d shed by the log + %d in flight\n",
		a.Records, a.Stored, a.ShedQueue, a.ShedLog, a.InFlight)
}
