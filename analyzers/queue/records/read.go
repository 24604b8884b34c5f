package records

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"strconv"

	"github.com/telltale-net/telltale/internal/jsonlines"
)

// MaxLine bounds one line of a data set, in bytes. The header of 65536 nodes fits.
const MaxLine = 16 << 20

// Reader reads JSON Lines, one file after another, into a Builder. It is for one
// goroutine.
type Reader struct {
	// Problems are the first lines that were not taken, in order; all are counted in
	// Stats.Bad.
	Problems jsonlines.Problems

	limit int
	b     *Builder
	texts map[string]FlowID // flows by how the file writes them
	lines *jsonlines.Lines
}

// NewReader returns a reader that takes at most limit records in all (0: no limit).
func NewReader(limit int) *Reader { return &Reader{limit: limit, texts: map[string]FlowID{}} }

// Read reads all of one file. Lines that cannot be taken become Problems; the error is
// about the file as a whole: no header, a header that contradicts the first one, more
// records than there may be, in itself unreadable.
func (r *Reader) Read(file string, in io.Reader) error {
	r.lines = jsonlines.New(file, in, MaxLine)
	headers := 0
	for r.lines.Next() {
		line := r.lines.Bytes()
		if r.b == nil || isHeader(line) {
			if headers++; headers > 1 {
				r.problem("nodes", "a second header in one file")
				continue
			}
			if err := r.header(line); err != nil {
				return r.lines.Fail(err)
			}
			continue
		}
		if err := r.record(line); err != nil {
			return r.lines.Fail(err)
		}
	}
	if err := r.lines.Err(); err != nil {
		return err
	}
	if r.b == nil {
		return fmt.Errorf(`cannot read data set %s: got no line, want a header {"nodes":[…]} first`, file)
	}
	return nil
}

// isHeader reports whether a line names nodes, as its first field.
func isHeader(line []byte) bool {
	o := jsonlines.Scan(line)
	return o.Next() && string(o.Name()) == "nodes"
}

// Trace returns what was read, nil where no header was. The reader must not be used
// afterwards.
func (r *Reader) Trace() *Trace {
	if r.b == nil {
		return nil
	}
	return r.b.Trace()
}

func (r *Reader) problem(field, text string) {
	if r.b != nil {
		r.b.stats.Bad++
	}
	r.Problems.Add(r.lines.Problem(field, text))
}

func (r *Reader) header(line []byte) error {
	var h struct {
		Nodes []NodeSpec `json:"nodes"`
	}
	if err := json.Unmarshal(line, &h); err != nil {
		return fmt.Errorf("header: %w", explain(err))
	}
	if h.Nodes == nil {
		return errors.New(`got no "nodes", want a header {"nodes":[…]} before the first record`)
	}
	net, err := NewNetwork(h.Nodes)
	if err != nil {
		return fmt.Errorf("header: %w", err)
	}
	if r.b == nil {
		r.b = NewBuilder(net, r.limit)
		return nil
	}
	return sameNodes(r.b.net, net)
}

// sameNodes reports how the nodes of a later header contradict those of the first.
func sameNodes(a, b *Network) error {
	for i, n := range b.Nodes {
		j, ok := a.Index(n.Name)
		if !ok {
			return fmt.Errorf("header: nodes[%d]: %q is not in the first file's header", i, n.Name)
		}
		if have := a.Nodes[j]; have.Type != n.Type || have.RatePPS != n.RatePPS || have.RateBPS != n.RateBPS {
			return fmt.Errorf("header: nodes[%d]: %q has type %q, rate_pps %v, rate_bps %v; the first file says type %q, rate_pps %v, rate_bps %v", i, n.Name, n.Type, n.RatePPS, n.RateBPS, have.Type, have.RatePPS, have.RateBPS)
		}
	}
	return nil
}

// wire is a record as a data set writes it.
type wire struct {
	Node   *string         `json:"node"`
	Queue  json.RawMessage `json:"queue"`
	Pkt    json.RawMessage `json:"pkt"`
	Bytes  json.RawMessage `json:"bytes"`
	Flow   json.RawMessage `json:"flow"`
	Arrive json.RawMessage `json:"arrive"`
	Start  json.RawMessage `json:"start"`
	Depart json.RawMessage `json:"depart"`
}

// given reports whether a field is there and not null.
func given(b json.RawMessage) bool { return len(b) > 0 && !bytes.Equal(b, []byte("null")) }

// stamp reads a time in ns, which may be written with a fraction or an exponent.
func stamp(b json.RawMessage) (int64, error) {
	if !given(b) {
		return Absent, nil
	}
	if t, err := strconv.ParseInt(string(b), 10, 64); err == nil && t > -maxTime && t < maxTime {
		return t, nil
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return 0, fmt.Errorf("got %s, want a time in ns", b)
	}
	if f = math.Round(f); !(math.Abs(f) < maxTime) {
		return 0, fmt.Errorf("got %s, want a time of less than 2^62 ns", b)
	}
	return int64(f), nil
}

const maxTime = 1 << 62

// whole reads a number from 0 to most, which may be written with a fraction of zero; def
// stands for none.
func whole(b json.RawMessage, most, def uint64) (uint64, error) {
	if !given(b) {
		return def, nil
	}
	if x, err := strconv.ParseUint(string(b), 10, 64); err == nil && x <= most {
		return x, nil
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil || f != math.Trunc(f) || !(f >= 0 && f <= min(float64(most), 1<<53)) {
		return 0, fmt.Errorf("got %s, want a whole number from 0 to %d", b, most)
	}
	return uint64(f), nil
}

// record takes one line. An error ends the reading.
func (r *Reader) record(line []byte) error {
	if rec, ok := r.scan(line); ok {
		return r.add(&rec)
	}
	return r.general(line)
}

// general takes one line however it is written.
func (r *Reader) general(line []byte) error {
	var w wire
	if err := json.Unmarshal(line, &w); err != nil {
		r.problem(jsonlines.Explain(err, nil))
		return nil
	}
	if w.Node == nil {
		r.problem("node", "got none, want the name of a node")
		return nil
	}
	node, ok := r.b.net.Index(*w.Node)
	if !ok {
		r.problem("node", fmt.Sprintf("%q is not in the header", *w.Node))
		return nil
	}
	rec := Record{Node: node, Packet: NoPacket, Flow: NoFlow}
	for _, f := range [...]struct {
		name string
		text json.RawMessage
		to   *int64
	}{{"arrive", w.Arrive, &rec.Arrive}, {"start", w.Start, &rec.Start}, {"depart", w.Depart, &rec.Depart}} {
		t, err := stamp(f.text)
		if err != nil {
			r.problem(f.name, err.Error())
			return nil
		}
		*f.to = t
	}
	for _, f := range [...]struct {
		name      string
		text      json.RawMessage
		most, def uint64
		to        func(x uint64)
	}{
		{"queue", w.Queue, math.MaxUint16, 0, func(x uint64) { rec.Queue = uint16(x) }},
		{"pkt", w.Pkt, NoPacket - 1, NoPacket, func(x uint64) { rec.Packet = x }},
		{"bytes", w.Bytes, math.MaxUint32, 0, func(x uint64) { rec.Bytes = uint32(x) }},
	} {
		x, err := whole(f.text, f.most, f.def)
		if err != nil {
			r.problem(f.name, err.Error())
			return nil
		}
		f.to(x)
	}
	if given(w.Flow) {
		id, err := r.flow(w.Flow)
		if err != nil {
			r.problem("flow", err.Error())
			return nil
		}
		rec.Flow = id
	}
	return r.add(&rec)
}

func (r *Reader) add(rec *Record) error {
	err := r.b.Add(*rec)
	if f, ok := err.(*FieldError); ok {
		r.b.stats.Bad-- // problem counts it
		r.problem(f.Field, f.Text)
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w (%d)", err, r.limit)
	}
	return nil
}

// maxTexts bounds how many ways of writing flows are remembered.
const maxTexts = 1 << 22

func (r *Reader) flow(text []byte) (FlowID, error) {
	if id, ok := r.texts[string(text)]; ok {
		return id, nil
	}
	var w struct {
		Src, Dst     netip.Addr
		Proto        uint8
		Sport, Dport uint16
	}
	if err := json.Unmarshal(text, &w); err != nil {
		return 0, explain(err)
	}
	id := r.b.Flow(NewFlow(w.Src, w.Dst, w.Proto, w.Sport, w.Dport))
	if len(r.texts) < maxTexts {
		r.texts[string(text)] = id
	}
	return id, nil
}

// explain is jsonlines.Explain as one error.
func explain(err error) error {
	field, text := jsonlines.Explain(err, nil)
	if field == "" {
		return errors.New(text)
	}
	return &FieldError{field, text}
}
