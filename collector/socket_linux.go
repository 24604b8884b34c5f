package collector

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What this system's sockets can do.
const (
	canShare      = true // SO_REUSEPORT spreads the senders over the sockets
	canCountDrops = true // SO_RXQ_OVFL
)

// perCall is how many datagrams one recvmmsg may bring.
const perCall = 64

// listen opens a UDP socket that shares its address, counts the kernel's drops and
// has a receive buffer as near to the wanted as the system allows.
func listen(ctx context.Context, address string, buffer int) (*socket, error) {
	s := &socket{}
	var failed error
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		err := raw.Control(func(fd uintptr) { failed = s.prepare(int(fd), buffer) })
		if err != nil {
			return err
		}
		return failed
	}}
	conn, err := lc.ListenPacket(ctx, "udp", address)
	if err != nil {
		return nil, err
	}
	s.conn = conn.(*net.UDPConn)
	s.address = s.conn.LocalAddr().String()
	return s, nil
}

func (s *socket) prepare(fd, buffer int) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		return err
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1); err != nil {
		return err
	}
	// Beyond net.core.rmem_max only a privileged process gets what it asks for.
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, buffer) != nil {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, buffer); err != nil {
			return err
		}
	}
	var err error
	s.buffer, err = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
	return err
}

// mmsghdr is struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
}

// receiver reads up to perCall datagrams with one system call into buffers that it
// reuses. What datagram returns is good until the next receive.
type receiver struct {
	s        *socket
	raw      syscall.RawConn
	msgs     [perCall]mmsghdr
	iovs     [perCall]unix.Iovec
	names    [perCall]unix.RawSockaddrInet6 // room for IPv4 too
	controls [perCall][32]byte              // one SO_RXQ_OVFL message: 16 + 4, aligned
	buffers  []byte
	size     int
	seen     uint32 // SO_RXQ_OVFL as last told: counts since the socket was made, modulo 2^32

	read  func(fd uintptr) bool
	n     int
	errno syscall.Errno
}

func newReceiver(s *socket, size int) (*receiver, error) {
	raw, err := s.conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	r := &receiver{s: s, raw: raw, size: size, buffers: make([]byte, perCall*size)}
	for i := range r.msgs {
		r.iovs[i].Base = &r.buffers[i*size]
		r.iovs[i].SetLen(size)
		h := &r.msgs[i].hdr
		h.Iov = &r.iovs[i]
		h.SetIovlen(1)
		h.Name = (*byte)(unsafe.Pointer(&r.names[i]))
		h.Control = &r.controls[i][0]
	}
	r.read = r.tryRead
	return r, nil
}

// receive waits for datagrams and returns how many there are, at least one.
func (r *receiver) receive() (int, error) {
	for i := range r.msgs {
		h := &r.msgs[i].hdr
		h.Namelen = uint32(unsafe.Sizeof(r.names[i]))
		h.SetControllen(len(r.controls[i]))
	}
	if err := r.raw.Read(r.read); err != nil {
		return 0, err
	}
	if r.errno != 0 {
		return 0, r.errno
	}
	for i := range r.n {
		h := &r.msgs[i].hdr
		if h.Flags&unix.MSG_TRUNC != 0 {
			r.s.cut.Add(1)
		}
		r.countDrops(r.controls[i][:h.Controllen])
	}
	return r.n, nil
}

// tryRead is called by the poller when the socket may be readable; false = wait.
func (r *receiver) tryRead(fd uintptr) bool {
	for {
		n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&r.msgs[0])), perCall, unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return false
		}
		r.n, r.errno = int(n), errno
		return true
	}
}

// countDrops reads the SO_RXQ_OVFL message: there is one once the kernel dropped.
func (r *receiver) countDrops(control []byte) {
	if len(control) < unix.SizeofCmsghdr+4 {
		return
	}
	h := (*unix.Cmsghdr)(unsafe.Pointer(&control[0]))
	if h.Level != unix.SOL_SOCKET || h.Type != unix.SO_RXQ_OVFL {
		return
	}
	now := *(*uint32)(unsafe.Pointer(&control[unix.SizeofCmsghdr]))
	r.s.drops.Add(uint64(now - r.seen))
	r.seen = now
}

// ask asks the kernel for its count of drops: with datagrams it tells it only when the
// next one is received. Where it does not answer, or the socket is closed, the count
// stays as it was.
func (s *socket) ask() {
	raw, err := s.conn.SyscallConn()
	if err != nil {
		return
	}
	told := s.drops.Load() // before the kernel is asked, so that its count is not behind
	var info [memInfoVars]uint32
	size := uint32(unsafe.Sizeof(info))
	var errno syscall.Errno
	err = raw.Control(func(fd uintptr) {
		_, _, errno = unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO, uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	})
	if err != nil || errno != 0 || size < uint32(unsafe.Sizeof(info)) {
		return
	}
	s.asked.Store(told + uint64(info[memInfoDrops]-uint32(told)))
}

// SO_MEMINFO of sock_diag.h: nine numbers, of which the last is the drops, modulo 2^32.
const (
	memInfoVars  = 9
	memInfoDrops = 8
)

// datagram returns the i-th datagram of the last receive and its sender.
func (r *receiver) datagram(i int) (netip.AddrPort, []byte) {
	b := r.buffers[i*r.size:]
	return addrPort(&r.names[i]), b[:min(int(r.msgs[i].n), r.size)]
}

func addrPort(name *unix.RawSockaddrInet6) netip.AddrPort {
	port := func(p *uint16) uint16 { return binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(p))[:]) }
	switch name.Family {
	case unix.AF_INET:
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		return netip.AddrPortFrom(netip.AddrFrom4(v4.Addr), port(&v4.Port))
	case unix.AF_INET6:
		return netip.AddrPortFrom(netip.AddrFrom16(name.Addr).Unmap(), port(&name.Port))
	}
	return netip.AddrPort{}
}
