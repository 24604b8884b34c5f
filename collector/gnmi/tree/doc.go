// Package tree is the data tree behind the gNMI server: leaves by target, origin and
// path, with the time of every value, and the queues of those who subscribe to them.
//
//	Update, Atomic, Delete, Sync ──▶ Tree ─▶ Unit ─▶ State (immutable)
//	                                          │ watched by
//	                                          ▼
//	                     Subscriber: one queue, at most one place per unit and entry
//
// A [Unit] is what changes as one: a leaf, or an atomic container with its leaves. A
// [Schema] says which leaves there may be; nothing outside it gets in.
//
// A queue holds units, not values: a unit that changes again while it waits keeps its
// place, and the number of values passed over is counted (Update.duplicates of gNMI).
// So a queue never holds more than the units there are and the deletions that wait,
// and a subscriber that is too many values behind is cut ([ErrBehind]).
//
// openconfig/gnmi's cache, ctree, match and coalesce do much the same. They are not used:
// they flatten keys into path elements, put target and origin among them, hold
// protocol messages as values, and look a path up in the tree of subscriptions with
// every update, where here a unit knows its subscribers.
//
// Values and locks only: no sockets, no clocks, no goroutines, no logging.
package tree
