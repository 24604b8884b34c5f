// Package reportsjson turns a stream of captured Telemetry Reports into text: one
// JSON object (JSON Lines) or one line to read per individual report. It is what
// "telltale reports decode" does.
//
// An object names every field as the specification does, in lower case with
// underscores. In this order:
//
//	time, frame or line, stream_offset   where the datagram was found: time of the
//	                                     capture, number from 1, byte in the stream
//	source, destination                  addresses of the datagram; not in hex text
//	missing_bytes                        of the datagram, cut off by the capture
//	ver, hw_id, sequence_number, node_id group header
//	report                               index in the datagram, from 0
//	profile, profile_guessed             the emitter's profile (package profile), and 1
//	                                     where it was guessed from the traffic
//	subsystem                            what hw_id means, where the profile shifts it
//	rep_type, in_type, report_length, md_length, d, q, f, i, rsvd
//	etrap_status                         of switch-p4-16: the upper two bits of rsvd
//	rep_md_bits, domain_specific_id, ds_md_bits, ds_md_status      (rep_type 1)
//	reserved_bit_0, level_1_ingress_interface_id, level_1_egress_interface_id,
//	hop_latency, queue_id, queue_occupancy, ingress_timestamp, egress_timestamp,
//	level_2_ingress_interface_id, level_2_egress_interface_id,
//	egress_port_tx_utilization, buffer_id, buffer_occupancy, reserved,
//	drop_queue_id, drop_reason, drop_padding                       where reported
//	drop_reason_name                     by the profile's table
//	derived_hop_latency                  ns: the difference of the timestamps modulo
//	                                     their width, where hop_latency is not reported
//	ds_metadata                          all domain-specific metadata, hex
//	domain_specific                      the same read: of domain 0x7474 packet_id,
//	                                     epoch, colour, stage, flow_hash, vni,
//	                                     packet_length, enqueue_depth, rule_id; of
//	                                     configured domains bit_0 …, hex
//	tlvs                                 tlv_type, rsvd, tlv_length, tlv_data_template, data
//	ds_extension_data, truncated_packet, contents
//	                                     inner contents by in_type, hex
//	drop_timestamp, drop_count, drop_key ds_extension_data of domain 0x5453 read
//	int                                  INT headers of the truncated packet, see below
//	int_error                            where a packet is marked for INT and has none
//	vlans, mpls_label
//	outer, inner                         IP headers of the truncated packet: inner is
//	                                     the only one or the one inside outer; deeper
//	                                     ones are in nested. Ports and protocol are the
//	                                     packet's own; where INT replaced them, what the
//	                                     headers say is wire_protocol, wire_src_port,
//	                                     wire_dst_port
//	cut_in, headers_read                 the header that the packet ends within, and the
//	                                     bytes of headers that were read
//
// Bit fields are numbers (rep_md_bits too: 31744 is 0x7c00), flags 0 or 1; what was
// not reported is not there. drop_queue_id is the queue id beside drop_reason.
//
// Reports of version 0.5 and 1.0 (ver 0 and 1) have length (1.0), n_proto, d, q, f, rsvd
// and the metadata by the names above: node_id is their switch id, the level 1
// interface ids their port ids, reserved the words that Length has and no bit explains.
//
// A data packet that carries INT becomes an object too: "packet" is 1, then source
// and destination where it is UDP, frame_data (hex; frame_start says where it does not
// start with Ethernet), int, and the headers as above.
//
// An element of int has
//
//	carrier                              tcp, udp, gre, vxlan_gpe, geneve
//	sniffed                              1: known by its looks, not by a mark
//	type, npt, g, length, option_class, dscp, udp_port, ip_proto, next_protocol
//	                                     shim (option header, tail) as far as it has them
//	npt_flipped                          1: the protocol is in the byte that is reserved
//	ver, rep, d, c, e, m, reserved, hop_ml, remaining_hop_count (0.5: instruction_count,
//	max_hop_count, total_hop_count), instruction_bitmap, domain_specific_id,
//	ds_instruction, ds_flags             INT header as far as its version has them
//	hops                                 the newest first: the metadata by the names
//	                                     above, ds_metadata, source_only_metadata,
//	                                     checksum_complement; invalid names what is
//	                                     all-ones, and that is not there
//	source_inserted_metadata             of INT-MX, hex
//	destination_metadata                 of a destination header, hex
//	missing_bytes                        of the header, cut off with the packet
//	l4_checksum                          right or wrong, where TCP's or UDP's can be verified
//	error                                where it cannot be read
//
// Reports whose layout deviates by their emitter's profile come with the whole
// "datagram" in hex beside the first of them.
//
// What cannot be read becomes an object with "error", "cause" and
// "datagram_offset", the byte in the datagram, once the "datagram" in hex, and is
// counted.
package reportsjson
