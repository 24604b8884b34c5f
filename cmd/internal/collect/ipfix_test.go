package collect

import (
	"bytes"
	"encoding/binary"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/netsampler/goflow2/v2/decoders/netflow"

	"github.com/telltale-net/telltale/collector/report/send"
)

// Every packet that a network reports arrives at an IPFIX collector in some flow, and so
// does how many reports there were.
func TestIPFIX(t *testing.T) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.(*net.UDPConn).SetReadBuffer(4 << 20)
	s, _ := NewSettings()
	for _, o := range s.outputs {
		if i, ok := o.(*ipfixSettings); ok {
			i.cfg.To, i.cfg.Idle = c.LocalAddr().String(), 100*time.Millisecond
		}
	}
	r := run(t, s)
	r.send(send.Config{Rate: 50_000, Sources: 2, Coalesce: 15, Count: 3000, FirstNode: 7}, 3000)
	if got := r.get("/metrics"); !strings.Contains(got, "telltale_ipfix_records_shed_total 0\n") {
		t.Errorf("records were shed:\n%s", got)
	}
	if _, err := r.stop(); err != nil {
		t.Fatal(err)
	}
	templates := netflow.CreateTemplateSystem()
	packets, reports := map[uint64]uint64{}, map[uint64]uint64{}
	b := make([]byte, 1<<16)
	value := func(fields []netflow.DataField, id uint16) uint64 {
		for _, f := range fields {
			if f.Type&^(1<<15) == id {
				raw, _ := f.Value.([]byte)
				return binary.BigEndian.Uint64(append(make([]byte, 8-len(raw)), raw...))
			}
		}
		return 0
	}
	for {
		_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond)) // all was sent before the end
		n, _, err := c.ReadFrom(b)
		if err != nil {
			break
		}
		var base netflow.NFv9Packet
		var p netflow.IPFIXPacket
		if err := netflow.DecodeMessageVersion(bytes.NewBuffer(bytes.Clone(b[:n])), templates, &base, &p); err != nil {
			t.Fatal(err)
		}
		for _, set := range p.FlowSets {
			switch s := set.(type) {
			case netflow.DataFlowSet:
				for _, f := range s.Records {
					packets[value(f.Values, 138)] += value(f.Values, 2) + value(f.Values, 133)
				}
			case netflow.OptionsDataFlowSet:
				for _, f := range s.Records {
					if node := value(f.ScopesValues, 138); node != 0 {
						reports[node] = value(f.OptionsValues, 10)
					}
				}
			}
		}
	}
	if packets[7]+packets[8] != 3000 || packets[7] == 0 || packets[8] == 0 {
		t.Errorf("got packets by node %v, want 3000 of nodes 7 and 8", packets)
	}
	if reports[7]+reports[8] != 200 {
		t.Errorf("got datagrams by node %v, want 200", reports)
	}
}

func TestIPFIXSettings(t *testing.T) {
	for want, args := range map[string][]string{
		"want HOST:PORT":       {"--ipfix=nowhere"},
		"transport \"http\"":   {"--ipfix=http://x:1"},
		"want 32 bits":         {"--ipfix=x:1", "--ipfix-domain=4294967296"},
		"enterprise number":    {"--ipfix=x:1", "--ipfix-enterprise=0"},
		"length of a message":  {"--ipfix=x:1", "--ipfix-message=70000"},
		"authority of the col": {"--ipfix=tls://x:1", "--ipfix-ca=/nowhere/at/all"},
	} {
		s, fs := NewSettings()
		if err := fs.Parse(append([]string{"--data=/nowhere"}, args...)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Pipeline(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: got %v, want %q in it", args, err, want)
		}
	}
}
