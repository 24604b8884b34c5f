// Package port joins the ports of a switch to the world: memory for tests, UDP
// tunnels, network interfaces, captures.
//
// A [Driver] is one port. Each has its own goroutine that receives and one that sends;
// queues, counters and the switch belong to their caller. [Open] makes drivers from
// their names:
//
//	udp:LOCAL/REMOTE   a frame per datagram, from and to REMOTE only; both host:port
//	veth:NAME          an Ethernet interface that exists, by AF_PACKET (Linux, CAP_NET_RAW)
//	pcap:IN,OUT        frames of the capture IN at their intervals, then none; all that
//	                   leaves into OUT; either may be empty
//
// Packets over gRPC are a service of the whole switch and live in package dataplane.
// Nothing here knows what a frame holds, except that an interface's driver restores
// VLAN tags and checksums that the kernel leaves to hardware.
package port
