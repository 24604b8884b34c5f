// Package perhop turns what emitters send into our records, one per hop: the record
// of the node that sends a report and, where the report's truncated packet (or a data
// packet itself) carries an INT-MD stack, one of every hop in it.
//
// "The telemetry data may be in the embedded metadata, in the main contents of the
// same report, or in a separate report" (Telemetry Report 2.0, "Embedded Telemetry
// Metadata In Stacked Reports"), so:
//
//   - the sending node's record comes first, unless the report says nothing of that
//     node: no metadata, no drop, no congestion;
//   - where the newest hop of the stack is the sending node, the two are one record:
//     what the stack has not, the main contents add;
//   - the hops follow, the newest first. A hop without a valid node id cannot be
//     anybody's record; it is counted;
//   - "if F is 0, there will not be any embedded telemetry metadata": emitters that
//     embed it all the same exist (AmLight, CableLabs), so it is looked for anyway and
//     what is found is counted as unannounced.
//
// The sink's hop in a separate report becomes a second record of that node with the
// same ingress timestamp.
//
// Times and latencies become nanoseconds by the profile of the source, latencies that
// follow from timestamps modulo their width; a difference beyond 4.29 s is no latency
// but two timestamps that do not belong together. The package is pure.
package perhop
