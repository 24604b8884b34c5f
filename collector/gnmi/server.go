package gnmi

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/openconfig/gnmi/proto/gnmi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/telltale-net/telltale/collector/gnmi/tree"
)

// Version is the version of the gNMI specification that the server follows.
const Version = "0.10.0"

// Server serves a tree. It is safe for concurrent use.
type Server struct {
	gnmi.UnimplementedGNMIServer

	cfg    Config
	tree   *tree.Tree
	stop   chan struct{} // closed when Run ends: subscriptions go
	active sync.WaitGroup

	subscribers, cut, unauthenticated, updates, coalesced atomic.Uint64
}

// Stats are a server's counts.
type Stats struct {
	Subscribers     uint64 // Subscribe RPCs at the moment
	Cut             uint64 // subscribers cut, behind or with overlapping entries
	Unauthenticated uint64 // RPCs refused for want of a user
	Updates         uint64 // updates and deletes sent to subscribers
	Coalesced       uint64 // values that they were not sent because a later one came first
}

// New returns a server of the tree. It listens nowhere before [Server.Run].
func New(cfg Config, t *tree.Tree) (*Server, error) {
	cfg = cfg.Defaults()
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	return &Server{cfg: cfg, tree: t, stop: make(chan struct{})}, nil
}

// Stats returns the counts.
func (s *Server) Stats() Stats {
	return Stats{s.subscribers.Load(), s.cut.Load(), s.unauthenticated.Load(), s.updates.Load(), s.coalesced.Load()}
}

// Run serves on the listener, which it closes, until ctx is done: subscribers then get
// what waits for them, for a second at most, and UNAVAILABLE. It may be called once.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	opts := []grpc.ServerOption{
		grpc.UnaryInterceptor(s.unary), grpc.StreamInterceptor(s.stream),
		grpc.MaxConcurrentStreams(1024), grpc.MaxRecvMsgSize(1 << 20), grpc.WaitForHandlers(true),
	}
	if s.cfg.TLS != nil {
		opts = append(opts, grpc.Creds(credentials.NewTLS(s.cfg.TLS)))
	}
	g := grpc.NewServer(opts...)
	gnmi.RegisterGNMIServer(g, s)
	done := make(chan error, 1)
	go func() { done <- g.Serve(l) }()
	var err error
	select {
	case err = <-done:
		close(s.stop)
		g.Stop()
	case <-ctx.Done():
		close(s.stop)
		slow := time.AfterFunc(2*grace, g.Stop)
		g.GracefulStop()
		slow.Stop()
		<-done
	}
	s.active.Wait()
	if err != nil {
		return fmt.Errorf("cannot serve gNMI on %v: %w", l.Addr(), err)
	}
	return nil
}

// encodings are those served, in the order of [tree.State.Memo]'s slots.
var encodings = [tree.Memos]gnmi.Encoding{gnmi.Encoding_JSON_IETF, gnmi.Encoding_PROTO, gnmi.Encoding_JSON}

// Capabilities tells of the models, the encodings and the version.
func (s *Server) Capabilities(context.Context, *gnmi.CapabilityRequest) (*gnmi.CapabilityResponse, error) {
	return &gnmi.CapabilityResponse{
		SupportedModels:    s.cfg.Models,
		SupportedEncodings: encodings[:],
		GNMIVersion:        Version,
	}, nil
}

// Set is refused: there is nothing to configure.
func (s *Server) Set(context.Context, *gnmi.SetRequest) (*gnmi.SetResponse, error) {
	return nil, status.Error(codes.Unimplemented, "Set: the data of this server is state, none of it can be set")
}
