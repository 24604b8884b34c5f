package recordlog

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/telltale-net/telltale/collector/block"
	"github.com/telltale-net/telltale/collector/postcard"
)

// Filter is which records are wanted, as it is written.
type Filter struct {
	From, To   string
	Flows      []string
	Addresses  []string
	Nodes      []uint
	VNIs       []uint
	Reasons    []uint
	Dropped    bool
	MinQueue   uint32
	MinLatency time.Duration

	from, to string // names of the flags
}

// Flags defines the flags of a filter, those of its window by the names from and to.
func (f *Filter) Flags(fs *pflag.FlagSet, from, to string) {
	f.from, f.to = from, to
	fs.StringVar(&f.From, from, "", "received at or after: RFC 3339, ns since 1970, or how long ago (15m)")
	fs.StringVar(&f.To, to, "", "received before: the same")
	fs.StringArrayVar(&f.Flows, "flow", nil, "inner flow SRC:PORT,DST:PORT,PROTOCOL (repeatable)")
	fs.StringArrayVar(&f.Addresses, "address", nil, "address, inner or outer, source or destination (repeatable)")
	fs.UintSliceVar(&f.Nodes, "node", nil, "node id (repeatable)")
	fs.UintSliceVar(&f.VNIs, "vni", nil, "tenant's VNI (repeatable)")
	fs.UintSliceVar(&f.Reasons, "reason", nil, "drop reason (repeatable)")
	fs.BoolVar(&f.Dropped, "dropped", false, "only drops")
	fs.Uint32Var(&f.MinQueue, "min-queue", 0, "queue depth at least")
	fs.DurationVar(&f.MinLatency, "min-latency", 0, "latency in the switch at least")
}

// Query returns what the filter says at a time of the clock.
func (f *Filter) Query(now time.Time) (block.Query, error) {
	q := block.Query{Dropped: f.Dropped, MinQueue: f.MinQueue}
	var err error
	if q.From, err = Instant(f.From, now); err != nil {
		return q, fmt.Errorf("--%s: %w", f.from, err)
	}
	if q.To, err = Instant(f.To, now); err != nil {
		return q, fmt.Errorf("--%s: %w", f.to, err)
	}
	if f.MinLatency < 0 || f.MinLatency > 1<<32-1 {
		return q, fmt.Errorf("--min-latency: got %v, want 0s to 4.29s", f.MinLatency)
	}
	q.MinLatency = uint32(f.MinLatency)
	for _, s := range f.Flows {
		flow, err := ParseFlow(s)
		if err != nil {
			return q, fmt.Errorf("--flow: %w", err)
		}
		q.Flows = append(q.Flows, flow)
	}
	for _, s := range f.Addresses {
		a, err := netip.ParseAddr(s)
		if err != nil {
			return q, fmt.Errorf("--address: got %q, want an address", s)
		}
		q.Addresses = append(q.Addresses, postcard.AddrFrom(a))
	}
	for _, n := range f.Nodes {
		if n > 1<<32-1 {
			return q, fmt.Errorf("--node: got %d, want at most 2^32-1", n)
		}
		q.Nodes = append(q.Nodes, postcard.NodeID(n))
	}
	for _, n := range f.VNIs {
		if n >= 1<<24 {
			return q, fmt.Errorf("--vni: got %d, want below 2^24", n)
		}
		q.VNIs = append(q.VNIs, uint32(n))
	}
	for _, n := range f.Reasons {
		if n > 255 {
			return q, fmt.Errorf("--reason: got %d, want at most 255", n)
		}
		q.Reasons = append(q.Reasons, uint8(n))
	}
	return q, nil
}

// Instant reads a time (RFC 3339, ns since 1970, or how long before now), 0 where there is none.
func Instant(s string, now time.Time) (int64, error) {
	if s == "" {
		return 0, nil
	}
	if ns, err := strconv.ParseInt(s, 10, 64); err == nil {
		return ns, nil
	}
	if ago, err := time.ParseDuration(s); err == nil {
		return now.Add(-ago.Abs()).UnixNano(), nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return 0, fmt.Errorf("got %q, want RFC 3339, ns since 1970, or a duration", s)
	}
	return t.UnixNano(), nil
}

var protocols = map[string]uint8{"icmp": 1, "tcp": 6, "udp": 17, "icmp6": 58, "sctp": 132}

// ParseFlow reads a flow written SRC:PORT,DST:PORT,PROTOCOL.
func ParseFlow(s string) (postcard.Flow, error) {
	parts := strings.Split(s, ",")
	wrong := fmt.Errorf("got %q, want SRC:PORT,DST:PORT,PROTOCOL, such as 10.0.0.1:4242,10.0.0.2:80,tcp", s)
	if len(parts) != 3 {
		return postcard.Flow{}, wrong
	}
	src, err1 := netip.ParseAddrPort(parts[0])
	dst, err2 := netip.ParseAddrPort(parts[1])
	proto, ok := protocols[strings.ToLower(parts[2])]
	if !ok {
		n, err := strconv.ParseUint(parts[2], 0, 8)
		if err != nil {
			return postcard.Flow{}, wrong
		}
		proto = uint8(n)
	}
	if err1 != nil || err2 != nil {
		return postcard.Flow{}, wrong
	}
	return postcard.Flow{
		Src: postcard.AddrFrom(src.Addr()), Dst: postcard.AddrFrom(dst.Addr()),
		SrcPort: src.Port(), DstPort: dst.Port(), Proto: proto,
	}, nil
}
