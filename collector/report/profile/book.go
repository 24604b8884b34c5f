package profile

import (
	"fmt"
	"net/netip"
	"slices"
)

// Rule gives the sources of a prefix a profile.
type Rule struct {
	Prefix  netip.Prefix
	Profile *Profile
}

// Choice is the profile of a source.
type Choice struct {
	*Profile
	Guessed bool // from the traffic: no rule has the source
}

// Book knows the profiles of sources: those of its rules, and guesses for the
// others, in bounded memory. It is not safe for concurrent use.
type Book struct {
	rules  []Rule // the longest prefix first
	most   int
	index  map[netip.Addr]int32
	guess  []guess
	clock  int // next to be forgotten, when there are most
	last   netip.Addr
	choice Choice
	at     int32 // of the guess behind choice; −1 = a rule

	guessed   uint64
	changed   uint64
	forgotten uint64
}

// Counts say how a book's choices came about.
type Counts struct {
	Guessed   uint64 // datagrams read by a guess
	Changed   uint64 // guesses that were revised
	Forgotten uint64 // sources whose guess was given up to stay within bounds
}

// NewBook returns a book with rules, the longest matching prefix of which wins, that
// remembers guesses for at most sources others (at least one).
func NewBook(rules []Rule, sources int) (*Book, error) {
	b := &Book{most: max(1, sources), index: map[netip.Addr]int32{}}
	for _, r := range rules {
		if !r.Prefix.IsValid() || r.Profile == nil {
			return nil, fmt.Errorf("cannot give sources a profile: prefix %v, profile %v: want both", r.Prefix, r.Profile)
		}
		p := r.Prefix.Masked()
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		b.rules = append(b.rules, Rule{p, r.Profile})
	}
	slices.SortStableFunc(b.rules, func(x, y Rule) int { return y.Prefix.Bits() - x.Prefix.Bits() })
	return b, nil
}

// ParseRule reads a rule written PREFIX=PROFILE or ADDRESS=PROFILE.
func ParseRule(s string) (Rule, error) {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] != '=' {
			continue
		}
		p := ByName(s[i+1:])
		if p == nil {
			return Rule{}, fmt.Errorf("cannot read profile rule %q: profile: got %q, want one of %v", s, s[i+1:], Names())
		}
		prefix, err := netip.ParsePrefix(s[:i])
		if err != nil {
			a, err := netip.ParseAddr(s[:i])
			if err != nil {
				return Rule{}, fmt.Errorf("cannot read profile rule %q: got %q, want an address or a prefix", s, s[:i])
			}
			prefix = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen())
		}
		return Rule{prefix, p}, nil
	}
	return Rule{}, fmt.Errorf("cannot read profile rule %q: want PREFIX=PROFILE", s)
}

// Names are the names of all profiles.
func Names() []string {
	names := make([]string, len(All))
	for i, p := range All {
		names[i] = p.Name
	}
	return names
}

// Of returns the profile by which to read a datagram (the UDP payload) from src.
// Where no rule has the source it looks at the datagram and may change its mind. It
// allocates nothing but for the first datagram of a source.
func (b *Book) Of(src netip.AddrPort, datagram []byte) Choice {
	addr := src.Addr().Unmap()
	if addr != b.last || b.choice.Profile == nil {
		b.find(addr)
	}
	if b.at < 0 {
		return b.choice
	}
	g := &b.guess[b.at]
	if before := b.choice.Profile; g.looks < enough {
		g.look(datagram)
		if b.choice.Profile = g.profile(); b.choice.Profile != before && g.looks > 1 {
			b.changed++
		}
	}
	b.guessed++
	return b.choice
}

func (b *Book) find(addr netip.Addr) {
	b.last = addr
	for _, r := range b.rules {
		if r.Prefix.Contains(addr) {
			b.choice, b.at = Choice{Profile: r.Profile}, -1
			return
		}
	}
	i, ok := b.index[addr]
	switch {
	case ok:
	case len(b.guess) < b.most:
		i = int32(len(b.guess))
		b.guess = append(b.guess, guess{addr: addr})
		b.index[addr] = i
	default:
		i = int32(b.clock)
		b.clock = (b.clock + 1) % b.most
		delete(b.index, b.guess[i].addr)
		b.guess[i] = guess{addr: addr}
		b.index[addr] = i
		b.forgotten++
	}
	b.at = i
	b.choice = Choice{Profile: b.guess[i].profile(), Guessed: true}
}

// Alone guesses the profile of a datagram from nothing but itself, for streams that do
// not say where their datagrams came from.
func Alone(datagram []byte) Choice {
	var g guess
	g.look(datagram)
	return Choice{Profile: g.profile(), Guessed: true}
}

// Counts returns how the choices so far came about.
func (b *Book) Counts() Counts { return Counts{b.guessed, b.changed, b.forgotten} }
