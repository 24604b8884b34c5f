package port

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/telltale-net/telltale/bmv2/hash"
	"github.com/telltale-net/telltale/internal/testutil"
)

// veths makes two interfaces that are the ends of one wire.
func veths(t *testing.T) (a, b string) {
	t.Helper()
	if os.Geteuid() != 0 {
		testutil.Absent(t, "the right to make network interfaces (root)")
	}
	ip, err := exec.LookPath("ip")
	if err != nil {
		testutil.Absent(t, "the tool ip (iproute2)")
	}
	a, b = fmt.Sprintf("tt%da", os.Getpid()), fmt.Sprintf("tt%db", os.Getpid())
	run := func(args ...string) {
		if out, err := exec.Command(ip, args...).CombinedOutput(); err != nil {
			t.Skipf("ip %v: %v: %s", args, err, out) // a container may be without the right
		}
	}
	run("link", "add", a, "type", "veth", "peer", "name", b)
	t.Cleanup(func() {
		if out, err := exec.Command(ip, "link", "delete", a).CombinedOutput(); err != nil {
			t.Errorf("ip link delete: %v: %s", err, out)
		}
	})
	for _, dev := range []string{a, b} {
		// Without addresses the kernel has nothing to say on them.
		_ = os.WriteFile("/proc/sys/net/ipv6/conf/"+dev+"/disable_ipv6", []byte("1"), 0o644)
		run("link", "set", dev, "up", "mtu", "9100")
	}
	return a, b
}

func TestInterface(t *testing.T) {
	x, y := veths(t)
	a, err := Open("veth:" + x)
	if err != nil {
		t.Skip(err)
	}
	b, err := Open("veth:" + y)
	if err != nil {
		t.Fatal(err)
	}
	send := func(frame []byte) {
		t.Helper()
		if err := a.Send(frame); err != nil {
			t.Fatal(err)
		}
		for {
			got, err := b.Receive()
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Equal(got, frame) {
				return
			}
			t.Logf("something else on the wire: %x", got)
		}
	}
	ethernet := []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}
	for _, n := range []int{60, 1514, 9000} {
		send(append(append(bytes.Clone(ethernet), 0x88, 0xb5), bytes.Repeat([]byte{7}, n-14)...))
	}
	// The kernel takes the tag off; the driver puts it back.
	send(append(append(bytes.Clone(ethernet), 0x81, 0, 0x20, 5, 0x88, 0xb5), make([]byte, 50)...))
	send(append(append(bytes.Clone(ethernet), 0x88, 0xa8, 0, 6, 0x81, 0, 0, 5, 0x88, 0xb5), make([]byte, 50)...))
	closes(t, a)
	closes(t, b)
}

// header is a virtio_net header.
func header(flags, gso byte, start, offset uint16) []byte {
	o := binary.NativeEndian
	h := []byte{flags, gso, 0, 0, 0, 0}
	return o.AppendUint16(o.AppendUint16(h, start), offset)
}

func TestCompleteFinishesChecksums(t *testing.T) {
	payload := []byte{0, 0, 0x12, 0x34, 0xff}
	frame := append(bytes.Repeat([]byte{9}, 14), payload...)
	buf := append(append(make([]byte, vlanTag), header(vnetNeedsCsum, 0, 14, 0)...), frame...)
	got, ok := complete(buf, vnetHeader+len(frame), vlan{})
	if !ok {
		t.Fatal("not completed")
	}
	if sum := hash.Checksum(got[14:]); sum != 0 {
		t.Errorf("got %x with a checksum that is off by %04x", got, sum)
	}
}

func TestCompleteRefuses(t *testing.T) {
	f := func(what string, h []byte, n int) {
		t.Helper()
		buf := append(append(make([]byte, vlanTag), h...), make([]byte, n)...)
		if got, ok := complete(buf, vnetHeader+n, vlan{}); ok {
			t.Errorf("%s: got %d bytes", what, len(got))
		}
	}
	f("merged", header(0, 1, 0, 0), 100)
	f("checksum behind the frame", header(vnetNeedsCsum, 0, 98, 1), 100)
	f("start behind the frame", header(vnetNeedsCsum, 0, 0xffff, 0xffff), 100)
	f("no room at all", header(vnetNeedsCsum, 0, 0, 0), 1)
}

// FuzzComplete: whatever the kernel might say, nothing is read or written outside.
func FuzzComplete(f *testing.F) {
	f.Add(header(vnetNeedsCsum, 0, 14, 16), make([]byte, 60), uint16(0x8100), true)
	f.Add(header(0, 0, 0, 0), make([]byte, 5), uint16(0x8100), true)
	f.Fuzz(func(t *testing.T, h, frame []byte, tpid uint16, tagged bool) {
		if len(h) != vnetHeader || len(frame) > MaxFrame {
			return
		}
		buf := append(append(make([]byte, vlanTag), h...), frame...)
		got, ok := complete(buf, vnetHeader+len(frame), vlan{tpid, 5, tagged})
		if !ok {
			return
		}
		want := len(frame)
		if tagged && want >= macs {
			want += vlanTag
		}
		if len(got) != want {
			t.Fatalf("got %d bytes, want %d", len(got), want)
		}
	})
}

// FuzzVLAN: control messages come from the kernel, and still are bytes.
func FuzzVLAN(f *testing.F) {
	f.Add([]byte{})
	f.Add(make([]byte, 64))
	f.Fuzz(func(_ *testing.T, oob []byte) { vlanOf(oob) })
}
