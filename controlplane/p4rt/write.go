package p4rt

import (
	"context"
	"errors"
	"fmt"
	"io"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
)

// Write carries out updates in batches, in the given order of batches. A switch
// may reorder within a batch: updates that depend on one another belong in
// separate calls ("Batching and Ordering of Updates"). Every update is attempted.
//
// If some are refused the error is a [*WriteError]. Any other error means that a
// whole batch was not accepted: the switch is gone, or this session is not
// primary; what came before that batch was carried out.
func (s *Session) Write(ctx context.Context, updates []*p4v1.Update) error {
	failed := &WriteError{Updates: len(updates)}
	for from := 0; from < len(updates); {
		to := batchEnd(updates, from, s.cfg.WriteUpdates, s.cfg.WriteBytes)
		_, err := s.stub.Write(ctx, &p4v1.WriteRequest{
			DeviceId: s.cfg.DeviceID, Role: s.cfg.Role, ElectionId: s.currentElection(), Updates: updates[from:to],
		})
		if err != nil {
			ds := details(err)
			if len(ds) != to-from {
				err = fmt.Errorf("p4rt: writing updates %d to %d of %d to device %d: %w", from, to-1, len(updates), s.cfg.DeviceID, err)
				if len(failed.Failed) > 0 {
					err = errors.Join(err, failed)
				}
				return err
			}
			info := s.P4Info()
			for i, d := range ds {
				if d.GetCanonicalCode() == int32(codes.OK) {
					continue
				}
				u := updates[from+i]
				failed.Failed = append(failed.Failed, UpdateError{
					Index: from + i, Type: u.GetType(), Entity: Describe(u.GetEntity(), info),
					Code: codes.Code(d.GetCanonicalCode()), Message: d.GetMessage(),
				})
			}
		}
		from = to
	}
	if len(failed.Failed) > 0 {
		return failed
	}
	return nil
}

// batchEnd is the end of the batch that starts at from: at least one update, no
// more than count, no more than size bytes.
func batchEnd(us []*p4v1.Update, from, count, size int) int {
	to, n := from, 0
	for to < len(us) && to-from < count {
		n += proto.Size(us[to]) + 4 // tag and length
		if to > from && n > size {
			break
		}
		to++
	}
	return to
}

// Read calls f with every entity the switch returns for the requests; zero ids
// are wildcards. It stops at f's error and returns it.
func (s *Session) Read(ctx context.Context, f func(*p4v1.Entity) error, requests ...*p4v1.Entity) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	st, err := s.stub.Read(ctx, &p4v1.ReadRequest{DeviceId: s.cfg.DeviceID, Role: s.cfg.Role, Entities: requests})
	if err != nil {
		return s.readError(err, requests)
	}
	for {
		r, err := st.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return s.readError(err, requests)
		}
		for _, e := range r.GetEntities() {
			if err := f(e); err != nil {
				return err
			}
		}
	}
}

// ReadAll collects what [Session.Read] returns.
func (s *Session) ReadAll(ctx context.Context, requests ...*p4v1.Entity) ([]*p4v1.Entity, error) {
	var out []*p4v1.Entity
	err := s.Read(ctx, func(e *p4v1.Entity) error { out = append(out, e); return nil }, requests...)
	return out, err
}

// readError names the first request that failed.
func (s *Session) readError(err error, requests []*p4v1.Entity) error {
	for i, d := range details(err) {
		if d.GetCanonicalCode() != int32(codes.OK) && i < len(requests) {
			return fmt.Errorf("p4rt: reading from device %d: request %d, %s: %v: %s: %w", s.cfg.DeviceID, i,
				Describe(requests[i], s.P4Info()), codes.Code(d.GetCanonicalCode()), d.GetMessage(), err)
		}
	}
	return fmt.Errorf("p4rt: reading from device %d: %w", s.cfg.DeviceID, err)
}
