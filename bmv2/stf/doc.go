// Package stf reads scripts of the Simple Test Framework, in which p4c's tests
// are written, and runs them against the behavioural model.
//
// A script is lines; '#' begins a comment, keywords ignore case:
//
//	packet PORT HEX…                    send a packet into PORT
//	expect PORT [HEX…[$]]               a packet leaves by PORT: '*' is any nibble, a prefix
//	                                    unless '$' ends it; without data any packet
//	no_packet                           nothing but what is expected leaves, by any port
//	add TABLE [PRIO] KEY:VALUE… ACTION(ARG:VALUE, …) [= LABEL]
//	setdefault TABLE ACTION(ARG:VALUE, …)
//	remove all                          all entries of all tables
//	wait
//	check_counter NAME(INDEX or $LABEL) [packets|bytes ==|!=|<|<=|>|>= N]
//	mirroring_add ID PORT               mirroring_add_mc ID GROUP
//	mirroring_delete ID                 mirroring_get ID
//	mc_mgrp_create GROUP                mc_node_create RID PORT…     (numbered from 0)
//	mc_node_update NODE PORT…           mc_node_associate GROUP NODE
//	counter_read NAME INDEX             counter_write NAME INDEX PACKETS BYTES
//	register_read NAME INDEX            register_write NAME INDEX VALUE
//	register_reset NAME                 meter_get_rates NAME INDEX
//	meter_set_rates NAME INDEX RATE:BURST RATE:BURST
//	meter_array_set_rates NAME RATE:BURST RATE:BURST
//
// Numbers are decimal, hexadecimal (0x) or binary (0b); in the latter two '*' is
// any digit of a ternary key. VALUE/LENGTH is an lpm key. Names are those of the
// program or an unambiguous end of them. The greater PRIO wins; simple_switch's
// own priority is 10000−PRIO, of which the lower wins. Meter rates are per
// microsecond, as simple_switch's command line has them.
//
// What the scripts mean beyond that is p4c's bmv2stf.py: packets are compared per
// port, in order, when the script has ended; ports that the script never names
// are not looked at (unless it says no_packet). Unlike there, a command that
// fails fails the script, and check_counter checks (bytes with or without four per
// packet for the frame check sequence, as scripts differ about it).
package stf
