package entity

import (
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"

	"github.com/telltale-net/telltale/bmv2/device"
)

// Error is a refusal with the gRPC code that goes to the client.
type Error struct {
	Code codes.Code
	Msg  string
}

func (e *Error) Error() string { return e.Msg }

// Errorf makes an [Error].
func Errorf(code codes.Code, format string, args ...any) error {
	return &Error{Code: code, Msg: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) error {
	return Errorf(codes.InvalidArgument, format, args...)
}

// CodeOf returns the code of an [Error] anywhere in err's chain, the code that
// stands for a device's error, or INTERNAL for anything else.
func CodeOf(err error) codes.Code {
	var e *Error
	switch {
	case err == nil:
		return codes.OK
	case errors.As(err, &e):
		return e.Code
	case errors.Is(err, device.ErrNotFound):
		return codes.NotFound
	case errors.Is(err, device.ErrExists):
		return codes.AlreadyExists
	case errors.Is(err, device.ErrInvalid):
		return codes.InvalidArgument
	case errors.Is(err, device.ErrExhausted):
		return codes.ResourceExhausted
	case errors.Is(err, device.ErrInUse):
		return codes.FailedPrecondition
	case errors.Is(err, device.ErrConst):
		return codes.PermissionDenied
	}
	return codes.Internal
}
