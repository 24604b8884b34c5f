package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/VictoriaMetrics/VictoriaMetrics/lib/prompb"
	"github.com/klauspost/compress/snappy"
	"github.com/netsampler/goflow2/v2/decoders/netflow"
)

// sent holds what `telltale losses` and `telltale flows` send against what the lab lost on
// a link: over IPFIX, by remote write, and as text.
func (l *labLog) sent(t *testing.T, link string) {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.(*net.UDPConn).SetReadBuffer(8 << 20)
	var mu sync.Mutex
	written := map[string]float64{} // the last value of each series
	times := map[int64]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err == nil {
			b, err = snappy.Decode(nil, b)
		}
		var u prompb.WriteRequestUnmarshaler
		wr, err2 := u.UnmarshalProtobuf(b)
		if err != nil || err2 != nil {
			panic(fmt.Sprint(err, err2))
		}
		mu.Lock()
		defer mu.Unlock()
		for _, s := range wr.Timeseries {
			for _, x := range s.Samples {
				written[strings.Clone(prompb.LabelsToString(s.Labels))] = x.Value
				times[x.Timestamp] = true
			}
		}
	}))
	defer server.Close()
	_, note := l.run(t, "losses", "--ipfix", c.LocalAddr().String(), "--remote-write", server.URL, "--step", "500ms", "--metrics-label", "source=lab")
	lost, _ := ipfixOf(t, c)
	if len(lost) != 1 || lost[link] != l.lost || !strings.Contains(note, "flow records sent over IPFIX") {
		t.Errorf("IPFIX: got %v and %q, want %d on %s", lost, note, l.lost, link)
	}
	told := uint64(0)
	for name, v := range written {
		if strings.Contains(name, `__name__="telltale_flowset_lost_packets_total"`) && strings.Contains(name, `place="wire"`) && strings.Contains(name, `source="lab"`) {
			told += uint64(v)
		}
	}
	if told != l.lost || !times[500] || !times[1000] || times[time.Now().UnixMilli()/500*500] || !strings.Contains(note, " samples sent by remote write") {
		t.Errorf("remote write: %d lost at %v, want %d; %q", told, times, l.lost, note)
	}

	lines, _ := l.run(t, "losses", "--format", "prometheus", "--step", "500ms")
	last := map[string]string{}
	for _, line := range lines {
		if name, rest, ok := strings.Cut(line, "} "); ok {
			v, at, _ := strings.Cut(rest, " ")
			last[name] = v
			if n, err := strconv.ParseInt(at, 10, 64); err != nil || n < 0 || n > 3000 {
				t.Fatalf("time %q in %s", at, line)
			}
		}
	}
	told = 0
	for name, v := range last {
		if strings.HasPrefix(name, "telltale_flowset_lost_packets_total{") && strings.Contains(name, `place="wire"`) {
			n, _ := strconv.ParseUint(v, 10, 64)
			told += n
		}
	}
	if told != l.lost {
		t.Errorf("text: %d lost, want %d", told, l.lost)
	}

	l.run(t, "flows", "--ipfix", c.LocalAddr().String())
	if _, packets := ipfixOf(t, c); packets["leaf2"] == 0 || packets["spine1"] == 0 {
		t.Errorf("flows: packets by node %v", packets)
	}
}

// ipfixOf returns what flows lost by link, and had by node, in all that came.
func ipfixOf(t *testing.T, c net.PacketConn) (lost, packets map[string]uint64) {
	t.Helper()
	lost, packets = map[string]uint64{}, map[string]uint64{}
	templates := netflow.CreateTemplateSystem()
	b := make([]byte, 1<<16)
	for {
		_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond)) // all was sent before
		n, _, err := c.ReadFrom(b)
		if err != nil {
			return lost, packets
		}
		var base netflow.NFv9Packet
		var p netflow.IPFIXPacket
		if err := netflow.DecodeMessageVersion(bytes.NewBuffer(bytes.Clone(b[:n])), templates, &base, &p); err != nil {
			t.Fatal(err)
		}
		for _, set := range p.FlowSets {
			s, ok := set.(netflow.DataFlowSet)
			if !ok {
				continue
			}
			for _, r := range s.Records {
				v := map[uint16][]byte{}
				for _, f := range r.Values {
					id := f.Type &^ (1 << 15)
					if f.PenProvided {
						id |= 1 << 15
					}
					v[id], _ = f.Value.([]byte)
				}
				node, next := string(v[13|1<<15]), string(v[15|1<<15])
				if s.Id >= 264 {
					lost[node+">"+next] += binary.BigEndian.Uint64(v[133])
				} else {
					packets[node] += binary.BigEndian.Uint64(v[2])
				}
			}
		}
	}
}
