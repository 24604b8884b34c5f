package send

import (
	"context"
	"fmt"
	"net"
	"time"
)

// perCall is how many datagrams one batch holds at most.
const perCall = 64

// Run sends until what the configuration asks for is sent or ctx is done, and
// returns what was sent; also beside an error.
func Run(ctx context.Context, cfg Config) (Result, error) {
	if err := cfg.Check(); err != nil {
		return Result{}, err
	}
	s, err := open(ctx, cfg)
	if err != nil {
		return Result{}, err
	}
	defer s.close()
	start := time.Now()
	err = s.run(ctx, start)
	elapsed := time.Since(start)
	s.result.Seconds = elapsed.Seconds()
	if cfg.Progress != nil {
		cfg.Progress(s.result.Reports, elapsed)
	}
	return s.result, err
}

// sender sends from all sources in turn.
type sender struct {
	cfg     Config
	conns   []*conn
	slots   [perCall][]byte
	full    []byte // of which slots are copies
	result  Result
	pending [][]byte
}

func open(ctx context.Context, cfg Config) (s *sender, err error) {
	s = &sender{cfg: cfg, result: Result{To: cfg.To, Sources: make([]Source, cfg.Sources)}}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.full, err = template(cfg.Coalesce); err != nil {
		return nil, err
	}
	for i := range s.slots {
		s.slots[i] = append([]byte(nil), s.full...)
	}
	var dialer net.Dialer
	for range min(cfg.Sources, MaxSockets) {
		c, err := dialer.DialContext(ctx, "udp", cfg.To.String())
		if err != nil {
			return nil, fmt.Errorf("cannot send reports to %v: %w", cfg.To, err)
		}
		sock, err := newConn(c.(*net.UDPConn))
		if err != nil {
			c.Close()
			return nil, fmt.Errorf("cannot send reports to %v: %w", cfg.To, err)
		}
		s.conns = append(s.conns, sock)
	}
	for i := range s.result.Sources {
		src := &s.result.Sources[i]
		src.Node = cfg.FirstNode + uint32(i)
		src.Port = s.conns[i%len(s.conns)].port()
	}
	return s, nil
}

func (s *sender) close() {
	for _, c := range s.conns {
		c.udp.Close()
	}
}

func (s *sender) run(ctx context.Context, start time.Time) error {
	// What a blocked system call waits for ends with ctx.
	stop := context.AfterFunc(ctx, func() {
		for _, c := range s.conns {
			c.udp.SetWriteDeadline(time.Unix(1, 0))
		}
	})
	defer stop()
	shown := time.Duration(0)
	for turn := 0; ; {
		if ctx.Err() != nil {
			return nil
		}
		now := time.Since(start)
		if s.cfg.Duration > 0 && now >= s.cfg.Duration {
			return nil
		}
		if s.cfg.Progress != nil && now-shown >= progressEvery {
			shown = now
			s.cfg.Progress(s.result.Reports, now)
		}
		left := uint64(MaxCount)
		if s.cfg.Count > 0 {
			left = s.cfg.Count - s.result.Reports
		}
		if left == 0 {
			return nil
		}
		n, wait := s.due(now)
		if wait > 0 {
			select {
			case <-ctx.Done():
			case <-time.After(wait):
			}
			continue
		}
		if err := s.batch(turn, n, left, uint64(now)); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("cannot send reports to %v: %w", s.cfg.To, err)
		}
		turn = (turn + 1) % s.cfg.Sources
	}
}

// due returns how many datagrams may be sent now, or how long to wait for the next.
func (s *sender) due(now time.Duration) (n int, wait time.Duration) {
	if s.cfg.Rate == 0 {
		return perCall, 0
	}
	per := float64(s.cfg.Coalesce)
	ahead := (now.Seconds()*s.cfg.Rate - float64(s.result.Reports)) / per
	if ahead < 1 && s.result.Reports > 0 {
		return 0, min(max(time.Duration((1-ahead)*per/s.cfg.Rate*1e9), 50*time.Microsecond), 100*time.Millisecond)
	}
	return min(max(int(ahead), 1), perCall), 0
}

// batch sends at most n datagrams of at most left reports from the source whose turn
// it is, ns after the start.
func (s *sender) batch(turn, n int, left, ns uint64) error {
	src := &s.result.Sources[turn]
	s.pending = s.pending[:0]
	reports, datagrams := src.Reports, src.Datagrams
	for len(s.pending) < n && left > 0 {
		b := s.slots[len(s.pending)]
		many := min(left, uint64(s.cfg.Coalesce))
		b = b[:groupSize+int(many)*reportSize]
		stamp(b, src.Node, uint32(datagrams), reports, ns)
		s.pending = append(s.pending, b)
		reports, datagrams, left = reports+many, datagrams+1, left-many
	}
	c := s.conns[turn%len(s.conns)]
	for todo := s.pending; len(todo) > 0; {
		sent, refused, err := c.send(todo)
		s.result.Calls++
		if refused {
			s.result.Refused++
		}
		for _, b := range todo[:sent] {
			src.LastSequence = uint32(src.Datagrams) & (1<<22 - 1)
			src.Datagrams++
			src.Reports += uint64((len(b) - groupSize) / reportSize)
			s.result.Datagrams++
			s.result.Reports += uint64((len(b) - groupSize) / reportSize)
			s.result.Bytes += uint64(len(b))
		}
		if err != nil {
			return err
		}
		todo = todo[sent:]
	}
	return nil
}
