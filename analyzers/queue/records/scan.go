package records

import "bytes"

// scan reads a line as data sets usually write it, without allocating: known fields,
// each once, strings without escapes, whole numbers. ok is false for anything else,
// right or wrong: the general reader judges that.
func (r *Reader) scan(line []byte) (rec Record, ok bool) {
	rec = Record{Packet: NoPacket, Arrive: Absent, Start: Absent, Depart: Absent, Node: -1, Flow: NoFlow}
	const (
		node = 1 << iota
		queue
		pkt
		flow
		arrive
		start
		depart
	)
	if len(line) < 2 || line[0] != '{' || line[len(line)-1] != '}' {
		return rec, false
	}
	seen := 0
	for at := 1; ; at++ { // past '{' or ','
		name, next := str(line, at)
		if next < 0 || next >= len(line) || line[next] != ':' {
			return rec, false
		}
		at = next + 1
		field := 0
		switch string(name) {
		case "node":
			field = node
			text, next := str(line, at)
			if next < 0 {
				return rec, false
			}
			if rec.Node, ok = r.b.net.byName[string(text)]; !ok {
				return rec, false
			}
			at = next
		case "flow":
			field = flow
			end := bytes.IndexByte(line[at:], '}')
			if line[at] != '{' || end < 0 {
				return rec, false
			}
			if rec.Flow, ok = r.texts[string(line[at:at+end+1])]; !ok {
				return rec, false
			}
			at += end + 1
		default:
			x, next := whole(line, at)
			if next < 0 {
				return rec, false
			}
			at = next
			switch string(name) {
			case "pkt":
				field = pkt
				rec.Packet, ok = uint64(x), x >= 0
			case "queue":
				field = queue
				rec.Queue, ok = uint16(x), x >= 0 && x < 1<<16
			case "arrive":
				field, rec.Arrive, ok = arrive, x, true
			case "start":
				field, rec.Start, ok = start, x, true
			case "depart":
				field, rec.Depart, ok = depart, x, true
			default:
				ok = false
			}
			if !ok {
				return rec, false
			}
		}
		if seen&field != 0 {
			return rec, false
		}
		seen |= field
		if at == len(line)-1 {
			return rec, seen&node != 0
		}
		if at >= len(line) || line[at] != ',' {
			return rec, false
		}
	}
}

// str returns the string that begins at b[at] and where it ends; next is -1 where there
// is none or it is not plain.
func str(b []byte, at int) (text []byte, next int) {
	if at >= len(b) || b[at] != '"' {
		return nil, -1
	}
	for i := at + 1; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return b[at+1 : i], i + 1
		case c == '\\' || c < ' ':
			return nil, -1
		}
	}
	return nil, -1
}

// whole returns the number that begins at b[at] and where it ends; next is -1 where it
// is not a whole one of at most 18 digits.
func whole(b []byte, at int) (x int64, next int) {
	i := at
	negative := i < len(b) && b[i] == '-'
	if negative {
		i++
	}
	first := i
	for ; i < len(b) && b[i] >= '0' && b[i] <= '9'; i++ {
		x = 10*x + int64(b[i]-'0')
	}
	if n := i - first; n == 0 || n > 18 || n > 1 && b[first] == '0' || i < len(b) && b[i] != ',' && b[i] != '}' {
		return 0, -1
	}
	if negative {
		x = -x
	}
	return x, i
}
