package topology

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// This file holds the text of single values, in both directions.

func parseUint[T uint16 | uint32](s string) (T, error) {
	most := uint64(^T(0))
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n > most {
		return 0, fmt.Errorf("want a number 0…%d, got %q", most, s)
	}
	return T(n), nil
}

func parsePriority(s string) (int32, error) {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("want a number 1…%d, got %q", MaxPriority, s)
	}
	return int32(n), nil
}

func parseQueue(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("want a number of packets, got %q", s)
	}
	return int(n), nil
}

func parseBool(s string) (bool, error) { return oneOf("true", "false")(s) }

// oneOf reads one of two words as true or false.
func oneOf(yes, no string) func(string) (bool, error) {
	return func(s string) (bool, error) {
		if s != yes && s != no {
			return false, fmt.Errorf("want %s or %s, got %q", yes, no, s)
		}
		return s == yes, nil
	}
}

func parseAddr(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("want an IP address, got %q", s)
	}
	return a, nil
}

func parsePrefix(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("want a prefix like 10.1.1.0/24, got %q", s)
	}
	return p, nil
}

func parsePrefixOrAddr(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	return parsePrefix(s)
}

func parseMAC(s string) (m MAC, err error) {
	want := fmt.Errorf("want a MAC like 02:00:00:00:00:01, got %q", s)
	if len(s) != 17 {
		return MAC{}, want
	}
	for i := range m {
		if i > 0 && s[3*i-1] != ':' {
			return MAC{}, want
		}
		if _, err := hex.Decode(m[i:i+1], []byte(s[3*i:3*i+2])); err != nil {
			return MAC{}, want
		}
	}
	return m, nil
}

// parseEndpoint reads "node:7" or containerlab's "node:eth7".
func parseEndpoint(s string) (Endpoint, error) {
	node, port, ok := strings.Cut(s, ":")
	n, err := strconv.ParseUint(strings.TrimPrefix(port, "eth"), 10, 16)
	if !ok || node == "" || err != nil {
		return Endpoint{}, fmt.Errorf("want node:port, got %q", s)
	}
	return Endpoint{node, Port(n)}, nil
}

var protocols = map[string]uint8{"icmp": 1, "tcp": 6, "udp": 17}

func parseProto(s string) (uint8, error) {
	if p, ok := protocols[s]; ok {
		return p, nil
	}
	n, err := strconv.ParseUint(s, 10, 8)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("want tcp, udp, icmp or a number 1…255, got %q", s)
	}
	return uint8(n), nil
}

func formatProto(p uint8) string {
	for name, n := range protocols {
		if n == p {
			return name
		}
	}
	return strconv.Itoa(int(p))
}

// rateUnits from the largest.
var rateUnits = []struct {
	name string
	bps  int64
}{
	{"Tbps", 1e12},
	{"Gbps", 1e9},
	{"Mbps", 1e6},
	{"kbps", 1e3},
	{"bps", 1},
}

const unlimited = "unlimited"

// parseRate reads a decimal number with a unit, exactly, or "unlimited" as 0.
func parseRate(s string) (int64, error) {
	if s == unlimited {
		return 0, nil
	}
	for _, u := range rateUnits {
		number, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		whole, fraction, _ := strings.Cut(strings.TrimSpace(number), ".")
		n, err := strconv.ParseUint(whole, 10, 63)
		if err != nil || n > uint64(maxRate/u.bps) {
			break
		}
		rate, unit := int64(n)*u.bps, u.bps
		for _, c := range []byte(fraction) {
			if unit%10 != 0 || c < '0' || c > '9' { // finer than 1 b/s, or no digit
				return 0, rateError(s)
			}
			unit /= 10
			rate += int64(c-'0') * unit
		}
		if rate == 0 {
			break // would mean unlimited
		}
		return rate, nil
	}
	return 0, rateError(s)
}

func rateError(s string) error {
	return fmt.Errorf("want a rate like 100Mbps (bps, kbps, Mbps, Gbps, Tbps; 1bps…%s) or %s, got %q", formatRate(maxRate), unlimited, s)
}

// formatRate writes a whole number of the largest unit that allows one.
func formatRate(bps int64) string {
	if bps == 0 {
		return unlimited
	}
	for _, u := range rateUnits {
		if bps%u.bps == 0 {
			return strconv.FormatInt(bps/u.bps, 10) + u.name
		}
	}
	panic("BUG: every rate is a number of b/s")
}

func parseDelay(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("want a duration like 5us, got %q", s)
	}
	return d, nil
}

func formatDelay(d time.Duration) string { return strings.Replace(d.String(), "µ", "u", 1) }
