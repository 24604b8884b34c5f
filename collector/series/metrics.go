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

	linkPackets
	linkLost
	linkDoubt
	linkFlows
	blackholes
	looping
	followed
	epochs
	incomplete
	late
	coverage
)

var (
	queueLabels  = []string{"node", "port", "peer", "queue"}
	tenantLabels = []string{"vni", "tenant"}
	linkLabels   = []string{"node", "port", "peer"}
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

	linkPackets: {"telltale_flowset_packets_total", "counter", "packets", linkLabels, "Packets that a node sent to another one."},
	linkLost:    {"telltale_flowset_lost_packets_total", "counter", "packets", append(linkLabels[:3:3], "place"), "Packets lost: on the wire behind a node, in its queue, or in the switch for another reason."},
	linkDoubt:   {"telltale_flowset_doubtful_packets_total", "counter", "packets", linkLabels, "Packets that were lost on the wire, or arrived and were not reported."},
	linkFlows:   {"telltale_flowset_lossy_flows_total", "counter", "flows", append(linkLabels[:3:3], "place"), "Flows that lost packets, counted in every epoch in which they did."},
	blackholes:  {"telltale_flowset_blackholes_total", "counter", "flows", linkLabels, "Flows all packets of which, from some one on, vanished on a link."},
	looping:     {"telltale_flowset_looping_packets_total", "counter", "packets", []string{"node"}, "Packets that went round through a node."},
	followed:    {"telltale_flowset_followed_packets_total", "counter", "packets", []string{"fate"}, "Packets looked at: delivered, lost (on a wire), dropped (and reported), doubtful, or unknown."},
	epochs:      {"telltale_flowset_epochs_total", "counter", "epochs", []string{"state"}, "Epochs judged: complete, of which nothing is missing, and incomplete."},
	incomplete:  {"telltale_flowset_incomplete_epochs_total", "counter", "epochs", []string{"cause"}, "Incomplete epochs by cause; one may have several."},
	late:        {"telltale_flowset_late_reports_total", "counter", "reports", nil, "Reports that came after their epoch was judged."},
	coverage:    {"telltale_flowset_coverage_ratio", "gauge", "1", nil, "Share of the network's packets, by those reported, of which it is known what became of them; of the latest epochs."},
}

// Metrics returns what there is.
func Metrics() []Metric { return metrics[:] }
