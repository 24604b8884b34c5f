package report

import (
	"fmt"
	"strconv"
	"strings"
)

// ParseDomain reads a domain written ID=N,N,…: the words of each bit from bit 0 on, 0
// where they are not known, with an s behind them where only INT-MD sources insert
// them, such as 0x5453=2s.
func ParseDomain(s string) (Domain, error) {
	id, words, ok := strings.Cut(s, "=")
	n, err := strconv.ParseUint(id, 0, 16)
	if !ok || err != nil || n == 0 {
		return Domain{}, fmt.Errorf("cannot read domain %q: want ID=N,N,… with an ID of 16 bits other than 0", s)
	}
	d := Domain{ID: uint16(n)}
	all := strings.Split(words, ",")
	if len(all) > len(d.Words) {
		return Domain{}, fmt.Errorf("cannot read domain %q: got %d bits, want at most 16", s, len(all))
	}
	for bit, w := range all {
		w, source := strings.CutSuffix(strings.TrimSpace(w), "s")
		n, err := strconv.ParseUint(w, 10, 8)
		if err != nil {
			return Domain{}, fmt.Errorf("cannot read domain %q: bit %d: got %q, want 0 to 255", s, bit, w)
		}
		d.Words[bit] = uint8(n)
		if source {
			d.SourceOnly |= 0x8000 >> bit
		}
	}
	return d, nil
}
