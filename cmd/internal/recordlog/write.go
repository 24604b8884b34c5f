package recordlog

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/collector/report/profile"
)

// AppendJSON appends a record as a JSON object without a line end. What the switch did
// not report is left out. reasons, where not nil, names drop reasons.
func AppendJSON(b []byte, r *postcard.Record, reasons *profile.Reasons) []byte {
	number := func(name string, v uint64) {
		b = append(b, ',', '"')
		b = append(b, name...)
		b = append(b, '"', ':')
		b = strconv.AppendUint(b, v, 10)
	}
	has := func(f postcard.Fields) bool { return r.Has&f != 0 }
	b = append(b, `{"received_ns":`...)
	b = strconv.AppendInt(b, r.Received, 10)
	number("node", uint64(r.Node))
	number("hw_id", uint64(r.HwID))
	number("seq", uint64(r.Seq))
	b = append(b, `,"flags":[`...)
	for i, n := 0, 0; i < len(flagNames); i++ {
		if r.Flags&(1<<i) != 0 {
			if n++; n > 1 {
				b = append(b, ',')
			}
			b = strconv.AppendQuote(b, flagNames[i])
		}
	}
	b = append(b, ']')
	if has(postcard.HasPorts) {
		number("in_port", uint64(r.InPort))
		number("out_port", uint64(r.OutPort))
	}
	if has(postcard.HasIngress) {
		number("ingress_ns", r.Ingress)
	}
	if has(postcard.HasEgress) {
		number("egress_ns", r.Egress)
	}
	if has(postcard.HasLatency) {
		number("latency_ns", uint64(r.Latency))
	}
	if has(postcard.HasQueue | postcard.HasDropReason) {
		number("queue", uint64(r.Queue))
	}
	if has(postcard.HasQueue) {
		number("queue_depth", uint64(r.QueueDepth))
	}
	if has(postcard.HasEnqDepth) {
		number("enq_depth", uint64(r.EnqDepth))
	}
	if has(postcard.HasDropReason) {
		number("drop_reason", uint64(r.DropReason))
		if name := reasons.Name(r.DropReason); name != "" {
			b = append(b, `,"drop_reason_name":`...)
			b = strconv.AppendQuote(b, name)
		}
	}
	if has(postcard.HasRule) {
		number("rule", uint64(r.Rule))
	}
	if has(postcard.HasPacketID) {
		number("packet_id", uint64(r.PacketID))
		number("epoch", uint64(r.Epoch))
		number("colour", uint64(r.Colour))
		b = append(b, `,"stage":`...)
		b = strconv.AppendQuote(b, stageNames[r.Stage&1])
	}
	if has(postcard.HasFlowHash) {
		number("flow_hash", uint64(r.FlowHash))
	}
	if has(postcard.HasVNI) {
		number("vni", uint64(r.VNI))
	}
	if has(postcard.HasLength) {
		number("length", uint64(r.Length))
	}
	if has(postcard.HasOuter) {
		b = appendFlow(append(b, `,"outer":`...), &r.Outer)
	}
	if has(postcard.HasInner) {
		b = appendFlow(append(b, `,"inner":`...), &r.Inner)
	}
	return append(b, '}')
}

var (
	flagNames  = []string{"dropped", "congested", "tracked", "interim"}
	stageNames = []string{"ingress", "egress"}
)

func appendFlow(b []byte, f *postcard.Flow) []byte {
	b = append(b, `{"src":"`...)
	b = f.Src.Netip().AppendTo(b)
	b = append(b, `","dst":"`...)
	b = f.Dst.Netip().AppendTo(b)
	b = append(b, `","proto":`...)
	b = strconv.AppendUint(b, uint64(f.Proto), 10)
	b = append(b, `,"sport":`...)
	b = strconv.AppendUint(b, uint64(f.SrcPort), 10)
	b = append(b, `,"dport":`...)
	b = strconv.AppendUint(b, uint64(f.DstPort), 10)
	return append(b, '}')
}

// tableHead names the columns that AppendRow writes.
const tableHead = "received                     node       in    out   queue depth   latency   what              flow\n"

// AppendRow appends a record as a row of a table.
func AppendRow(b []byte, r *postcard.Record, reasons *profile.Reasons) []byte {
	column := func(width int, have bool, v any) {
		text := "-"
		if have {
			text = fmt.Sprint(v)
		}
		b = append(append(b, text...), strings.Repeat(" ", max(1, width-len(text)))...)
	}
	b = time.Unix(0, r.Received).UTC().AppendFormat(b, "2006-01-02T15:04:05.000000Z")
	b = append(b, "  "...)
	column(11, true, r.Node)
	column(6, r.Has&postcard.HasPorts != 0, r.InPort)
	column(6, r.Has&postcard.HasPorts != 0, r.OutPort)
	column(6, r.Has&(postcard.HasQueue|postcard.HasDropReason) != 0, r.Queue)
	column(8, r.Has&postcard.HasQueue != 0, r.QueueDepth)
	column(10, r.Has&postcard.HasLatency != 0, time.Duration(r.Latency))
	what := "passed"
	if r.Lost() {
		what = "dropped"
		if r.Has&postcard.HasDropReason != 0 {
			if what = reasons.Name(r.DropReason); what == "" {
				what = fmt.Sprintf("drop reason %d", r.DropReason)
			}
		}
	}
	column(18, true, what)
	if r.Has&postcard.HasVNI != 0 {
		b = fmt.Appendf(b, "vni %d ", r.VNI)
	}
	if r.Has&postcard.HasInner != 0 {
		b = append(b, flowText(&r.Inner)...)
	}
	return append(b, '\n')
}

func flowText(f *postcard.Flow) string {
	proto := strconv.Itoa(int(f.Proto))
	for name, n := range protocols {
		if n == f.Proto {
			proto = name
		}
	}
	return fmt.Sprintf("%s:%d > %s:%d %s", bracketed(f.Src), f.SrcPort, bracketed(f.Dst), f.DstPort, proto)
}

func bracketed(a postcard.Addr) string {
	if n := a.Netip(); n.Is6() {
		return "[" + n.String() + "]"
	}
	return a.String()
}
