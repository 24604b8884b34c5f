package port

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/telltale-net/telltale/internal/capture"
)

// pcap plays one capture and records another.
type pcap struct {
	in     *capture.Reader // nil = none
	inFile *os.File
	name   string
	frames int64
	first  int64     // time of the first frame, ns
	began  time.Time // when it was given out

	mu      sync.Mutex // of the output, which Close flushes
	outFile *os.File
	buf     *bufio.Writer
	out     *capture.Writer // nil = none

	once   sync.Once
	closed chan struct{}
}

// textGap is the time between frames of a text, which has no times.
const textGap = int64(time.Millisecond)

func openPcap(arg string) (Driver, error) {
	in, out, ok := strings.Cut(arg, ",")
	if !ok || in == "" && out == "" {
		return nil, errors.New("want pcap:IN,OUT, one of which may be empty")
	}
	p := &pcap{name: in, closed: make(chan struct{})}
	fail := func(err error) (Driver, error) { return nil, errors.Join(err, p.Close()) }
	var err error
	if in != "" {
		if p.inFile, err = os.Open(in); err != nil {
			return nil, err
		}
		if p.in, err = capture.NewReader(p.inFile); err != nil {
			return fail(err)
		}
	}
	if out != "" {
		if p.outFile, err = os.Create(out); err != nil {
			return fail(err)
		}
		p.buf = bufio.NewWriter(p.outFile)
		if p.out, err = capture.NewWriter(p.buf); err != nil {
			return fail(err)
		}
	}
	return p, nil
}

func (p *pcap) Receive() ([]byte, error) {
	if p.in == nil {
		return nil, io.EOF
	}
	var f capture.Frame
	if err := p.in.NextFrame(&f); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		return nil, fmt.Errorf("cannot read %s: %w", p.name, err)
	}
	if f.Missing > 0 {
		return nil, fmt.Errorf("cannot play %s: %v: the capture cut off %d bytes; want whole packets", p.name, f.Position, f.Missing)
	}
	if p.in.Format() == capture.Text {
		f.Time = p.frames * textGap
	}
	if p.frames == 0 {
		p.first, p.began = f.Time, time.Now()
	}
	p.frames++
	wait := time.NewTimer(time.Until(p.began.Add(time.Duration(f.Time - p.first))))
	defer wait.Stop()
	select {
	case <-wait.C:
		return f.Data, nil
	case <-p.closed:
		return nil, ErrClosed
	}
}

func (p *pcap) Send(frame []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.out == nil {
		return nil
	}
	return p.out.Write(time.Now().UnixNano(), frame)
}

func (p *pcap) Stats() Stats { return Stats{} }

func (p *pcap) Close() (err error) {
	p.once.Do(func() {
		close(p.closed)
		p.mu.Lock()
		defer p.mu.Unlock()
		var errs []error
		if p.buf != nil {
			errs = append(errs, p.buf.Flush())
			p.out = nil
		}
		for _, f := range []*os.File{p.inFile, p.outFile} {
			if f != nil {
				errs = append(errs, f.Close())
			}
		}
		err = errors.Join(errs...)
	})
	return err
}
