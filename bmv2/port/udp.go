package port

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
)

// udp is a tunnel: a frame per datagram, without a header of its own.
type udp struct {
	conn      *net.UDPConn
	remote    netip.AddrPort
	buf       []byte
	strangers atomic.Uint64
}

func openUDP(arg string) (Driver, error) {
	local, remote, ok := strings.Cut(arg, "/")
	if !ok {
		return nil, errors.New("want udp:LOCAL/REMOTE, as udp:127.0.0.1:7001/127.0.0.1:7002")
	}
	laddr, err := net.ResolveUDPAddr("udp", local)
	if err != nil {
		return nil, fmt.Errorf("local address %q: %w", local, err)
	}
	raddr, err := net.ResolveUDPAddr("udp", remote)
	if err != nil {
		return nil, fmt.Errorf("remote address %q: %w", remote, err)
	}
	if raddr.Port == 0 || raddr.IP == nil {
		return nil, fmt.Errorf("remote address %q: want a host and a port", remote)
	}
	// Not connected: errors of a peer that is not up yet would come back with sends.
	conn, err := net.ListenUDP("udp", laddr)
	if err != nil {
		return nil, err
	}
	return &udp{conn: conn, remote: unmapped(raddr.AddrPort()), buf: make([]byte, MaxFrame)}, nil
}

func unmapped(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

func (u *udp) Receive() ([]byte, error) {
	for {
		n, from, err := u.conn.ReadFromUDPAddrPort(u.buf)
		if errors.Is(err, net.ErrClosed) {
			return nil, ErrClosed
		}
		if err != nil {
			return nil, fmt.Errorf("cannot receive on %v: %w", u.conn.LocalAddr(), err)
		}
		if unmapped(from) != u.remote {
			u.strangers.Add(1)
			continue
		}
		return u.buf[:n], nil
	}
}

func (u *udp) Send(frame []byte) error {
	if _, err := u.conn.WriteToUDPAddrPort(frame, u.remote); err != nil {
		return fmt.Errorf("cannot send %d bytes to %v: %w", len(frame), u.remote, err)
	}
	return nil
}

func (u *udp) Stats() Stats { return Stats{Strangers: u.strangers.Load()} }

func (u *udp) Close() error { return u.conn.Close() }
