// Package window analyses a stream of postcards window by window: what is wrong
// (analyzers/incident), which link lost how many packets, and which link or device is to
// blame (analyzers/blame), each with the share of reports that never arrived meanwhile.
// It is pure: records and the time go in, events and windows come out; the shell is the
// folder above.
//
//	          ├── window k ──┤
//	records ──●──●───●──●────┼──●──●────────┐
//	                         │◀─ JoinWindow ▶│ now: window k is judged
//	a packet is of the window of its first record; the records of its later hops are
//	awaited for incident's JoinWindow
//
// # Sampling
//
// Where there are more records than may be analysed, [Sampler] takes whole packets: a
// packet's name (VNI, flow hash, packet id) is the same at every hop, so that all of its
// records are in or out. One packet of 2^level is taken; the level rises as soon as a
// second has had its share of records, and falls after two that needed less than a
// third. A packet that was taken before the level rose goes on to be taken: its name is
// remembered, for as long as its later hops may report. Records without a name are taken
// by their report's sequence number. Counts of a window are of packets taken;
// [Window.Scale] says how many records each record taken stands for.
//
// Records that were taken and then shed, because the analysis could not keep up, and those
// that come after their window was judged, tear packets: their hops look lost. They count as lost reports of every node, and in a
// window that has any, and the next one, nobody is blamed.
package window
