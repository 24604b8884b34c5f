package engine

// What code says to the trace, in the version that is traced.

func tellBranch(n *node, yes bool) stepFn {
	return func(p *packet) { p.says(EventBranch, n.name, 0, yes) }
}

// tellCall announces an action that no table chose.
func tellCall(c *call) stepFn {
	return func(p *packet) {
		p.sw.trace.mark(p)
		p.sw.trace.announce(p, c, Event{})
	}
}

// tellChanges ends an action.
func tellChanges(action string) stepFn {
	return func(p *packet) { p.sw.trace.changes(p, action) }
}
