package simpleswitch

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// Runtime is the switch's own management interface, where it was built with Thrift. It
// has what P4Runtime as served by simple_switch_grpc lacks: registers and the queues'
// depths. Calls are one at a time; it is not safe for concurrent use.
//
// A call and its answer are Thrift's binary protocol, strict, without frames, and the
// service's name in front of the method's:
//
//	i32 0x80010001 (call) or …02 (answer), …03 (failure)
//	i32 length, "service:method"       (the answer names the method alone)
//	i32 sequence number
//	field: i8 type, i16 id, value       … until type 0
//
// Types: 8 = i32, 10 = i64, 11 = string with an i32 length, 12 = struct, 15 = list of
// i8 type, i32 length. All numbers are big-endian.
type Runtime struct {
	conn net.Conn
	r    *bufio.Reader
	seq  uint32
}

const (
	typeStop   = 0
	typeI32    = 8
	typeI64    = 10
	typeString = 11
	typeStruct = 12
	typeList   = 15

	versionCall      = 0x80010001
	versionReply     = 0x80010002
	versionException = 0x80010003

	maxThriftString = 1 << 20
	maxThriftList   = 1 << 26
	patience        = 30 * time.Second // per call
)

// DialRuntime connects to the runtime server of a switch at host:port. All its services
// are there when the switch takes packets, not when the server begins to listen.
func DialRuntime(ctx context.Context, addr string) (*Runtime, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("cannot reach the runtime server, which a switch built without Thrift does not have: %w", err)
	}
	return &Runtime{conn: conn, r: bufio.NewReader(conn)}, nil
}

// Close ends the connection.
func (t *Runtime) Close() error { return t.conn.Close() }

// SetQueueDepths sets how many packets each of the switch's queues holds.
func (t *Runtime) SetQueueDepths(ctx context.Context, packets int32) error {
	args := appendField(nil, typeI32, 1)
	args = binary.BigEndian.AppendUint32(args, uint32(packets))
	code := int32(-1)
	err := t.call(ctx, "simple_switch", "set_all_egress_queue_depths", args, func(r *reader) { code = int32(r.u32()) })
	if err == nil && code != 0 {
		err = fmt.Errorf("got code %d, want 0", code)
	}
	if err != nil {
		return fmt.Errorf("cannot set the depth of all queues to %d: %w", packets, err)
	}
	return nil
}

// Registers returns the cells of a register array, named as in the BMv2 JSON; of cells
// of more than 63 bits the interface shows no faithful value.
func (t *Runtime) Registers(ctx context.Context, name string) (cells []int64, err error) {
	args := appendField(nil, typeI32, 1)
	args = binary.BigEndian.AppendUint32(args, 0) // the context, of which simple_switch has one
	args = appendField(args, typeString, 2)
	args = appendString(args, name)
	err = t.call(ctx, "standard", "bm_register_read_all", args, func(r *reader) {
		if of, n := r.list(); of == typeI64 {
			const soon = 1 << 12 // cells: more have to come before there is room for them
			cells = make([]int64, 0, min(n, soon))
			for i := 0; i < n && r.err == nil; i++ {
				cells = append(cells, int64(r.u64()))
			}
		} else if r.err == nil {
			r.err = fmt.Errorf("got a list of type %d, want %d", of, typeI64)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read register array %q: %w", name, err)
	}
	return cells, nil
}

// AddToValueSet adds a value to a parser value set, named as in the BMv2 JSON: the fields
// of the key, each padded to bytes, one behind the other.
func (t *Runtime) AddToValueSet(ctx context.Context, name string, value []byte) error {
	args := appendField(nil, typeI32, 1)
	args = binary.BigEndian.AppendUint32(args, 0)
	args = appendField(args, typeString, 2)
	args = appendString(args, name)
	args = appendField(args, typeString, 3)
	args = appendString(args, string(value))
	if err := t.call(ctx, "standard", "bm_parse_vset_add", args, nil); err != nil {
		return fmt.Errorf("cannot add %x to parser value set %q: %w", value, name, err)
	}
	return nil
}

func appendField(b []byte, typ byte, id uint16) []byte {
	return binary.BigEndian.AppendUint16(append(b, typ), id)
}

func appendString(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

// call makes a call; success reads its result, nil if it has none.
func (t *Runtime) call(ctx context.Context, service, method string, args []byte, success func(*reader)) error {
	deadline := time.Now().Add(patience)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	if err := t.conn.SetDeadline(deadline); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = t.conn.SetDeadline(time.Unix(1, 0)) }) // wakes who waits
	defer stop()
	t.seq++
	b := binary.BigEndian.AppendUint32(nil, versionCall)
	b = appendString(b, service+":"+method)
	b = binary.BigEndian.AppendUint32(b, t.seq)
	b = append(append(b, args...), typeStop)
	if _, err := t.conn.Write(b); err != nil {
		return err
	}
	r := &reader{r: t.r}
	version := r.u32()
	name := r.str()
	seq := r.u32()
	switch {
	case r.err != nil:
		return r.err
	case version == versionException:
		return fmt.Errorf("the switch says %s", r.exception())
	case version != versionReply || name != method || seq != t.seq:
		return fmt.Errorf("got version %#x, method %q, number %d; want %#x, %q, %d", version, name, seq, uint32(versionReply), method, t.seq)
	}
	answered := false
	var refused error
	for r.err == nil {
		typ, id := r.field()
		if typ == typeStop {
			break
		}
		switch {
		case id == 0 && success != nil:
			success(r)
			answered = true
		case typ == typeStruct:
			refused = fmt.Errorf("the switch refuses: %s", r.exception())
		default:
			r.err = fmt.Errorf("got a result field %d of type %d", id, typ)
		}
	}
	if r.err == nil && refused == nil && success != nil && !answered {
		return errors.New("got an answer without a result")
	}
	return errors.Join(r.err, refused)
}

// reader reads an answer; after an error everything is zero.
type reader struct {
	r   io.Reader
	err error
}

func (r *reader) bytes(n int) []byte {
	if r.err != nil {
		n = min(n, 8) // as much as a number has
	}
	b := make([]byte, n)
	if r.err == nil {
		_, r.err = io.ReadFull(r.r, b)
	}
	if r.err != nil {
		clear(b)
	}
	return b
}

func (r *reader) u32() uint32 { return binary.BigEndian.Uint32(r.bytes(4)) }
func (r *reader) u64() uint64 { return binary.BigEndian.Uint64(r.bytes(8)) }

func (r *reader) field() (typ byte, id uint16) {
	if typ = r.bytes(1)[0]; typ != typeStop {
		id = binary.BigEndian.Uint16(r.bytes(2))
	}
	return typ, id
}

func (r *reader) str() string {
	n := r.u32()
	if n > maxThriftString {
		r.err = errors.Join(r.err, fmt.Errorf("got a string of %d bytes, want at most %d", n, maxThriftString))
		return ""
	}
	return string(r.bytes(int(n)))
}

func (r *reader) list() (of byte, n int) {
	of = r.bytes(1)[0]
	size := r.u32()
	if size > maxThriftList {
		r.err = errors.Join(r.err, fmt.Errorf("got a list of %d, want at most %d", size, maxThriftList))
		return of, 0
	}
	return of, int(size)
}

// exception reads a struct of strings and numbers and says them.
func (r *reader) exception() string {
	var said []string
	for r.err == nil {
		switch typ, id := r.field(); typ {
		case typeStop:
			return fmt.Sprint(said)
		case typeString:
			said = append(said, r.str())
		case typeI32:
			said = append(said, fmt.Sprintf("code %d", int32(r.u32())))
		default:
			r.err = fmt.Errorf("got an exception with field %d of type %d", id, typ)
		}
	}
	return fmt.Sprint(said)
}
