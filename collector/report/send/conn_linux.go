package send

import (
	"net"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mmsghdr is struct mmsghdr of sendmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
}

// conn is a connected UDP socket that sends a batch with one system call.
type conn struct {
	udp   *net.UDPConn
	raw   syscall.RawConn
	msgs  [perCall]mmsghdr
	iovs  [perCall]unix.Iovec
	write func(fd uintptr) bool

	want  int
	n     int
	errno syscall.Errno
}

func newConn(udp *net.UDPConn) (*conn, error) {
	raw, err := udp.SyscallConn()
	if err != nil {
		return nil, err
	}
	c := &conn{udp: udp, raw: raw}
	for i := range c.msgs {
		c.msgs[i].hdr.Iov = &c.iovs[i]
		c.msgs[i].hdr.SetIovlen(1)
	}
	c.write = c.tryWrite
	return c, nil
}

// send sends as many of the datagrams (at most perCall) as the system takes at once,
// waiting until it takes one. refused says that it told of nobody listening, of an
// earlier datagram; nothing was sent then.
func (c *conn) send(datagrams [][]byte) (sent int, refused bool, err error) {
	for i, b := range datagrams {
		c.iovs[i].Base = &b[0]
		c.iovs[i].SetLen(len(b))
	}
	c.want, c.n, c.errno = len(datagrams), 0, 0
	if err := c.raw.Write(c.write); err != nil {
		return 0, false, err
	}
	switch c.errno {
	case 0:
		return c.n, false, nil
	case unix.ECONNREFUSED:
		return 0, true, nil
	}
	return 0, false, c.errno
}

// tryWrite is called by the poller when the socket may be writable; false = wait.
func (c *conn) tryWrite(fd uintptr) bool {
	for {
		n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&c.msgs[0])), uintptr(c.want), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return false
		case 0:
			c.n = int(n)
		}
		c.errno = errno
		return true
	}
}

func (c *conn) port() uint16 { return c.udp.LocalAddr().(*net.UDPAddr).AddrPort().Port() }
