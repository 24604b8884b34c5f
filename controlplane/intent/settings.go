package intent

import (
	"errors"
	"fmt"
	"net/netip"
)

// ReportSession is the clone session by which both programs send reports.
const ReportSession = 100

// Settings are what an operator chooses for the whole fabric. The zero value
// reports nothing and limits nothing; start from [DefaultSettings].
type Settings struct {
	AllHops bool // a postcard of every packet at every hop
	Drops   bool // a postcard of every dropped packet

	ReportPort uint16 // UDP destination port of reports
	HwID       uint8  // of the report group header, 6 bits

	// QueueMargin is how many packets below a queue's end the program itself drops,
	// with a postcard: room for reports and for what ingress could not know.
	// A negative margin leaves drops to the traffic manager, which tells nobody.
	QueueMargin int
	// QueueWatch is the share of its queue, in percent, at which a packet that waited
	// reports congestion; 0 = never.
	QueueWatch int

	MTU       uint16 // between switches, bytes of IP, VXLAN included; 0 = no limit
	TenantMTU uint16 // towards hosts, bytes of IP; 0 = no limit

	Watch []WatchRule // on every switch
}

// WatchRule asks for a postcard at every hop from flows that match. A zero field
// matches anything. Addresses are the tenant's, where a packet is encapsulated.
type WatchRule struct {
	Priority         int32 // greater is looked at first, at least 1
	VNI              uint32
	Src, Dst         netip.Prefix
	Proto            uint8
	SrcPort, DstPort uint16
	Colour           uint8 // 1…3 travels with the packet; 0: each hop must match by itself
}

// DefaultSettings reports drops and congestion: the least that diagnoses.
func DefaultSettings() Settings {
	return Settings{Drops: true, ReportPort: 9555, QueueMargin: 4, QueueWatch: 50, MTU: 1600, TenantMTU: 1500}
}

// minMTU is what every IPv4 link carries (RFC 791).
const minMTU = 68

// Validate returns every setting that no switch could take.
func (s Settings) Validate() error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf("settings: "+format, args...)) }
	if s.ReportPort == 0 {
		fail("report port is 0")
	}
	if s.HwID > 63 {
		fail("hw id out of range: got %d, want 0…63", s.HwID)
	}
	if s.QueueWatch < 0 || s.QueueWatch > 100 {
		fail("queue watch out of range: got %d %%, want 0…100", s.QueueWatch)
	}
	if s.MTU != 0 && s.MTU < minMTU {
		fail("MTU out of range: got %d, want 0 or at least %d", s.MTU, minMTU)
	}
	if s.TenantMTU != 0 && s.TenantMTU < minMTU {
		fail("tenant MTU out of range: got %d, want 0 or at least %d", s.TenantMTU, minMTU)
	}
	seen := make(map[WatchRule]int)
	for i, w := range s.Watch {
		fail := func(format string, args ...any) { fail("watch rule %d: "+format, append([]any{i + 1}, args...)...) }
		if w.Priority < 1 {
			fail("priority out of range: got %d, want at least 1", w.Priority)
		}
		if w.VNI > 1<<24-1 {
			fail("VNI out of range: got %d, want at most %d", w.VNI, 1<<24-1)
		}
		for _, p := range []netip.Prefix{w.Src, w.Dst} {
			if p != (netip.Prefix{}) && (!p.IsValid() || !p.Addr().Is4()) {
				fail("prefix %v is not IPv4", p)
			}
		}
		if w.Colour > 3 {
			fail("colour out of range: got %d, want 0…3", w.Colour)
		}
		key := w
		key.Src, key.Dst, key.Colour = w.Src.Masked(), w.Dst.Masked(), 0
		if first, ok := seen[key]; ok {
			fail("matches the same with the same priority as rule %d", first)
		} else {
			seen[key] = i + 1
		}
	}
	return errors.Join(errs...)
}
