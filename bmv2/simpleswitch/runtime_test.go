package simpleswitch

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// answering listens once and answers every call with what f makes of its bytes.
func answering(t *testing.T, f func(call []byte) []byte) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		buf := make([]byte, 1<<12)
		for {
			n, err := c.Read(buf)
			if err != nil {
				return
			}
			if _, err := c.Write(f(buf[:n])); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}

func dialRuntime(t *testing.T, f func(call []byte) []byte) *Runtime {
	t.Helper()
	r, err := DialRuntime(t.Context(), answering(t, f))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func reply(version uint32, method string, seq uint32, result ...byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, version)
	b = appendString(b, method)
	b = binary.BigEndian.AppendUint32(b, seq)
	return append(b, result...)
}

func TestRuntime(t *testing.T) {
	var call []byte
	var answer []byte
	r := dialRuntime(t, func(c []byte) []byte { call = bytes.Clone(c); return answer })

	answer = reply(versionReply, "bm_register_read_all", 1, typeList, 0, 0, typeI64, 0, 0, 0, 2,
		0, 0, 0, 0, 0, 0, 1, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, typeStop)
	cells, err := r.Registers(t.Context(), "reg")
	if err != nil || !slices.Equal(cells, []int64{258, -2}) {
		t.Errorf("got %v, %v", cells, err)
	}
	want := "\x80\x01\x00\x01\x00\x00\x00\x1dstandard:bm_register_read_all\x00\x00\x00\x01" +
		"\x08\x00\x01\x00\x00\x00\x00\x0b\x00\x02\x00\x00\x00\x03reg\x00"
	if string(call) != want {
		t.Errorf("called %q\nwant   %q", call, want)
	}

	answer = reply(versionReply, "set_all_egress_queue_depths", 2, typeI32, 0, 0, 0, 0, 0, 0, typeStop)
	if err := r.SetQueueDepths(t.Context(), 1000); err != nil {
		t.Error(err)
	}
	answer = reply(versionReply, "bm_parse_vset_add", 3, typeStop)
	if err := r.AddToValueSet(t.Context(), "set", []byte{1, 2}); err != nil {
		t.Error(err)
	}
	if !bytes.HasSuffix(call, []byte("\x0b\x00\x03\x00\x00\x00\x02\x01\x02\x00")) {
		t.Errorf("called %q", call)
	}
}

func TestRuntimeSaysWhatIsWrong(t *testing.T) {
	f := func(answer []byte, want string) {
		t.Helper()
		r := dialRuntime(t, func([]byte) []byte { return answer })
		_, err := r.Registers(t.Context(), "reg")
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `"reg"`) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	const m = "bm_register_read_all"
	f(reply(versionException, m, 1, append(appendString([]byte{typeString, 0, 1}, "no such thing"), typeStop)...), "no such thing")
	f(reply(versionReply, m, 1, typeStruct, 0, 1, typeI32, 0, 1, 0, 0, 0, 7, typeStop, typeStop), "code 7")
	f(reply(versionReply, m, 2, typeStop), "number 2")
	f(reply(versionReply, "other", 1, typeStop), `method "other"`)
	f(reply(versionReply, m, 1, typeStop), "without a result")
	f(reply(versionReply, m, 1, typeList, 0, 0, typeI32, 0, 0, 0, 0, typeStop), "list of type 8")
	f(reply(versionReply, m, 1, typeList, 0, 0, typeI64, 0xff, 0, 0, 0), "got a list of")
	f(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, versionReply), 1<<30), "got a string of")
}

// TestRuntimeIsSilent: a call ends with its context.
func TestRuntimeIsSilent(t *testing.T) {
	r := dialRuntime(t, func([]byte) []byte { return nil })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := r.Registers(ctx, "reg"); err == nil {
		t.Error("got an answer of nobody")
	}
}

// FuzzReader: no answer makes the reader panic or allocate without bound.
func FuzzReader(f *testing.F) {
	f.Add(reply(versionReply, "bm_register_read_all", 1, typeList, 0, 0, typeI64, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 2, typeStop))
	f.Add(reply(versionException, "x", 1, typeString, 0, 1, 0, 0, 0, 1, 'x', typeStop))
	f.Fuzz(func(t *testing.T, answer []byte) {
		client, server := net.Pipe()
		defer client.Close()
		go func() {
			defer server.Close()
			b := make([]byte, 1<<12)
			if _, err := server.Read(b); err == nil {
				_, _ = io.Copy(server, bytes.NewReader(answer))
			}
		}()
		r := &Runtime{conn: client, r: bufio.NewReader(client)}
		cells, err := r.Registers(t.Context(), "reg")
		if err == nil && 8*len(cells) > len(answer) {
			t.Errorf("got %d cells of %d bytes", len(cells), len(answer))
		}
	})
}
