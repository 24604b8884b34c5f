package series

// Metric describes a family of series.
type Metric struct {
	Name   string
	Kind   string   // counter, gauge, histogram or summary
	Unit   string   // of its values
	Labels []string // that its series may have
	Help   string
}

// The families, in the order in which they are written.
const (
	packets = iota
	drops
	congested
	octets
	latency
	depth
	depthMax
	tenantRecords
	tenantBytes
	tenantDrops
	nodes
	queues
	tenants
	overflow
)

var (
	queueLabels  = []string{"node", "port", "peer", "queue"}
	tenantLabels = []string{"vni", "tenant"}
)

var metrics = [...]Metric{
	packets:       {"telltale_packets_total", "counter", "packets", queueLabels, "Packets reported at an output queue, dropped ones included."},
	drops:         {"telltale_drops_total", "counter", "packets", append(queueLabels[:4:4], "reason"), "Packets reported as dropped, by drop reason."},
	congested:     {"telltale_congested_packets_total", "counter", "packets", queueLabels, "Packets reported because their queue was congested."},
	octets:        {"telltale_bytes_total", "counter", "bytes", queueLabels, "Bytes of the packets whose length was reported."},
	latency:       {"telltale_hop_latency_seconds", "histogram", "seconds", append(queueLabels[:4:4], "le"), "Time from a packet's arrival at a node to its leaving the queue."},
	depth:         {"telltale_queue_depth_packets", "summary", "packets", queueLabels, "Packets left behind in the queue by one that left it."},
	depthMax:      {"telltale_queue_depth_packets_max", "gauge", "packets", queueLabels, "The greatest queue depth reported in the last one to two intervals."},
	tenantRecords: {"telltale_tenant_records_total", "counter", "reports", tenantLabels, "Reports about a tenant's packets, one for each hop that reported."},
	tenantBytes:   {"telltale_tenant_bytes_total", "counter", "bytes", tenantLabels, "Bytes of those packets, at each hop that reported."},
	tenantDrops:   {"telltale_tenant_drops_total", "counter", "packets", append(tenantLabels[:2:2], "reason"), "A tenant's packets reported as dropped, by drop reason."},
	nodes:         {"telltale_node_info", "gauge", "1", []string{"node", "id", "role"}, "A node that reported: its name, Node ID and role."},
	queues:        {"telltale_aggregate_queues", "gauge", "queues", nil, "Output queues that are summed up."},
	tenants:       {"telltale_aggregate_tenants", "gauge", "VNIs", nil, "VNIs that are summed up."},
	overflow:      {"telltale_aggregate_overflow_total", "counter", "reports", []string{"of"}, "Reports that are in no queue's (of=queue) or no tenant's (of=tenant) series because there are too many."},
}

// Metrics returns what there is.
func Metrics() []Metric { return metrics[:] }
