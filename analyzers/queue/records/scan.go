package records

import "github.com/telltale-net/telltale/internal/jsonlines"

// scan reads a line as data sets usually write it, without allocating: known fields,
// each once, a known node and flow, whole numbers. ok is false for anything else, right
// or wrong: the general reader judges that.
func (r *Reader) scan(line []byte) (rec Record, ok bool) {
	const (
		node = 1 << iota
		queue
		pkt
		size
		flow
		arrive
		start
		depart
	)
	rec = Record{Packet: NoPacket, Arrive: Absent, Start: Absent, Depart: Absent, Node: -1, Flow: NoFlow}
	o := jsonlines.Scan(line)
	for o.Next() {
		switch string(o.Name()) {
		case "node":
			o.Once(node)
			if rec.Node, ok = r.b.net.byName[string(o.Str())]; !ok {
				return rec, false
			}
		case "queue":
			o.Once(queue)
			x := o.Int()
			if rec.Queue = uint16(x); int64(rec.Queue) != x {
				return rec, false
			}
		case "pkt":
			o.Once(pkt)
			x := o.Int()
			if rec.Packet = uint64(x); x < 0 {
				return rec, false
			}
		case "bytes":
			o.Once(size)
			x := o.Int()
			if rec.Bytes = uint32(x); int64(rec.Bytes) != x {
				return rec, false
			}
		case "flow":
			o.Once(flow)
			if rec.Flow, ok = r.texts[string(o.Flat())]; !ok {
				return rec, false
			}
		case "arrive":
			o.Once(arrive)
			rec.Arrive = o.Int()
		case "start":
			o.Once(start)
			rec.Start = o.Int()
		case "depart":
			o.Once(depart)
			rec.Depart = o.Int()
		default:
			return rec, false
		}
	}
	return rec, o.Done(node)
}
