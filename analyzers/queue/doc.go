// Package queue answers who filled the queue that a packet waited in: a node that
// stalled, flows that are slow to serve, a burst, through how many hops.
package queue
