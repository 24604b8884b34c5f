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
			s.released.Broadcast()
		}
	}()
	f()
}

// spins is how often a packet asks for the lock before it goes to sleep: about as
// long as a control write holds it. To be woken takes longer than that.
const spins = 200

// enter locks the switch for a packet.
func (s *Switch) enter() {
	for i := 0; !s.mu.TryLock(); i++ {
		if i == spins {
			s.mu.Lock()
			break
		}
	}
	for s.held > 0 {
		s.released.Wait()
	}
}

// now is the instant at which a control plane asks.
func (s *Switch) now() Time {
	if s.clock == nil {
		return s.seen
	}
	return max(s.seen, s.clock())
}
