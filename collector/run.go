package collector

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// socket is one UDP socket and its counts.
type socket struct {
	conn    *net.UDPConn
	address string
	buffer  int // bytes, effective

	received atomic.Uint64
	drops    atomic.Uint64 // as told with the datagrams
	asked    atomic.Uint64 // as told when the kernel was asked last
	cut      atomic.Uint64
	errors   atomic.Uint64
}

// maxReadErrors is how many reads in a row may fail before Run gives up.
const maxReadErrors = 100

// Run opens the sockets and collects until ctx is done; then it gives what it has
// to the sink and returns nil. It returns an error when a socket cannot be opened or
// goes on failing. It may be called once.
func (c *Collector) Run(ctx context.Context) error {
	if c.deps.Sink == nil {
		return errors.New("cannot run the collector: no sink")
	}
	if c.running.Swap(true) {
		return errors.New("cannot run the collector: it has run already")
	}
	sockets, err := c.open(ctx)
	if err != nil {
		return err
	}
	c.sockets.Store(&sockets)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var readers, sink sync.WaitGroup
	failed := make([]error, len(sockets))
	sink.Go(c.drain)
	if c.deps.Ready != nil {
		c.deps.Ready(sockets[0].addr())
	}
	for i, s := range sockets {
		readers.Go(func() {
			failed[i] = c.read(s)
			cancel()
		})
	}
	<-ctx.Done()
	for _, s := range sockets {
		s.ask()
		s.conn.Close() // ends its reader
	}
	readers.Wait()
	close(c.queue)
	sink.Wait()
	return errors.Join(failed...)
}

// open opens the sockets; the second and later ones share the address of the first.
func (c *Collector) open(ctx context.Context) (sockets []*socket, err error) {
	defer func() {
		if err != nil {
			for _, s := range sockets {
				s.conn.Close()
			}
		}
	}()
	n := c.cfg.Sockets
	if !canShare {
		n = 1
	}
	address := c.cfg.Listen
	for range n {
		s, err := listen(ctx, address, c.cfg.ReceiveBuffer)
		if err != nil {
			return sockets, fmt.Errorf("cannot listen for reports on UDP %s: %w", address, err)
		}
		sockets = append(sockets, s)
		if len(sockets) == 1 {
			address = s.addr().String()
		}
	}
	return sockets, nil
}

func (s *socket) addr() netip.AddrPort {
	return s.conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

// read takes datagrams from a socket until it is closed.
func (c *Collector) read(s *socket) error {
	rx, err := newReceiver(s, c.cfg.MaxDatagram)
	if err != nil {
		return fmt.Errorf("cannot read reports from UDP %s: %w", s.address, err)
	}
	h := c.newHandover()
	defer h.flush()
	emit := h.add
	for failures := 0; ; {
		n, err := rx.receive()
		switch {
		case err == nil:
			failures = 0
		case errors.Is(err, net.ErrClosed):
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			h.flush()
			if err := s.conn.SetReadDeadline(time.Time{}); err != nil {
				return nil // closed meanwhile
			}
			continue
		default:
			s.errors.Add(1)
			if failures++; failures == maxReadErrors {
				return fmt.Errorf("cannot read reports from UDP %s, %d times in a row: %w", s.address, failures, err)
			}
			time.Sleep(time.Millisecond)
			continue
		}
		s.received.Add(uint64(n))
		now := c.deps.Now()
		for i := range n {
			src, payload := rx.datagram(i)
			if c.deps.Datagram != nil {
				c.deps.Datagram(now, src, payload)
			}
			h.src = src.Addr().Unmap()
			c.ingest(h.in, now, src, payload, emit)
		}
		if err := h.watch(s.conn); err != nil {
			return nil // closed meanwhile
		}
	}
}

// watch sees to it that no record waits longer than Config.Flush.
func (h *handover) watch(conn *net.UDPConn) error {
	switch {
	case len(h.b.records) == 0:
		return nil
	case h.since.IsZero():
		h.since = time.Now()
		return conn.SetReadDeadline(h.since.Add(h.c.cfg.Flush))
	case time.Since(h.since) >= h.c.cfg.Flush:
		h.flush()
	}
	return nil
}

func (c *Collector) socketStats() []SocketStats {
	p := c.sockets.Load()
	if p == nil {
		return nil
	}
	out := make([]SocketStats, len(*p))
	for i, s := range *p {
		s.ask()
		out[i] = SocketStats{
			Address:       s.address,
			ReceiveBuffer: s.buffer,
			Received:      s.received.Load(),
			KernelDrops:   max(s.drops.Load(), s.asked.Load()),
			KernelCounts:  canCountDrops,
			Cut:           s.cut.Load(),
			Errors:        s.errors.Load(),
		}
	}
	return out
}
