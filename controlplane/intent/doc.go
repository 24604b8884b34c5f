// Package intent says what every switch should hold: a fabric and settings go in,
// P4Runtime entities come out. It is pure; sessions, diffs and writes are other
// packages' business.
//
//	topology.Index ─┐
//	Settings ───────┼─► For(node) ─► []*p4v1.Entity ─► Updates
//	Schema (P4Info)─┘
//
// Names, keys and widths that the entities need are in the table [contract]; a
// [Schema] checks it against the P4Info of a program and turns names into ids.
// Entities come in an order in which a switch can take them (members before groups
// before entries that use them) and in which a tenant's packet is let in, and
// reports begin, last. The same arguments give the same entities.
//
// # Underlay
//
// A leaf with a prefix is routed as one by the rest of the fabric: on every other
// switch exactly one entry leads to the leaf and all vswitches behind it, so that
// losing the route to a leaf is losing one entry. The leaf itself, and any other
// neighbour of one of its vswitches, has a /32 per vswitch. What is in no prefix
// is a /32 everywhere. A switch's own address goes to the controller. Spines have
// no route to each other: no tenant's packet ends there, and the way would lead down
// a leaf and up again. Vswitches pass nothing on.
//
// Each port is a member of the selector with the port's number as its id. A route
// with one port uses next hop id = port, a member; one with several uses a group,
// next hop id = group id = 1024 + the rank of the port list on that switch.
// Members of a group watch their ports: while a port is down, its share of the flows
// takes the others. A route with one port has no other.
//
// # Policy
//
// A VNET's outbound rules stand under direction 0, its inbound rules under
// direction 1, on the vswitches that have a host of the VNET, with their own
// priorities. Between two hosts of one vswitch the program looks once, under
// direction 0, where both kinds must agree; so for every local destination each
// pair of an outbound and an inbound rule that can meet is an entry of its own, that
// denies if either does:
//
//	priority   1 │ outbound priority (14 bits, 0 = none matched) │ inbound priority (14)
//	           bit 28
package intent
