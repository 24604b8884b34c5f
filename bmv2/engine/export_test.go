package engine

// ControlWaits is the count of Stats for the goroutine that packets run on, without a
// visit.
func (s *Switch) ControlWaits() uint64 { return s.stats.ControlWaits }
