package series

import (
	"io"
	"strconv"
	"strings"

	"github.com/telltale-net/telltale/collector/aggregate"
	"github.com/telltale-net/telltale/collector/postcard"
)

// Write writes all series of a table in the Prometheus text format. A queue has those of
// latency, depth and bytes only where they were reported. The error is of w.
func Write(w io.Writer, t *aggregate.Table, names *Names) error {
	p := &printer{w: w}
	p.queues(t, names)
	p.tenants(t, names)
	p.family(nodes)
	var last postcard.NodeID
	for i, q := range p.all {
		if i == 0 || q.key.Node != last {
			last = q.key.Node
			p.put("", nodeLabels(names, last), 1)
		}
	}
	p.family(queues)
	p.put("", "", uint64(len(p.all)))
	p.family(tenants)
	p.put("", "", uint64(p.tenantCount))
	p.family(overflow)
	p.put("", `of="queue"`, t.Overflow().Queues)
	p.put("", `of="tenant"`, t.Overflow().Tenants)
	p.flush()
	return p.err
}

// labelled is a queue's sums with its labels as text.
type labelled struct {
	key    aggregate.Key
	sums   *aggregate.Queue
	labels string
}

func (p *printer) queues(t *aggregate.Table, names *Names) {
	for k, q := range t.Queues() {
		var l strings.Builder
		label(&l, "node", names.Node(k.Node))
		label(&l, "port", strconv.FormatUint(uint64(k.Port), 10))
		label(&l, "peer", names.Peer(k.Node, k.Port))
		label(&l, "queue", strconv.Itoa(int(k.Queue)))
		p.all = append(p.all, labelled{k, q, l.String()})
	}
	p.counter(packets, func(q *aggregate.Queue) (uint64, bool) { return q.Packets, true })
	p.family(drops)
	for _, q := range p.all {
		p.reasons(q.labels, &q.sums.Reasons, names)
	}
	p.counter(congested, func(q *aggregate.Queue) (uint64, bool) { return q.Congested, true })
	p.counter(octets, func(q *aggregate.Queue) (uint64, bool) { return q.Bytes, q.Bytes > 0 })
	p.family(latency)
	for _, q := range p.all {
		if h := &q.sums.Latency; h.Count > 0 {
			p.histogram(q.labels, h)
		}
	}
	p.family(depth)
	for _, q := range p.all {
		if q.sums.Depths > 0 {
			p.put("_sum", q.labels, q.sums.DepthSum)
			p.put("_count", q.labels, q.sums.Depths)
		}
	}
	p.counter(depthMax, func(q *aggregate.Queue) (uint64, bool) { return uint64(q.Peak()), q.Depths > 0 })
}

func (p *printer) tenants(t *aggregate.Table, names *Names) {
	type tenant struct {
		labels string
		sums   *aggregate.Tenant
	}
	var all []tenant
	for vni, n := range t.Tenants() {
		var l strings.Builder
		label(&l, "vni", strconv.FormatUint(uint64(vni), 10))
		label(&l, "tenant", names.Tenant(vni))
		all = append(all, tenant{l.String(), n})
	}
	p.tenantCount = len(all)
	p.family(tenantRecords)
	for _, n := range all {
		p.put("", n.labels, n.sums.Records)
	}
	p.family(tenantBytes)
	for _, n := range all {
		p.put("", n.labels, n.sums.Bytes)
	}
	p.family(tenantDrops)
	for _, n := range all {
		p.reasons(n.labels, &n.sums.Reasons, names)
	}
}

func nodeLabels(names *Names, id postcard.NodeID) string {
	var l strings.Builder
	label(&l, "node", names.Node(id))
	label(&l, "id", strconv.FormatUint(uint64(id), 10))
	if names.Topology != nil {
		if n, ok := names.Topology.NodeByID(uint32(id)); ok {
			label(&l, "role", string(n.Role))
		}
	}
	return l.String()
}

// printer writes lines and keeps the first error.
type printer struct {
	w           io.Writer
	err         error
	buf         []byte
	name        string
	all         []labelled
	tenantCount int
}

func (p *printer) flush() {
	if p.err == nil {
		_, p.err = p.w.Write(p.buf)
	}
	p.buf = p.buf[:0]
}

func (p *printer) family(i int) {
	m := &metrics[i]
	p.name = m.Name
	p.buf = append(p.buf, "# HELP "+m.Name+" "+m.Help+"\n# TYPE "+m.Name+" "+m.Kind+"\n"...)
}

func (p *printer) put(suffix, labels string, v uint64) {
	p.start(suffix, labels)
	p.end(strconv.AppendUint(p.buf, v, 10))
}

func (p *printer) start(suffix, labels string) {
	p.buf = append(append(p.buf, p.name...), suffix...)
	if labels != "" {
		p.buf = append(append(append(p.buf, '{'), labels...), '}')
	}
	p.buf = append(p.buf, ' ')
}

func (p *printer) end(line []byte) {
	if p.buf = append(line, '\n'); len(p.buf) > 1<<16 {
		p.flush()
	}
}

func (p *printer) counter(family int, value func(*aggregate.Queue) (uint64, bool)) {
	p.family(family)
	for _, q := range p.all {
		if v, ok := value(q.sums); ok {
			p.put("", q.labels, v)
		}
	}
}

func (p *printer) reasons(labels string, r *aggregate.Reasons, names *Names) {
	if r.None > 0 {
		p.put("", labels+`,reason="none"`, r.None)
	}
	for reason, n := range r.All() {
		var l strings.Builder
		l.WriteString(labels)
		label(&l, "reason", names.DropReason(reason))
		p.put("", l.String(), n)
	}
}

func (p *printer) histogram(labels string, h *aggregate.Histogram) {
	sum := uint64(0)
	for i, n := range h.Buckets {
		sum += n
		p.put("_bucket", labels+bounds[i], sum)
	}
	p.start("_sum", labels)
	p.end(strconv.AppendFloat(p.buf, float64(h.Sum)/1e9, 'g', -1, 64))
	p.put("_count", labels, h.Count)
}

// bounds are the labels of the buckets.
var bounds = func() (t [aggregate.Buckets]string) {
	for i, b := range aggregate.Bounds {
		t[i] = `,le="` + strconv.FormatFloat(float64(b)/1e9, 'g', -1, 64) + `"`
	}
	t[aggregate.Buckets-1] = `,le="+Inf"`
	return t
}()

// label adds a label, if it has a value.
func label(b *strings.Builder, name, value string) {
	if value == "" {
		return
	}
	if b.Len() > 0 {
		b.WriteByte(',')
	}
	b.WriteString(name)
	b.WriteString(`="`)
	_, _ = escaper.WriteString(b, value)
	b.WriteByte('"')
}

var escaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
