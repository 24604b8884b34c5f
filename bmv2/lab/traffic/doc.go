// Package traffic is what tenants' hosts send and what became of it, as values: flow
// specifications, the seeded sources that turn them into departures, the sinks that
// account for arrivals, and mixes of flows over a fabric. Nothing here knows frames,
// switches or a clock: instants are nanoseconds handed in, and the same seed draws
// the same departures.
package traffic
