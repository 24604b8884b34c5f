package main

import (
	"fmt"
	"strings"

	"github.com/telltale-net/telltale/bmv2/engine"
)

// stats is what became of packets inside a switch: every counter that is not zero.
func stats(s *engine.Stats) string {
	var parts []string
	add := func(n uint64, what string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	add(s.IngressDrops, "dropped in ingress")
	add(s.EgressDrops, "dropped in egress")
	add(s.TailDrops, "found a queue full")
	add(s.BadPriority, "had a priority without a queue")
	add(s.NoReplicas, "had no replicas")
	add(s.UnknownClones, "clones to unknown sessions")
	add(s.UnknownLists, "unknown field lists")
	add(s.TooManyPasses, "circled without end")
	add(s.Runaways, "stopped as endless")
	add(s.ParserErrors, "parser errors")
	add(s.ChecksumErrors, "checksum errors")
	add(s.IndexErrors, "indices out of range")
	add(s.EmptyGroups, "hits on empty groups")
	add(s.Assertions, "assertions that did not hold")
	add(s.Cloned, "cloned")
	add(s.Replicated, "replicated")
	add(s.Resubmitted, "resubmitted")
	add(s.Recirculated, "recirculated")
	add(s.Digests, "digests")
	return strings.Join(parts, ", ")
}
