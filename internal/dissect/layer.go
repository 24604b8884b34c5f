package dissect

// Layer names the header that a truncated packet ends within.
type Layer uint8

// The layers.
const (
	Whole Layer = iota // no header was cut
	LayerEthernet
	LayerVLAN
	LayerMPLS
	LayerIPv4
	LayerIPv4Options
	LayerIPv6
	LayerIPv6Extension
	LayerAuthentication
	LayerTCP
	LayerTCPOptions
	LayerUDP
	LayerPorts // of SCTP, DCCP, UDP-Lite
	LayerICMP
	LayerESP
	LayerGRE
	LayerVXLAN
	LayerGeneve
	LayerGTPU
	LayerINT
)

var layerNames = [...]string{
	Whole: "whole", LayerEthernet: "ethernet", LayerVLAN: "vlan", LayerMPLS: "mpls",
	LayerIPv4: "ipv4", LayerIPv4Options: "ipv4_options", LayerIPv6: "ipv6", LayerIPv6Extension: "ipv6_extension",
	LayerAuthentication: "authentication", LayerTCP: "tcp", LayerTCPOptions: "tcp_options", LayerUDP: "udp",
	LayerPorts: "ports", LayerICMP: "icmp", LayerESP: "esp", LayerGRE: "gre", LayerVXLAN: "vxlan",
	LayerGeneve: "geneve", LayerGTPU: "gtp_u", LayerINT: "int",
}

func (l Layer) String() string {
	if int(l) < len(layerNames) {
		return layerNames[l]
	}
	return "unknown"
}
