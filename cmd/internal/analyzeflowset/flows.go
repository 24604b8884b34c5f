package analyzeflowset

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/telltale-net/telltale/analyzers/flowset"
)

// Filter says which flows to show; the zero Filter wants all.
type Filter struct {
	Prefixes []string // of source or destination
	Nodes    []string // where packets were counted
	Epoch    int64    // -1 = all
	Limit    int      // flows of an epoch; 0 = all
	prefixes []netip.Prefix
}

func (f *Filter) ready() error {
	for _, s := range f.Prefixes {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			a, err2 := netip.ParseAddr(s)
			if err2 != nil {
				return fmt.Errorf("cannot read prefix %q: %w", s, err)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		f.prefixes = append(f.prefixes, p)
	}
	return nil
}

func (f *Filter) wants(k flowset.Key, n int, order flowset.Order) bool {
	if len(f.prefixes) == 0 {
		return true
	}
	flow, ok := flowset.FlowOf(k, n, order)
	return ok && slices.ContainsFunc(f.prefixes, func(p netip.Prefix) bool { return p.Contains(flow.Src) || p.Contains(flow.Dst) })
}

// hop is a flow's packets at a node; nil where they could not be told.
type hop struct {
	Node    string `json:"node"`
	Stage   string `json:"stage,omitempty"`
	Packets *int64 `json:"packets"`
}

// WriteFlows writes the flows of every epoch with their packets at every hop: JSON Lines,
// or a table.
func WriteFlows(out io.Writer, all []*flowset.Decoded, f Filter, format Format) error {
	if err := format.check(); err != nil {
		return err
	}
	if err := f.ready(); err != nil {
		return err
	}
	w := bufio.NewWriterSize(out, 1<<16)
	for from := 0; from < len(all); {
		to := from
		for to < len(all) && all[to].Epoch == all[from].Epoch {
			to++
		}
		if f.Epoch < 0 || uint64(f.Epoch) == all[from].Epoch {
			if err := f.write(w, all[from:to], format); err != nil {
				return fmt.Errorf("cannot write the flows: %w", err)
			}
		}
		from = to
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("cannot write the flows: %w", err)
	}
	return nil
}

// one is a flow of an epoch.
type one struct {
	key   flowset.Key
	bytes int
	order flowset.Order
	hops  []hop
	most  int64
}

func (f *Filter) write(w *bufio.Writer, epoch []*flowset.Decoded, format Format) error {
	flows := map[flowset.Key]*one{}
	for _, d := range epoch {
		for i := range d.Len() {
			k := d.Key(i)
			if !f.wants(k, d.KeyBytes, d.Order) {
				continue
			}
			o := flows[k]
			if o == nil {
				o = &one{key: k, bytes: d.KeyBytes, order: d.Order}
				flows[k] = o
			}
			h := hop{Node: d.Node, Stage: d.Stage}
			if n, ok := d.Packets(i); ok {
				h.Packets = &n
				o.most = max(o.most, n)
			}
			o.hops = append(o.hops, h)
		}
	}
	list := make([]*one, 0, len(flows))
	for _, o := range flows {
		if len(f.Nodes) == 0 || slices.ContainsFunc(o.hops, func(h hop) bool { return slices.Contains(f.Nodes, h.Node) }) {
			list = append(list, o)
		}
	}
	slices.SortFunc(list, func(a, b *one) int { // biggest first
		return cmp.Or(cmp.Compare(b.most, a.most), slices.Compare(a.key[:], b.key[:]))
	})
	total := len(list)
	if f.Limit > 0 && len(list) > f.Limit {
		list = list[:f.Limit]
	}
	if format == Text {
		return f.table(w, epoch[0].Epoch, list, total)
	}
	for _, o := range list {
		hops, err := json.Marshal(o.hops)
		if err != nil {
			return err
		}
		b := append(w.AvailableBuffer(), `{"epoch":`...)
		b = strconv.AppendUint(b, epoch[0].Epoch, 10)
		b = append(b, `,"flow":`...)
		b = flowset.AppendFlow(b, o.key, o.bytes, o.order)
		b = append(append(b, `,"hops":`...), hops...)
		if _, err := w.Write(append(b, "}\n"...)); err != nil {
			return err
		}
	}
	return nil
}

func (f *Filter) table(w *bufio.Writer, epoch uint64, list []*one, total int) error {
	fmt.Fprintf(w, "epoch %d: %d flows", epoch, total)
	if len(list) < total {
		fmt.Fprintf(w, ", the %d biggest", len(list))
	}
	w.WriteByte('\n')
	for _, o := range list {
		var hops []string
		for _, h := range o.hops {
			n := "?"
			if h.Packets != nil {
				n = strconv.FormatInt(*h.Packets, 10)
			}
			at := h.Node
			if h.Stage != "" {
				at += "/" + h.Stage
			}
			hops = append(hops, at+" "+n)
		}
		fmt.Fprintf(w, "  %-50s %s\n", nameOf(o.key, o.bytes, o.order), strings.Join(hops, ", "))
	}
	return nil
}

func nameOf(k flowset.Key, n int, order flowset.Order) string {
	if f, ok := flowset.FlowOf(k, n, order); ok {
		if f.VNI != 0 {
			return fmt.Sprintf("vni %d %s", f.VNI, f)
		}
		return f.String()
	}
	return string(flowset.AppendFlow(nil, k, n, order))
}
