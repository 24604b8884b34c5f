package engine

// Atomically implements [device.Atomic]: Receive and Run wait while f runs. f may
// call everything of the switch but these two.
func (s *Switch) Atomically(f func()) {
	s.mu.Lock()
	s.held++
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.held--; s.held == 0 {
			s.pass.Broadcast()
		}
	}()
	f()
}

// enter locks the switch for a packet.
func (s *Switch) enter() {
	s.mu.Lock()
	for s.held > 0 {
		s.pass.Wait()
	}
}

// now is the instant at which a control plane asks.
func (s *Switch) now() Time {
	if s.clock == nil {
		return s.seen
	}
	return max(s.seen, s.clock())
}
