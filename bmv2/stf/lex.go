package stf

import (
	"fmt"
	"strings"
)

// token is a word of a script.
type token struct {
	kind tokenKind
	text string
	pos  Pos
}

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenName
	tokenNumber // digits, or 0x or 0b and more; wild digits allowed
	tokenPunct  // one of : , . [ ] ( ) / = == != < <= > >=
	tokenData   // rest of a packet or expect line, hexadecimal digits, '*' and '$'
)

func (t token) String() string {
	if t.kind == tokenEnd {
		return "end of statement"
	}
	return fmt.Sprintf("%q", t.text)
}

// line is the tokens of a statement that begins on a line of its own.
type line struct {
	verb   token
	tokens []token
	end    Pos
}

// split cuts a script into statements. A line that begins with no keyword
// continues an add or setdefault above it.
func split(name, src string) ([]line, error) {
	var lines []line
	for i, text := range strings.Split(src, "\n") {
		pos := Pos{name, i + 1, 1}
		text = strings.TrimSuffix(text, "\r")
		tokens, err := lexLine(pos, text)
		if err != nil {
			return nil, err
		}
		end := Pos{name, i + 1, len(text) + 1}
		if len(tokens) == 0 {
			continue
		}
		verb := tokens[0]
		verb.text = strings.ToLower(verb.text)
		if verb.kind == tokenName && verbs[verb.text] {
			lines = append(lines, line{verb, tokens[1:], end})
			continue
		}
		if len(lines) > 0 {
			if last := &lines[len(lines)-1]; last.verb.text == "add" || last.verb.text == "setdefault" {
				last.tokens, last.end = append(last.tokens, tokens...), end
				continue
			}
		}
		return nil, &Error{tokens[0].pos, fmt.Sprintf("got %s; want a statement such as packet, expect or add", tokens[0])}
	}
	return lines, nil
}

func lexLine(pos Pos, s string) ([]token, error) {
	var tokens []token
	for i := 0; i < len(s); {
		at := pos
		at.Col = i + 1
		rest := s[i:]
		c := s[i]
		add := func(kind tokenKind, n int) {
			tokens = append(tokens, token{kind, rest[:n], at})
			i += n
		}
		switch {
		case c == ' ' || c == '\t':
			i++
		case c == '#':
			return tokens, nil
		case c == '"':
			n := strings.IndexByte(rest[1:], '"')
			if n < 1 {
				return nil, &Error{at, "a quoted name that does not end on its line, or is empty"}
			}
			tokens = append(tokens, token{tokenName, rest[1 : 1+n], at})
			i += n + 2
		case isNameByte(c) && !isDigit(c):
			n := 1
			for n < len(rest) && isNameByte(rest[n]) {
				n++
			}
			add(tokenName, n)
			if len(tokens) == 1 {
				if verb := strings.ToLower(tokens[0].text); verb == "packet" || verb == "expect" {
					return lexData(pos, s, i, tokens)
				}
			}
		case isDigit(c):
			n := 1
			if len(rest) > 1 && c == '0' && strings.IndexByte("xXbB", rest[1]) >= 0 {
				n = 2
				for n < len(rest) && (isHex(rest[n]) || rest[n] == '*') {
					n++
				}
			} else {
				for n < len(rest) && isDigit(rest[n]) {
					n++
				}
			}
			add(tokenNumber, n)
		case len(rest) > 1 && strings.IndexByte("=!<>", c) >= 0 && rest[1] == '=':
			add(tokenPunct, 2)
		case strings.IndexByte(":,.[]()/=<>", c) >= 0:
			add(tokenPunct, 1)
		default:
			return nil, &Error{at, fmt.Sprintf("unexpected character %q", c)}
		}
	}
	return tokens, nil
}

// lexData reads the words of a packet or expect line.
func lexData(pos Pos, s string, i int, tokens []token) ([]token, error) {
	for i < len(s) && s[i] != '#' {
		if s[i] == ' ' || s[i] == '\t' {
			i++
			continue
		}
		pos.Col = i + 1
		from := i
		for i < len(s) && (isHex(s[i]) || s[i] == '*' || s[i] == '$') {
			i++
		}
		if i == from {
			return nil, &Error{pos, fmt.Sprintf("unexpected character %q in packet data; want hexadecimal digits, '*' or '$'", s[i])}
		}
		tokens = append(tokens, token{tokenData, s[from:i], pos})
	}
	return tokens, nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isHex(c byte) bool   { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }
func isNameByte(c byte) bool {
	return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' || c == '$'
}
