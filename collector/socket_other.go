//go:build !linux

package collector

import (
	"context"
	"net"
	"net/netip"
)

// What sockets can do on every system.
const (
	canShare      = false
	canCountDrops = false
)

// listen opens a UDP socket. The effective receive buffer is not told here; the
// wanted one is reported.
func listen(ctx context.Context, address string, buffer int) (*socket, error) {
	var lc net.ListenConfig
	conn, err := lc.ListenPacket(ctx, "udp", address)
	if err != nil {
		return nil, err
	}
	s := &socket{conn: conn.(*net.UDPConn), buffer: buffer, address: conn.LocalAddr().String()}
	if err := s.conn.SetReadBuffer(buffer); err != nil {
		s.conn.Close()
		return nil, err
	}
	return s, nil
}

// ask has nobody to ask: the kernel's drops are not counted here.
func (s *socket) ask() {}

// receiver reads one datagram per call into a buffer that it reuses.
type receiver struct {
	s      *socket
	buffer []byte // one byte more than a datagram may have, to see that it was cut
	n      int
	src    netip.AddrPort
}

func newReceiver(s *socket, size int) (*receiver, error) {
	return &receiver{s: s, buffer: make([]byte, size+1)}, nil
}

func (r *receiver) receive() (n int, err error) {
	r.n, r.src, err = r.s.conn.ReadFromUDPAddrPort(r.buffer)
	if err != nil {
		return 0, err
	}
	if r.n == len(r.buffer) {
		r.s.cut.Add(1)
		r.n--
	}
	return 1, nil
}

func (r *receiver) datagram(int) (netip.AddrPort, []byte) { return r.src, r.buffer[:r.n] }
