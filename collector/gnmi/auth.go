package gnmi

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// authenticate compares the metadata "username" and "password" with the users. It
// takes equally long whatever is wrong.
func (s *Server) authenticate(ctx context.Context) error {
	if len(s.cfg.Users) == 0 {
		return nil
	}
	md, _ := metadata.FromIncomingContext(ctx)
	one := func(key string) [sha256.Size]byte {
		if v := md.Get(key); len(v) == 1 {
			return sha256.Sum256([]byte(v[0]))
		}
		return [sha256.Size]byte{}
	}
	user, password := one("username"), one("password")
	ok := 0
	for name, secret := range s.cfg.Users {
		n, p := sha256.Sum256([]byte(name)), sha256.Sum256([]byte(secret))
		ok |= subtle.ConstantTimeCompare(n[:], user[:]) & subtle.ConstantTimeCompare(p[:], password[:])
	}
	if ok == 1 {
		return nil
	}
	s.unauthenticated.Add(1)
	return status.Error(codes.Unauthenticated, "username and password in the metadata are not those of a user")
}

func (s *Server) unary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if err := s.authenticate(ctx); err != nil {
		return nil, err
	}
	return next(ctx, req)
}

func (s *Server) stream(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	if err := s.authenticate(ss.Context()); err != nil {
		return err
	}
	return next(srv, ss)
}
