package port

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/telltale-net/telltale/bmv2/hash"
)

// packetSocket is a port on a network interface. The kernel hands over frames as the
// stack has them, which is not as they would be on a wire; both gaps are closed here:
//
//   - a VLAN tag stands beside the frame (PACKET_AUXDATA) and is put back into it;
//   - a checksum may be left to hardware that a veth does not have (PACKET_VNET_HDR says
//     where it belongs) and is finished here.
//
// Frames merged by segmentation offload cannot be put on a wire; they are counted.
type packetSocket struct {
	name     string
	file     *os.File // of the socket, for the runtime's poller
	raw      rawConn
	buf      []byte
	oob      []byte
	out      []byte
	oversize atomic.Uint64
	closed   atomic.Bool
}

type rawConn interface {
	Read(func(fd uintptr) bool) error
	Write(func(fd uintptr) bool) error
}

// The virtio_net header in front of every frame, in the byte order of the machine:
//
//	flags 8 │ gso type 8 │ header length 16 │ gso size 16 │ checksum start 16 │ checksum offset 16
const (
	vnetHeader    = 10
	vnetNeedsCsum = 1
	vlanTag       = 4
	macs          = 12 // bytes in front of a VLAN tag
	ethPAll       = unix.ETH_P_ALL
)

func openInterface(name string) (Driver, error) {
	iface, err := net.InterfaceByName(name)
	if err != nil {
		return nil, err
	}
	protocol := int(htons(ethPAll))
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return nil, fmt.Errorf("packet socket, which takes the right CAP_NET_RAW: %w", err)
	}
	fail := func(what string, err error) (Driver, error) {
		return nil, errors.Join(fmt.Errorf("%s: %w", what, err), unix.Close(fd))
	}
	for _, o := range []struct {
		what   string
		option int
	}{
		{"not hearing our own frames", unix.PACKET_IGNORE_OUTGOING},
		{"VLAN tags", unix.PACKET_AUXDATA},
		{"checksums", unix.PACKET_VNET_HDR},
	} {
		if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, o.option, 1); err != nil {
			return fail("packet socket: "+o.what, err)
		}
	}
	if err := unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP,
		&unix.PacketMreq{Ifindex: int32(iface.Index), Type: unix.PACKET_MR_PROMISC}); err != nil {
		return fail("promiscuous mode", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: htons(ethPAll), Ifindex: iface.Index}); err != nil {
		return fail("bind", err)
	}
	p := &packetSocket{
		name: name, file: os.NewFile(uintptr(fd), "packet:"+name),
		buf: make([]byte, vlanTag+vnetHeader+MaxFrame), oob: make([]byte, 256), out: make([]byte, vnetHeader),
	}
	if p.raw, err = p.file.SyscallConn(); err != nil {
		return fail("packet socket", err)
	}
	return p, nil
}

func htons(v uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, v))
}

func (p *packetSocket) Receive() ([]byte, error) {
	for {
		var n, oobn, flags int
		var err error
		// Room for a VLAN tag stays free in front.
		waitErr := p.raw.Read(func(fd uintptr) bool {
			err = unix.EINTR
			for errors.Is(err, unix.EINTR) {
				n, oobn, flags, _, err = unix.Recvmsg(int(fd), p.buf[vlanTag:], p.oob, 0)
			}
			return !errors.Is(err, unix.EAGAIN)
		})
		if waitErr != nil && p.closed.Load() {
			return nil, ErrClosed
		}
		if err = errors.Join(waitErr, err); err != nil {
			if errors.Is(err, unix.ENETDOWN) {
				continue // the interface went down; it may come up again
			}
			return nil, fmt.Errorf("cannot receive on %s: %w", p.name, err)
		}
		if flags&unix.MSG_TRUNC != 0 || n < vnetHeader {
			p.oversize.Add(1)
			continue
		}
		frame, ok := complete(p.buf, n, vlanOf(p.oob[:oobn]))
		if !ok {
			p.oversize.Add(1)
			continue
		}
		return frame, nil
	}
}

// vlan is the tag that stands beside a frame.
type vlan struct {
	tpid, tci uint16
	there     bool
}

// vlanOf finds the tag in the control messages.
func vlanOf(oob []byte) vlan {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return vlan{}
	}
	for _, m := range messages {
		if m.Header.Level != unix.SOL_PACKET || m.Header.Type != unix.PACKET_AUXDATA || len(m.Data) < int(unsafe.Sizeof(unix.TpacketAuxdata{})) {
			continue
		}
		// status 32, length 32, captured 32, mac 16, net 16, VLAN TCI 16, VLAN TPID 16
		o := binary.NativeEndian
		status := o.Uint32(m.Data)
		v := vlan{tpid: 0x8100, tci: o.Uint16(m.Data[16:]), there: status&unix.TP_STATUS_VLAN_VALID != 0}
		if status&unix.TP_STATUS_VLAN_TPID_VALID != 0 {
			v.tpid = o.Uint16(m.Data[18:])
		}
		return v
	}
	return vlan{}
}

// complete makes the frame that would be on a wire of n bytes at buf[vlanTag:]: header,
// then frame. It fails for merged frames. The result is within buf.
func complete(buf []byte, n int, tag vlan) ([]byte, bool) {
	h, frame := buf[vlanTag:vlanTag+vnetHeader], buf[vlanTag+vnetHeader:vlanTag+n]
	o := binary.NativeEndian
	if h[1] != 0 {
		return nil, false
	}
	if h[0]&vnetNeedsCsum != 0 {
		start, at := int(o.Uint16(h[6:])), int(o.Uint16(h[6:]))+int(o.Uint16(h[8:]))
		if start > len(frame) || at+2 > len(frame) {
			return nil, false
		}
		// The field holds the sum of the pseudo header already.
		sum := hash.Checksum(frame[start:])
		if sum == 0 {
			sum = 0xffff // UDP: 0 would mean none
		}
		binary.BigEndian.PutUint16(frame[at:], sum)
	}
	if tag.there && len(frame) >= macs {
		start := vnetHeader // the frame begins four bytes earlier
		copy(buf[start:], frame[:macs])
		binary.BigEndian.PutUint16(buf[start+macs:], tag.tpid)
		binary.BigEndian.PutUint16(buf[start+macs+2:], tag.tci)
		frame = buf[start : vlanTag+n]
	}
	return frame, len(frame) <= MaxFrame
}

func (p *packetSocket) Send(frame []byte) error {
	p.out = append(p.out[:vnetHeader], frame...) // the header in front is zero: nothing is left to do
	var err error
	waitErr := p.raw.Write(func(fd uintptr) bool {
		err = unix.EINTR
		for errors.Is(err, unix.EINTR) {
			_, err = unix.Write(int(fd), p.out)
		}
		return !errors.Is(err, unix.EAGAIN)
	})
	if err = errors.Join(waitErr, err); err != nil {
		return fmt.Errorf("cannot send %d bytes on %s: %w", len(frame), p.name, err)
	}
	return nil
}

func (p *packetSocket) Stats() Stats { return Stats{Oversize: p.oversize.Load()} }

func (p *packetSocket) Close() error {
	p.closed.Store(true)
	return p.file.Close()
}
