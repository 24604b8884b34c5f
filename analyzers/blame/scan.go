package blame

import (
	"math"

	"github.com/telltale-net/telltale/internal/jsonlines"
)

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
	o := jsonlines.Scan(line)
	for o.Next() {
		switch string(o.Name()) {
		case "flow":
			o.Once(name)
			f.name = o.Str()
		case "path":
			o.Once(path)
			o.Strings(r.hop)
			f.path = r.hops
		case "packets":
			o.Once(packets)
			f.packets = count(&o)
		case "lost":
			o.Once(lost)
			f.lost = count(&o)
		default:
			return f, false
		}
	}
	return f, o.Done(name | packets)
}

// hop takes the next link of the path, which must be a known one.
func (r *Reader) hop(link []byte) bool {
	id, ok := r.links.byName[string(link)]
	if !ok || len(r.hops) == MaxHops {
		return false
	}
	r.hops = append(r.hops, id)
	return true
}

// count reads a number of packets.
func count(o *jsonlines.Object) uint32 {
	x := o.Int()
	if x < 0 || x > math.MaxUint32 {
		o.Fail()
	}
	return uint32(x)
}
