package profile

import (
	"encoding/binary"
	"net/netip"

	"github.com/telltale-net/telltale/collector/report"
)

// enough is how many datagrams of a source are looked at before its guess stands.
const enough = 4096

// guess is what the datagrams of one source have shown.
type guess struct {
	addr  netip.Addr
	looks uint32

	versions  [3]uint32
	domain    *Profile // of a domain that only one emitter uses
	layout    *Profile // of bytes that contradict the specification and fit one emitter
	reason    *Profile // of a drop reason that only one emitter has
	dummy     bool     // the made-up Ethernet header of int-host-reporter
	hwOr      uint8    // all hw_ids of version 2.0 together
	notTofino bool     // what switch-p4-16 never sends
	wide      bool     // INT 1.0 with 64-bit timestamps
}

func be16(b []byte) uint16 { return binary.BigEndian.Uint16(b) }
func be32(b []byte) uint32 { return binary.BigEndian.Uint32(b) }

// profile returns what the source most probably is.
func (g *guess) profile() *Profile {
	switch {
	case g.layout != nil:
		return g.layout
	case g.domain != nil:
		return g.domain
	case g.versions[0] > 0:
		switch {
		case g.reason != nil:
			return g.reason
		case g.dummy:
			return &HostReporter
		}
		return &FabricTNA
	case g.versions[1] > 0:
		if g.wide {
			return &GEANT
		}
	case g.versions[2] > 0:
		// hw_ids that are all multiples of four, not all of them 0.
		if !g.notTofino && g.hwOr != 0 && g.hwOr&3 == 0 {
			return &SwitchP416
		}
	}
	return &Standard
}

// look takes note of a datagram.
func (g *guess) look(b []byte) {
	if len(b) < 12 {
		return
	}
	g.looks++
	switch b[0] >> 4 {
	case 0:
		g.look05(b)
	case 1:
		g.look10(b)
	case 2:
		g.look20(b)
	}
}

func (g *guess) look05(b []byte) {
	g.versions[0]++
	const fixed = 12
	inner := fixed
	switch b[0] & 15 {
	case 1:
		if inner += 12; len(b) >= inner {
			switch reason := b[fixed+9]; {
			case fabricTNAReasons[reason] != "" && hostReporterReasons[reason] == "":
				g.reason = &FabricTNA
			case hostReporterReasons[reason] != "" && reason >= 180:
				g.reason = &HostReporter
			case fabricTNAReasons[reason] == "" && hostReporterReasons[reason] == "" && switchP416Reasons[reason] != "" && g.reason == nil:
				g.reason = &SwitchP416
			}
		}
	case 2:
		inner += 16
	}
	if len(b) >= inner+12 && string(b[inner:inner+12]) == "\xff\xff\xff\xff\xff\xff\x01\x02\x03\x04\x05\x06" {
		g.dummy = true
	}
}

// look10 also finds the layout of 2.0 under Ver = 1: by that of 1.0 its Length, the
// upper bits of a small hw_id, would be shorter than any header.
func (g *guess) look10(b []byte) {
	if b[0]&15 < 4 && len(b) >= 20 && b[8]>>4 == 1 && b[9] == 0 && b[10] == 0 && be32(b[12:]) == 0 && be32(b[16:]) == 0 {
		g.layout = &Mandaryoshi
		return
	}
	g.versions[1]++
	// RepMdBits 0, F, an Ethernet frame with IPv4 and UDP without options, and INT
	// 1.0 whose hops are as long as only 64-bit timestamps make them.
	const shim = 16 + 14 + 20 + 8
	if w := be32(b); w>>15&0x3f != 0 || w>>6&1 == 0 || len(b) < shim+12 || be16(b[28:]) != 0x0800 || b[30] != 0x45 {
		return
	}
	if h := b[shim+4:]; b[shim] == 1 && h[0]>>4 == 1 {
		ones, times, l2 := 0, 0, 0
		for bit, bitmap := 0, be16(h[4:]); bit < 16; bit++ {
			if bitmap&(0x8000>>bit) == 0 {
				continue
			}
			switch ones++; bit {
			case 4, 5:
				times++
			case 6:
				l2++
			}
		}
		if hop := int(h[2] & 0x1f); times > 0 && (hop == ones+times && times != l2 || hop == ones+times+l2) {
			g.wide = true
		}
	}
}

func (g *guess) look20(b []byte) {
	g.versions[2]++
	g.hwOr |= uint8(be32(b) >> report.SequenceBits & 0x3f)
	rep, in := b[8]>>4, b[8]&15
	if rep != 1 || in != 3 {
		g.notTofino = true
	}
	if len(b) < 20 {
		return
	}
	domain := be16(b[14:])
	switch {
	case rep == 0 && domain == report.TransparentSecurity.ID && (in == 4 || in == 5 || in == 2) && b[12]>>4 != 4 && b[12]>>4 != 6:
		// Inner Only, yet what stands there is no packet but main contents.
		g.layout = &CableLabs
	case rep == 1 && domain == report.ExtensionID:
		g.domain = &Telltale
	case rep == 1 && domain != 0:
		g.notTofino = true
	}
	if rep == 1 && be16(b[12:])&0x0800 != 0 { // an ingress timestamp of more than 48 bits
		at := 20
		for _, bit := range [...]uint16{0x4000, 0x2000, 0x1000} {
			if be16(b[12:])&bit != 0 {
				at += 4
			}
		}
		if len(b) >= at+2 && be16(b[at:]) != 0 {
			g.notTofino = true
		}
	}
}
