package stf

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// Result is what came of a script.
type Result struct {
	Script   string
	Err      error    // nil = every expectation held; a [*Mismatch], an [*Error] or another failure with its position
	Log      []string // what reading commands read, with positions
	Packets  int      // packets sent in
	Captured int      // packets that left
}

// Passed says whether every expectation held.
func (r Result) Passed() bool { return r.Err == nil }

// Mismatch is the first difference between what a script expects and what left
// the switch.
type Mismatch struct {
	Pos      Pos    // of the expectation; of the script's first line for a packet nobody expects
	Port     uint16 //
	Index    int    // of the packet among those of its port, from 1
	What     string // what differs, in words
	Expected string // hexadecimal digits and '*'; empty if none was expected
	Seen     []byte // nil if none was seen
	digit    int    // first that differs, -1 = not a digit
}

// Error is one line of what and where, then both packets side by side, sixteen
// bytes a line, the first difference marked.
func (m *Mismatch) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: port %d, packet %d: %s", m.Pos, m.Port, m.Index, m.What)
	seen := hex.EncodeToString(m.Seen)
	const digits = 32
	rows := max((len(m.Expected)+digits-1)/digits, (len(seen)+digits-1)/digits)
	if rows == 0 {
		return b.String()
	}
	fmt.Fprintf(&b, "\n        %-47s   %s", "expected", "seen")
	cut := func(s string, row int) string {
		return s[min(len(s), row*digits):min(len(s), (row+1)*digits)]
	}
	for row := range rows {
		fmt.Fprintf(&b, "\n  %04x  %-47s | %s", row*digits/2, inPairs(cut(m.Expected, row)), inPairs(cut(seen, row)))
		if at := m.digit - row*digits; m.digit >= 0 && at >= 0 && at < digits {
			mark := strings.Repeat(" ", at+at/2) + "^"
			fmt.Fprintf(&b, "\n        %-47s   %s", mark, mark)
		}
	}
	return b.String()
}

func inPairs(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i += 2 {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(s[i:min(len(s), i+2)])
	}
	return b.String()
}

// compare returns nil if a packet is as expected.
func compare(e *Expect, port uint16, index int, seen []byte) *Mismatch {
	m := &Mismatch{Pos: e.Pos, Port: port, Index: index, Expected: e.Data, Seen: seen, digit: -1}
	got := hex.EncodeToString(seen)
	for i := range min(len(e.Data), len(got)) {
		if e.Data[i] != '*' && e.Data[i] != got[i] {
			m.What, m.digit = fmt.Sprintf("byte %d: got %s; want %s", i/2, got[i&^1:i&^1+2], e.Data[i&^1:min(i&^1+2, len(e.Data))]), i
			return m
		}
	}
	switch {
	case len(got) < len(e.Data):
		m.What, m.digit = fmt.Sprintf("too short: got %d bytes; want %s", len(seen), length(e.Data)), len(got)
	case e.Exact && len(got) > len(e.Data):
		m.What, m.digit = fmt.Sprintf("too long: got %d bytes; want %s", len(seen), length(e.Data)), len(e.Data)
	default:
		return nil
	}
	return m
}

func length(digits string) string {
	if len(digits)%2 == 0 {
		return fmt.Sprint(len(digits) / 2)
	}
	return fmt.Sprintf("%d and a half", len(digits)/2)
}
