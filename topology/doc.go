// Package topology describes a network as values: nodes, ports, links, hosts,
// VNETs and the paths between them. It opens no socket and imports nothing of
// ours; files are read from and written to byte slices.
//
// [LeafSpine] makes a fabric, [Read] and [Write] are its file format, [Validate]
// says everything that is wrong with one, and [Index] answers questions about
// it: who is behind a port, an id or an address, and which shortest paths lead
// from one switch to another.
//
// # File format
//
// YAML in the manner of containerlab, with a p4: part wherever containerlab has
// no word for it. Nodes, links, VNETs, rules and hosts keep the order of the file.
//
//	name: pair
//	topology:
//	  nodes:
//	    leaf1: {kind: fabric, group: leaf, p4: {id: 1, address: 10.1.1.1, prefix: 10.1.1.0/24}}
//	    vs1:   {kind: vswitch, group: vswitch, p4: {id: 2, address: 10.1.1.11, p4rt: "127.0.0.1:9559"}}
//	    sink:  {kind: collector, group: collector, p4: {id: 3, address: 10.255.0.1}}
//	  links:
//	    - endpoints: ["leaf1:1", "vs1:1"]
//	      p4: {rate: 1Gbps, delay: 5us, queue: 64}
//	    - {endpoints: ["leaf1:500", "sink:1"], p4: {telemetry: true}}
//	    - {endpoints: ["vs1:500", "sink:2"], p4: {telemetry: true}}
//	p4:
//	  defaults:
//	    link: {rate: 1Gbps, delay: 5us, queue: 64}
//	    host: {rate: 100Mbps, delay: 1us, queue: 64}
//	  vnets:
//	    - name: red
//	      vni: 1001
//	      acl:
//	        - {id: 101, priority: 10, direction: in, dst: 192.168.0.0/24, proto: tcp, port: 23, action: deny}
//	  hosts:
//	    - {name: red-1, vnet: red, address: 192.168.0.1, at: "vs1:2"}
//
// kind is the P4 program (fabric, vswitch) or collector; group is the role
// (spine, leaf, vswitch, collector). A port is a number, or containerlab's ethN,
// which means N.
//
//	node p4      id        1…2^32−1, the Node ID of its telemetry reports    required
//	             address   IPv4, underlay                                    required
//	             prefix    leaf only: routed as one by the rest, see [Node]
//	             mac       default 02:00 and the four bytes of the id
//	             p4rt      host:port of its P4Runtime server
//	link p4,     rate      number with bps, kbps, Mbps, Gbps or Tbps, or unlimited (default)
//	host         delay     Go duration, default 0s
//	             queue     packets, default 0 = the switch's own (64)
//	link p4      telemetry true on a link to the collector, which carries reports only
//	host         name, vnet, address (CA), at: all required
//	             mac       default 06:00 and the four bytes of the address
//	acl rule     id, priority (1…16383, greater is looked at first), direction (in,
//	             out), action (permit, deny): required
//	             src, dst  prefix or address, default any
//	             proto     tcp, udp, icmp or a number, default any
//	             port      destination port, default any
//
// p4.defaults sets what links and hosts do not say themselves; telemetry links
// take link defaults too. Unknown and repeated keys, anchors, aliases and second
// documents are refused, with the line. A file has at most [MaxFileSize] bytes
// and a fabric at most the numbers of things that [Validate] names.
package topology
