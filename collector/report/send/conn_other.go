//go:build !linux

package send

import (
	"errors"
	"net"
	"syscall"
)

// conn is a connected UDP socket.
type conn struct{ udp *net.UDPConn }

func newConn(udp *net.UDPConn) (*conn, error) { return &conn{udp}, nil }

// send sends one datagram. refused says that the system told of nobody listening, of
// an earlier datagram; nothing was sent then.
func (c *conn) send(datagrams [][]byte) (sent int, refused bool, err error) {
	switch _, err = c.udp.Write(datagrams[0]); {
	case err == nil:
		return 1, false, nil
	case errors.Is(err, syscall.ECONNREFUSED):
		return 0, true, nil
	}
	return 0, false, err
}

func (c *conn) port() uint16 { return c.udp.LocalAddr().(*net.UDPAddr).AddrPort().Port() }
