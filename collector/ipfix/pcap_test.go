package ipfix

import (
	"bytes"
	"net"
	"os"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// messagesOf writes templates, and each flow in a message of its own.
func messagesOf(flows []Flow) (messages [][]byte) {
	e := NewEncoder(config, func(m []byte, _ int) { messages = append(messages, bytes.Clone(m)) })
	e.Time(1_790_000_001)
	e.Templates()
	e.Flush()
	for i := range flows {
		e.Flow(&flows[i])
		e.Flush()
	}
	e.Reliability(Exported{1, 2, 3, 4, 5, 6})
	e.Flush()
	e.Reports(2001, 1000, 10)
	e.Flush()
	return messages
}

// writePcap writes messages as UDP datagrams to IPFIX's port.
func writePcap(t *testing.T, path string, messages [][]byte) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := pcapgo.NewWriter(f)
	if err := w.WriteFileHeader(65535, layers.LinkTypeEthernet); err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		ip := &layers.IPv4{Version: 4, IHL: 5, TTL: 64, Protocol: layers.IPProtocolUDP, SrcIP: net.IPv4(192, 0, 2, 1), DstIP: net.IPv4(192, 0, 2, 2)}
		udp := &layers.UDP{SrcPort: 40000, DstPort: 4739}
		if err := udp.SetNetworkLayerForChecksum(ip); err != nil {
			t.Fatal(err)
		}
		b := gopacket.NewSerializeBuffer()
		if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true},
			&layers.Ethernet{SrcMAC: make([]byte, 6), DstMAC: make([]byte, 6), EthernetType: layers.EthernetTypeIPv4}, ip, udp, gopacket.Payload(m)); err != nil {
			t.Fatal(err)
		}
		if err := w.WritePacket(gopacket.CaptureInfo{Timestamp: time.Unix(1_790_000_001, 0), CaptureLength: len(b.Bytes()), Length: len(b.Bytes())}, b.Bytes()); err != nil {
			t.Fatal(err)
		}
	}
}
