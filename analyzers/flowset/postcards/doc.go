// Package postcards tells epoch by epoch which link and which queue lost how many packets
// of which flows, off the postcards of a network whose switches report every packet at
// every hop: what encoded flow sets say, without cells to decode. It is pure.
//
//	postcards ─▶ packets ─▶ epochs, open ──── Settle ────▶ judged: Epoch ─▶ Totals
//	              │ (VNI, flow hash, packet id)   ▲
//	reporters ────┴─ first, last, holes ──────────┘ who vouches for its silence
//
// A packet is found again at its next hop by (VNI, flow hash, packet id), as long as its
// postcards are at most [Config.Settle] apart. Its epoch is the number of the period of
// 8.192 ms in which its source vswitch saw it: the postcards' epoch bit is the parity, the
// hop's own clock says which of the periods of that parity (clocks may differ by 4 ms). A
// packet is in one epoch, and an epoch is judged once, whatever the clocks say; where those
// of vswitches differ by more, there are more epochs than time has periods.
//
// # A missing postcard is not a lost packet
//
//	reported further on, or left for a tenant's machine    it was not lost
//	a drop postcard                                        lost there: Queue (no room) or Switch
//	otherwise, the next switch vouches for its silence     lost on the link to it: Wire
//	otherwise                                              in doubt: lost, or not reported
//
// A switch vouches that a packet did not get there if it reported before and after, no
// number of its reports is missing around that time, and it is one that reports every
// packet: a switch that is silent of a packet that must have crossed it, with no number
// missing, is not believed for two seconds, nor is a vswitch that reports no packet that
// it delivers. So a missing number leaves all packets in
// doubt that vanished around it, and what is told as lost is the least that was. Around
// the time means twice the longest time that it took lately from a hop's postcard to the
// next one's.
//
// Where records were left out ([Epochs.Torn]), came after their epoch was judged, or found no
// room, no loss is told of the epochs around, all is in doubt, and [Epoch.Missing] says why.
// An epoch of which nothing is missing is complete: what it says of each link is exact.
//
// Packets that no hop reported are not seen at all. A loop is a packet that was twice at one
// switch. A black hole is a link behind which all packets of a flow vanished, at least
// three in a row, over successive epochs.
package postcards
