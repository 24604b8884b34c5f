package collect

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	HTTP    string    // empty = nowhere
	Outputs []Address // of outputs that others connect to
}

// Address is where an output listens, TCP.
type Address struct{ Output, Address string }

// Run collects until ctx is done and returns where all records have gone. ready, where
// not nil, is called once everything is open. log takes warnings, of the log and of
// outputs; nil = nobody does.
//
// The order of the end: the sockets are closed, the log is written, then one output after
// the other gives out what it has.
func Run(ctx context.Context, s *Settings, log *slog.Logger, ready func(Ready)) (pipeline.Snapshot, error) {
	cfg, err := s.Pipeline()
	if err != nil {
		return pipeline.Snapshot{}, err
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	cfg.Journal.Log = log
	listener, err := s.listen(ctx)
	if err != nil {
		return pipeline.Snapshot{}, err
	}
	at := Ready{}
	if listener != nil {
		defer listener.Close()
		at.HTTP = listener.Addr().String()
	}
	from := &source{Topology: cfg.Topology, Log: log, Sums: newSums(), News: make(chan struct{}, 1)}
	all, err := s.openOutputs(ctx, from)
	if err != nil {
		return pipeline.Snapshot{}, err
	}
	for _, o := range all {
		if l, ok := o.output.(listening); ok {
			at.Outputs = append(at.Outputs, Address{o.Name(), l.Address()})
		}
	}
	cfg.Taps = all.taps(from.Sums)
	p, err := pipeline.Open(ctx, cfg, func(a netip.AddrPort) {
		if at.Reports = a; ready != nil {
			ready(at)
		}
	})
	if err != nil {
		all.close()
		return pipeline.Snapshot{}, err
	}
	from.Snapshot, from.Loss = p.Snapshot, p.Collector().Loss
	from.Metrics = func(w io.Writer) error {
		s := p.Snapshot()
		return errors.Join(s.WriteMetrics(w), all.writeMetrics(w))
	}
	all.start(context.WithoutCancel(ctx), log)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	served := make(chan error, 1)
	if listener == nil {
		served <- nil
	} else {
		server := &http.Server{Handler: handler(p, all, from.Metrics), ReadHeaderTimeout: 10 * time.Second, WriteTimeout: time.Minute, IdleTimeout: time.Minute, MaxHeaderBytes: 1 << 14}
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
	err = errors.Join(p.Run(ctx), all.end())
	if listener != nil {
		listener.Close()
	}
	if failed := <-served; failed != nil && !errors.Is(failed, net.ErrClosed) {
		err = errors.Join(err, fmt.Errorf("cannot serve HTTP on %s: %w", at.HTTP, failed))
	}
	return p.Snapshot(), err
}

// Text says where all records have gone, for people.
func Text(s *pipeline.Snapshot) string {
	a := &s.Account
	return Received(s) + fmt.Sprintf("%d records decoded = %d stored + %d shed by the queue + %d shed by the log + %d in flight\n",
		a.Records, a.Stored, a.ShedQueue, a.ShedLog, a.InFlight)
}

// Received says what was received, for people.
func Received(s *pipeline.Snapshot) string {
	a := &s.Account
	return fmt.Sprintf("%d datagrams received (%d more dropped by the kernel, %d not readable), %d reports decoded (%d malformed, %d datagrams lost by sequence number)\n",
		a.Datagrams, a.KernelDrops, a.Rejected, a.Reports, a.Malformed, s.Collector.Sum.Lost)
}
