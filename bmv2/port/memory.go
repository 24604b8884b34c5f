package port

import (
	"bytes"
	"sync"
)

// Pipe returns two drivers in memory, for tests: what one sends the other receives.
// depth frames may be on their way in each direction; Send waits while there are as
// many.
func Pipe(depth int) (Driver, Driver) {
	ab, ba := make(chan []byte, depth), make(chan []byte, depth)
	a := &memory{in: ba, out: ab, closed: make(chan struct{})}
	b := &memory{in: ab, out: ba, closed: make(chan struct{})}
	a.peer, b.peer = b, a
	return a, b
}

type memory struct {
	in, out chan []byte
	peer    *memory
	once    sync.Once
	closed  chan struct{}
}

func (m *memory) Receive() ([]byte, error) {
	select {
	case <-m.closed:
		return nil, ErrClosed
	default:
	}
	select {
	case b := <-m.in:
		return b, nil
	case <-m.closed:
		return nil, ErrClosed
	}
}

// Send to a peer that is closed loses the frame, as a wire would.
func (m *memory) Send(frame []byte) error {
	select {
	case m.out <- bytes.Clone(frame):
	case <-m.peer.closed:
	case <-m.closed:
		return ErrClosed
	}
	return nil
}

func (m *memory) Stats() Stats { return Stats{} }

func (m *memory) Close() error {
	m.once.Do(func() { close(m.closed) })
	return nil
}
