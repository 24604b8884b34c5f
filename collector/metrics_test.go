package collector

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/telltale-net/telltale/collector/sequence"
)

func TestMetricsText(t *testing.T) {
	s := Snapshot{
		Datagrams: 7,
		Sources: []sequence.Source{{
			Key:    sequence.Key{Source: netip.MustParseAddr("2001:db8::1"), Node: 5, HwID: 3, Version: 2},
			Totals: sequence.Totals{Datagrams: 6, Lost: -1, Shed: 2},
		}},
		Sockets: []SocketStats{{Address: "[::]:9555", ReceiveBuffer: 425984, Received: 7, KernelDrops: 9, KernelCounts: true}, {Address: "[::]:9555"}},
	}
	var b strings.Builder
	if err := s.WriteMetrics(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"# TYPE telltale_collector_datagrams_total counter\ntelltale_collector_datagrams_total 7\n",
		`telltale_collector_malformed_total{cause="length_beyond"} 0` + "\n",
		`telltale_collector_source_shed_total{source="2001:db8::1",node="5",hw_id="3",version="2"} 2` + "\n",
		`telltale_collector_source_lost_datagrams{source="2001:db8::1",node="5",hw_id="3",version="2"} 0` + "\n",
		`telltale_collector_socket_kernel_drops_total{socket="0",address="[::]:9555"} 9` + "\n# TYPE", // socket 1 does not tell
		`telltale_collector_socket_receive_buffer_bytes{socket="0",address="[::]:9555"} 425984` + "\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in:\n%s", want, b.String())
		}
	}
	seen := map[string]bool{}
	for line := range strings.Lines(b.String()) {
		name, _, _ := strings.Cut(line, " ")
		if !strings.HasPrefix(line, "#") && seen[name] {
			t.Errorf("twice: %s", line)
		}
		seen[name] = true
	}
	full := errors.New("disk full")
	if err := s.WriteMetrics(failing{full}); !errors.Is(err, full) {
		t.Errorf("got %v, want %v", err, full)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
