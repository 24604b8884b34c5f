package blame

// scan reads a line as data sets usually write it, without allocating: known fields,
// each once, known links, plain strings, whole numbers. ok is false for anything else,
// right or wrong: the general reader judges that.
func (r *Reader) scan(line []byte) (f flow, ok bool) {
	const (
		name = 1 << iota
		path
		packets
		lost
	)
	r.hops = r.hops[:0]
	seen, at := 0, skip(line, 0)
	if at >= len(line) || line[at] != '{' {
		return f, false
	}
	for at = skip(line, at+1); ; at = skip(line, at+1) { // past '{' or ','
		key, next := str(line, at)
		if next < 0 {
			return f, false
		}
		at = skip(line, next)
		if at >= len(line) || line[at] != ':' {
			return f, false
		}
		at = skip(line, at+1)
		field := 0
		switch string(key) {
		case "flow":
			field = name
			f.name, at = str(line, at)
		case "path":
			field = path
			at = r.list(line, at)
			f.path = r.hops
		case "packets":
			field = packets
			f.packets, at = whole(line, at)
		case "lost":
			field = lost
			f.lost, at = whole(line, at)
		default:
			return f, false
		}
		if at < 0 || seen&field != 0 {
			return f, false
		}
		seen |= field
		at = skip(line, at)
		if at == len(line)-1 && line[at] == '}' {
			return f, seen&(name|packets) == name|packets
		}
		if at >= len(line) || line[at] != ',' {
			return f, false
		}
	}
}

// list reads the list of known links at b[at] into hops and returns where it ends, -1
// where it is none.
func (r *Reader) list(b []byte, at int) int {
	if at >= len(b) || b[at] != '[' {
		return -1
	}
	for at = skip(b, at+1); ; at = skip(b, at+1) {
		link, next := str(b, at)
		if next < 0 {
			return -1
		}
		id, ok := r.links.byName[string(link)]
		if !ok || len(r.hops) == MaxHops {
			return -1
		}
		r.hops = append(r.hops, id)
		at = skip(b, next)
		switch {
		case at < len(b) && b[at] == ']':
			return at + 1
		case at >= len(b) || b[at] != ',':
			return -1
		}
	}
}

func skip(b []byte, at int) int {
	for at < len(b) && (b[at] == ' ' || b[at] == '\t') {
		at++
	}
	return at
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
		case c == '\\' || c < ' ' || c >= 0x80:
			return nil, -1
		}
	}
	return nil, -1
}

// whole returns the number that begins at b[at] and where it ends; next is -1 where it
// is not a whole one of at most 9 digits.
func whole(b []byte, at int) (x uint32, next int) {
	i := at
	for ; i < len(b) && b[i] >= '0' && b[i] <= '9'; i++ {
		if i-at == 9 {
			return 0, -1
		}
		x = 10*x + uint32(b[i]-'0')
	}
	if i == at || i-at > 1 && b[at] == '0' {
		return 0, -1
	}
	return x, i
}
