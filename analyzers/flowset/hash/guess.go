package hash

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Guess reads what a hash's text may mean where Parse does not understand it: the
// first known name in it, and the numbers behind as seeds. ok is false where no name is.
//
//	murmur3(1, 2, 3)    crc32 seeds=[1, 2, 3]    zlib.crc32;7    {"name":"md5","seeds":[1,2]}
func Guess(text string) (h Family, ok bool) {
	text = strings.Map(func(r rune) rune {
		if r == '_' {
			return '-'
		}
		return r
	}, strings.ToLower(text))
	names := make([]string, 0, len(aliases)+len(Algorithms()))
	for _, a := range Algorithms() {
		names = append(names, string(a))
	}
	for name := range aliases {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(len(b)-len(a), cmp.Compare(a, b)) })
	part := func(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' }
	first, rest := len(text), ""
	for _, name := range names { // the longest name at the first place where there is any
		i := strings.Index(text, name)
		end := i + len(name)
		if i < 0 || i >= first || i > 0 && part(text[i-1]) || end < len(text) && part(text[end]) {
			continue
		}
		first, rest = i, text[end:]
		h.Algorithm = cmp.Or(aliases[name], Algorithm(name))
	}
	if h.Algorithm == "" {
		return Family{}, false
	}
	h.Double = strings.Contains(rest, "double")
	for _, word := range strings.FieldsFunc(rest, func(r rune) bool { return r >= 128 || !part(byte(r)) }) {
		if n, err := strconv.ParseUint(word, 0, 64); err == nil {
			h.Seeds = append(h.Seeds, n)
		}
	}
	if len(h.Seeds) == 1 {
		h.Seed, h.Seeds = h.Seeds[0], nil
	}
	return h, true
}
