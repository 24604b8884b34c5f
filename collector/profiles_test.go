package collector

import (
	"net/netip"
	"testing"

	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/report/profile"
)

// Sources are read by their profiles: the configured one, or a guess, and it is told
// which. Streams are accounted for under the hw_id on the wire.
func TestProfiles(t *testing.T) {
	c := collectorFor(t, func(c *Config) {
		c.Profiles = []profile.Rule{
			{Prefix: netip.MustParsePrefix("10.0.0.0/24"), Profile: &profile.SwitchP416},
			{Prefix: netip.MustParsePrefix("10.0.1.0/24"), Profile: &profile.Mandaryoshi},
		}
	}, Deps{})
	var subsystems []uint8
	emit := func(r *postcard.Record) { subsystems = append(subsystems, r.HwID) }
	pipe2 := datagram(t, 5, 1, 1)
	pipe2[0], pipe2[1] = 0x20|8>>2, pipe2[1]&0x3f // hw_id 8
	c.Ingest(0, netip.MustParseAddrPort("10.0.0.1:7"), pipe2, emit)
	c.Ingest(0, netip.MustParseAddrPort("10.9.0.1:7"), datagram(t, 5, 1, 1), emit)
	unnumbered := datagram(t, 6, 0, 1)
	unnumbered[0] = 0x10 | unnumbered[0]&15
	for range 3 { // all of the same number, and none a duplicate
		c.Ingest(0, netip.MustParseAddrPort("10.0.1.1:7"), unnumbered, emit)
	}
	if len(subsystems) != 5 || subsystems[0] != 2 || subsystems[1] != 3 {
		t.Errorf("got subsystems %v, want 2, 3 and three more", subsystems)
	}
	s := c.Snapshot()
	want := []struct {
		profile string
		guess   bool
		hwID    uint8
		records uint64
	}{{"switch-p4-16", false, 8, 1}, {"mandaryoshi", false, 3, 3}, {"telltale", true, 3, 1}}
	if len(s.Sources) != len(want) {
		t.Fatalf("got %d streams", len(s.Sources))
	}
	for i, w := range want {
		o := &s.Sources[i]
		name, guess := Profile(o)
		if name != w.profile || guess != w.guess || o.HwID != w.hwID || o.Records != w.records || o.Datagrams != w.records || o.Lost != 0 {
			t.Errorf("stream %d: profile %s, guess %v, %+v, want %+v", i, name, guess, o, w)
		}
	}
	if s.Guessed != 1 || s.Sum.Records != 5 {
		t.Errorf("got %d datagrams guessed, %d records", s.Guessed, s.Sum.Records)
	}
	if l := c.Loss(6, 0, 1); l.Received != 3 || l.Lost != 0 {
		t.Errorf("loss of a source without numbers: got %+v", l)
	}
}
