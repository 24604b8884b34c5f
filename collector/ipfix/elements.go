package ipfix

// Element is an information element in a template.
type Element struct {
	Name       string
	ID         uint16 // of IANA's registry, or within the enterprise
	Length     uint16 // bytes, fewer than the registry's where RFC 7011, 6.2 lets them; 65535 = as many as it says itself
	Enterprise bool
}

// Template is the layout of data records.
type Template struct {
	ID     uint16
	About  string
	Scope  int // of the fields, the first so many are an options template's scope
	Fields []Element
}

// Documentation is the enterprise number for examples (RFC 5612).
const Documentation = 32473

// Elements of IANA's registry.
var (
	octetDeltaCount              = Element{Name: "octetDeltaCount", ID: 1, Length: 8}
	packetDeltaCount             = Element{Name: "packetDeltaCount", ID: 2, Length: 8}
	protocolIdentifier           = Element{Name: "protocolIdentifier", ID: 4, Length: 1}
	sourceTransportPort          = Element{Name: "sourceTransportPort", ID: 7, Length: 2}
	sourceIPv4Address            = Element{Name: "sourceIPv4Address", ID: 8, Length: 4}
	ingressInterface             = Element{Name: "ingressInterface", ID: 10, Length: 4}
	destinationTransportPort     = Element{Name: "destinationTransportPort", ID: 11, Length: 2}
	destinationIPv4Address       = Element{Name: "destinationIPv4Address", ID: 12, Length: 4}
	samplingInterval             = Element{Name: "samplingInterval", ID: 34, Length: 4}
	egressInterface              = Element{Name: "egressInterface", ID: 14, Length: 4}
	sourceIPv6Address            = Element{Name: "sourceIPv6Address", ID: 27, Length: 16}
	destinationIPv6Address       = Element{Name: "destinationIPv6Address", ID: 28, Length: 16}
	exportedOctetTotalCount      = Element{Name: "exportedOctetTotalCount", ID: 40, Length: 8}
	exportedMessageTotalCount    = Element{Name: "exportedMessageTotalCount", ID: 41, Length: 8}
	exportedFlowRecordTotalCount = Element{Name: "exportedFlowRecordTotalCount", ID: 42, Length: 8}
	forwardingStatus             = Element{Name: "forwardingStatus", ID: 89, Length: 1}
	droppedOctetDeltaCount       = Element{Name: "droppedOctetDeltaCount", ID: 132, Length: 8}
	droppedPacketDeltaCount      = Element{Name: "droppedPacketDeltaCount", ID: 133, Length: 8}
	flowEndReason                = Element{Name: "flowEndReason", ID: 136, Length: 1}
	observationPointID           = Element{Name: "observationPointId", ID: 138, Length: 4}
	exportingProcessID           = Element{Name: "exportingProcessId", ID: 144, Length: 4}
	observationDomainID          = Element{Name: "observationDomainId", ID: 149, Length: 4}
	flowStartNanoseconds         = Element{Name: "flowStartNanoseconds", ID: 156, Length: 8}
	flowEndNanoseconds           = Element{Name: "flowEndNanoseconds", ID: 157, Length: 8}
	ignoredPacketTotalCount      = Element{Name: "ignoredPacketTotalCount", ID: 164, Length: 8}
	notSentFlowTotalCount        = Element{Name: "notSentFlowTotalCount", ID: 166, Length: 8}
	notSentPacketTotalCount      = Element{Name: "notSentPacketTotalCount", ID: 167, Length: 8}
	layer2SegmentID              = Element{Name: "layer2SegmentId", ID: 351, Length: 8}
)

// Elements of our own, within the enterprise of [Config].
var (
	hopLatencyMin   = Element{"hopLatencyMinNanoseconds", 1, 4, true}
	hopLatencyMax   = Element{"hopLatencyMaxNanoseconds", 2, 4, true}
	hopLatencySum   = Element{"hopLatencySumNanoseconds", 3, 8, true}
	hopLatencyCount = Element{"hopLatencyDeltaCount", 4, 8, true}
	queueDepthMax   = Element{"queueDepthMaxPackets", 5, 4, true}
	queueDepthSum   = Element{"queueDepthSumPackets", 6, 8, true}
	queueDepthCount = Element{"queueDepthDeltaCount", 7, 8, true}
	queueID         = Element{"queueId", 8, 1, true}
	dropReason      = Element{"dropReason", 9, 1, true}
	reportsReceived = Element{"reportsReceivedTotalCount", 10, 8, true}
	reportsLost     = Element{"reportsLostTotalCount", 11, 8, true}
	epochNumber     = Element{"epochNumber", 12, 8, true}
	nodeName        = Element{"observationPointName", 13, variable, true}
	nextNode        = Element{"nextObservationPointId", 14, 4, true}
	nextName        = Element{"nextObservationPointName", 15, variable, true}
	lossPlace       = Element{"lossPlace", 16, 1, true}
	sentPackets     = Element{"sentPacketDeltaCount", 17, 8, true}
)

// The ids of the templates.
const (
	forwarded4 = 256 + iota
	forwarded6
	dropped4
	dropped6
	reliability
	reporting
	epoch4
	epoch6
	loss4
	loss6
)

var templates = []Template{
	{ID: forwarded4, About: "an IPv4 flow at a node", Fields: flow(false, false)},
	{ID: forwarded6, About: "an IPv6 flow at a node", Fields: flow(true, false)},
	{ID: dropped4, About: "what was dropped of an IPv4 flow at a node, for one reason", Fields: flow(false, true)},
	{ID: dropped6, About: "what was dropped of an IPv6 flow at a node, for one reason", Fields: flow(true, true)},
	{ID: reliability, About: "what was exported, and what was not (RFC 7011, 4.1 to 4.3)", Scope: 2, Fields: []Element{
		observationDomainID, exportingProcessID,
		exportedMessageTotalCount, exportedFlowRecordTotalCount, exportedOctetTotalCount,
		ignoredPacketTotalCount, notSentFlowTotalCount, notSentPacketTotalCount,
	}},
	{ID: reporting, About: "how many of a node's reports arrived: what flows at it are to be multiplied by", Scope: 1, Fields: []Element{
		observationPointID, reportsReceived, reportsLost,
	}},
	{ID: epoch4, About: "the packets of an IPv4 flow that a node saw in an epoch", Fields: epoch(false, false)},
	{ID: epoch6, About: "the packets of an IPv6 flow that a node saw in an epoch", Fields: epoch(true, false)},
	{ID: loss4, About: "the packets of an IPv4 flow that were lost in an epoch behind or in a node", Fields: epoch(false, true)},
	{ID: loss6, About: "the packets of an IPv6 flow that were lost in an epoch behind or in a node", Fields: epoch(true, true)},
}

// epoch returns the elements of a flow's packets in an epoch.
func epoch(six, loss bool) []Element {
	f := []Element{observationPointID, flowStartNanoseconds, flowEndNanoseconds}
	if six {
		f = append(f, sourceIPv6Address, destinationIPv6Address)
	} else {
		f = append(f, sourceIPv4Address, destinationIPv4Address)
	}
	f = append(f, sourceTransportPort, destinationTransportPort, protocolIdentifier, layer2SegmentID, samplingInterval, epochNumber)
	if !loss {
		return append(f, packetDeltaCount, nodeName)
	}
	return append(f, egressInterface, forwardingStatus, lossPlace, droppedPacketDeltaCount, sentPackets, nextNode, nodeName, nextName)
}

func flow(six, dropped bool) []Element {
	f := []Element{observationPointID, flowStartNanoseconds, flowEndNanoseconds}
	if six {
		f = append(f, sourceIPv6Address, destinationIPv6Address)
	} else {
		f = append(f, sourceIPv4Address, destinationIPv4Address)
	}
	f = append(f, sourceTransportPort, destinationTransportPort, protocolIdentifier, forwardingStatus, flowEndReason, queueID,
		ingressInterface, egressInterface, layer2SegmentID)
	if dropped {
		return append(f, dropReason, droppedOctetDeltaCount, droppedPacketDeltaCount)
	}
	return append(f, octetDeltaCount, packetDeltaCount,
		hopLatencyMin, hopLatencyMax, hopLatencySum, hopLatencyCount, queueDepthMax, queueDepthSum, queueDepthCount)
}

// Templates returns all templates there are.
func Templates() []Template { return templates }

// variable is the length of an element that says its length itself (RFC 7011, 7).
const variable = 1<<16 - 1

// MaxName is how many bytes of a name are written, at most.
const MaxName = 63

// length returns the bytes of a record, at most.
func (t *Template) length() int {
	n := 0
	for _, f := range t.Fields {
		if f.Length == variable {
			n += 1 + MaxName
		} else {
			n += int(f.Length)
		}
	}
	return n
}
