package blame

// Sample is what became of packets that met a queue of some length before a link. It
// says nothing of who is to blame, for the packets are also those of flows; it tells
// corruption, which does not look at the queue, from congestion.
type Sample struct {
	Link    int32
	Depth   float64 // packets, or any other measure of how full the queue was
	Packets uint32  // that met it
	Lost    uint32  // of them, at most Packets
}

// AddSample appends a sample.
func (s *Set) AddSample(x Sample) {
	s.check([]int32{x.Link})
	x.Lost = min(x.Lost, x.Packets)
	s.samples = append(s.samples, x)
}
