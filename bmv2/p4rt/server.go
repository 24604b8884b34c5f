//lint:file-ignore SA1019 fields that P4Runtime deprecated are still part of it: kept, or refused by name.

package p4rt

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"

	p4configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/telltale-net/telltale/bmv2/p4rt/entity"
)

// Server serves P4Runtime for one device. It is safe for concurrent use.
//
// Locks, in the order they may be taken: state, then a store's digestMu, then arb.
// state is held for writing by one Write or SetForwardingPipelineConfig at a
// time, so that requests are serialised as the specification wants. The others
// are held for moments, never across a call of the device: PacketIn and Digest,
// which come from the packet path, take only them.
type Server struct {
	p4v1.UnimplementedP4RuntimeServer

	cfg Config

	state     sync.RWMutex
	committed *pipeline                // what packets flow through
	saved     *pipeline                // VERIFY_AND_SAVE without COMMIT yet; reads and writes go there
	io        atomic.Pointer[pipeline] // committed, for the packet path, which takes no lock of ours for it

	arb     sync.Mutex
	arbiter *arbiter
	boxes   map[*member]*outbox

	idle  map[string]idled // entry key → what was last notified; under state
	stats counters

	gmu    sync.Mutex
	grpc   []*grpc.Server
	closed bool
}

// New makes a server without a pipeline. It starts nothing.
func New(cfg Config) (*Server, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	return &Server{
		cfg:     cfg,
		arbiter: newArbiter(cfg.DeviceID, cfg.Limits),
		boxes:   map[*member]*outbox{},
		idle:    map[string]idled{},
	}, nil
}

// Register adds the service to a gRPC server of the caller's, who should set
// grpc.MaxRecvMsgSize above the size of the largest pipeline.
func (s *Server) Register(r grpc.ServiceRegistrar) { p4v1.RegisterP4RuntimeServer(r, s) }

// Serve accepts connections on lis until [Server.Close]; nil credentials serve in
// plain text. It closes lis.
func (s *Server) Serve(lis net.Listener, creds credentials.TransportCredentials) error {
	opts := []grpc.ServerOption{grpc.MaxRecvMsgSize(s.cfg.Limits.MessageBytes), grpc.MaxConcurrentStreams(maxCalls), grpc.WaitForHandlers(true)}
	if creds != nil {
		opts = append(opts, grpc.Creds(creds))
	}
	g := grpc.NewServer(opts...)
	s.Register(g)
	s.gmu.Lock()
	if s.closed {
		s.gmu.Unlock()
		return errors.Join(errors.New("p4rt: server is closed"), lis.Close())
	}
	s.grpc = append(s.grpc, g)
	s.gmu.Unlock()
	return g.Serve(lis)
}

// maxCalls bounds the RPCs under way on one connection.
const maxCalls = 1024

// Close ends every connection that came through Serve and waits for its handlers.
func (s *Server) Close() {
	s.gmu.Lock()
	s.closed = true
	gs := s.grpc
	s.grpc = nil
	s.gmu.Unlock()
	for _, g := range gs {
		g.Stop()
	}
}

// current is the pipeline that reads and writes refer to, nil if there is none.
func (s *Server) current() *pipeline {
	if s.saved != nil {
		return s.saved
	}
	return s.committed
}

// errNoPipeline: "Write RPC" check 3 and "Read RPC".
var errNoPipeline = status.Error(codes.FailedPrecondition, "no forwarding pipeline is set")

// rpcError turns an error into the status of a whole RPC.
func rpcError(err error) error {
	if err == nil {
		return nil
	}
	return status.Error(entity.CodeOf(err), err.Error())
}

// batchError is the status of a batch of which some part failed: UNKNOWN, with
// one p4.v1.Error per update or request, in their order ("Error Reporting").
func batchError(what string, errs []error) error {
	st := &spb.Status{Code: int32(codes.Unknown), Message: what}
	for _, err := range errs {
		e := &p4v1.Error{}
		if err != nil {
			e.CanonicalCode, e.Message, e.Space = int32(entity.CodeOf(err)), err.Error(), errorSpace
		}
		a, err := anypb.New(e)
		if err != nil {
			return status.Errorf(codes.Internal, "encoding the error details: %v", err)
		}
		st.Details = append(st.Details, a)
	}
	return status.FromProto(st).Err()
}

// errorSpace is the space of our p4.v1.Error messages ("<target>-<arch>-<vendor>").
const errorSpace = "bmv2-v1model-telltale"

// authorize takes the place of the specification's first two checks of a write.
// state must be held: whoever holds it and is primary now stays so until done.
func (s *Server) authorize(device uint64, role string, roleID uint64, election *p4v1.Uint128) error {
	if roleID != 0 {
		return entity.Errorf(codes.Unimplemented, "role id %d: roles have names since P4Runtime 1.3", roleID)
	}
	s.arb.Lock()
	defer s.arb.Unlock()
	return s.arbiter.authorize(device, role, election)
}

// Write applies a batch, one update after the other in the order given.
func (s *Server) Write(_ context.Context, req *p4v1.WriteRequest) (*p4v1.WriteResponse, error) {
	s.state.Lock()
	defer s.state.Unlock()
	if err := s.authorize(req.GetDeviceId(), req.GetRole(), req.GetRoleId(), req.GetElectionId()); err != nil {
		return nil, rpcError(err)
	}
	p := s.current()
	if p == nil {
		return nil, errNoPipeline
	}
	s.stats.writes.Add(1)
	s.stats.updates.Add(uint64(len(req.GetUpdates())))
	errs, failed, err := p.store.write(req.GetAtomicity(), req.GetUpdates(), s.cfg.Limits.AtomicCells)
	if err != nil {
		return nil, rpcError(err)
	}
	if failed > 0 {
		s.stats.updatesFailed.Add(uint64(failed))
		return nil, batchError("some updates failed", errs)
	}
	return &p4v1.WriteResponse{}, nil
}

// Read answers every request of the batch with what the device holds at one
// moment between writes. Nothing is sent while the state is locked.
func (s *Server) Read(req *p4v1.ReadRequest, stream p4v1.P4Runtime_ReadServer) error {
	if req.GetDeviceId() != s.cfg.DeviceID {
		return status.Errorf(codes.NotFound, "no device %d here, only %d", req.GetDeviceId(), s.cfg.DeviceID)
	}
	out, errs, failed, err := s.collect(req.GetEntities())
	if err != nil {
		return err
	}
	batch := &p4v1.ReadResponse{}
	size := 0
	for _, e := range out {
		n := proto.Size(e)
		if len(batch.Entities) >= s.cfg.Limits.ReadBatch || size > 0 && size+n > maxReadBytes {
			if err := stream.Send(batch); err != nil {
				return err
			}
			batch, size = &p4v1.ReadResponse{}, 0
		}
		batch.Entities = append(batch.Entities, e)
		size += n
	}
	if len(batch.Entities) > 0 {
		if err := stream.Send(batch); err != nil {
			return err
		}
	}
	if failed > 0 {
		return batchError("some requests failed", errs)
	}
	return nil
}

// maxReadBytes keeps a ReadResponse below what every gRPC client accepts.
const maxReadBytes = 1 << 20

func (s *Server) collect(reqs []*p4v1.Entity) (out []*p4v1.Entity, errs []error, failed int, err error) {
	s.state.RLock()
	defer s.state.RUnlock()
	p := s.current()
	if p == nil {
		return nil, nil, 0, errNoPipeline
	}
	s.stats.reads.Add(1)
	errs = make([]error, len(reqs))
	for i, r := range reqs {
		n := len(out)
		if errs[i] = p.store.read(r, func(e *p4v1.Entity) { out = append(out, e) }); errs[i] != nil {
			out = out[:n]
			failed++
		}
	}
	return out, errs, failed, nil
}

// Capabilities tells the version of the API, of this device or of the server as
// such: there is no other capability to tell.
func (s *Server) Capabilities(_ context.Context, req *p4v1.CapabilitiesRequest) (*p4v1.CapabilitiesResponse, error) {
	if id := entity.CapabilitiesDevice(req); id != 0 && id != s.cfg.DeviceID {
		return nil, status.Errorf(codes.NotFound, "no device %d here, only %d", id, s.cfg.DeviceID)
	}
	return &p4v1.CapabilitiesResponse{P4RuntimeApiVersion: entity.Version}, nil
}

// Install sets a pipeline without a controller, as a switch does that is started
// with one. Like VERIFY_AND_COMMIT it clears the forwarding state; there is no cookie.
func (s *Server) Install(info *p4configv1.P4Info, deviceConfig []byte) error {
	s.state.Lock()
	defer s.state.Unlock()
	return s.commit(&p4v1.ForwardingPipelineConfig{P4Info: info, P4DeviceConfig: deviceConfig})
}
