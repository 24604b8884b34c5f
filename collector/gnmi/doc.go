// Package gnmi serves the collector's data over gNMI: Capabilities, Get and Subscribe
// of the specification's version 0.10, on the messages of openconfig/gnmi. There is
// nothing to configure over it: Set is refused with the status UNIMPLEMENTED.
//
//	tree.Tree ◀── Update, Atomic, Sync ── whoever knows something (collector/gnmi/model)
//	    │
//	    ├─ Get        what there is now
//	    └─ Subscribe  a tree.Subscriber per RPC: its queue is filled by changes, by the
//	                  clock (SAMPLE, heartbeat) or by polls, and emptied into the stream
//
// A data path is (target, origin, elements). Every switch is a target with data of
// origin openconfig; the collector's own data has origin telltale and the target
// [Config.Target], which a request without a target means too. The target "*" means
// all targets; a response names the target where the request named one.
//
// What the specification leaves open is decided so:
//
//   - TARGET_DEFINED samples counters every [Config.DefaultSample] and sends all else
//     on change.
//   - Deleted data is told of on change, one path for each leaf or atomic container;
//     SAMPLE is silent about it.
//   - A Get with wildcards has one Notification for every path of the request and
//     every target that has something of it.
//   - OPERATIONAL is STATE without the leaves that a config container repeats.
//   - POLL sends what there is at once, and again at every poll.
//   - Every entry of a subscription list is served by itself: overlapping ones send
//     twice.
//   - JSON is JSON_IETF without module names, and with numbers as numbers.
//   - A subscriber that reads slowly gets the latest value of every path and the count
//     of those passed over (duplicates); one that is tree.Limits.Backlog values behind
//     is cut with RESOURCE_EXHAUSTED.
//
// docs/gnmi.md has the paths and, for each requirement, its test.
package gnmi
