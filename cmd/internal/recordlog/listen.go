package recordlog

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"sync"

	"github.com/telltale-net/telltale/collector"
	"github.com/telltale-net/telltale/collector/postcard"
	"github.com/telltale-net/telltale/internal/capture"
)

// Dump writes every datagram that a collector of the configuration receives to a pcap
// file, until ctx is done, and returns the collector's counts: what the kernel dropped
// and what was lost on the way is in them. ready, where not nil, is called once it
// listens.
//
// The frames are made up around the datagrams: what was received does not say more than
// source, payload and time. Where the address listened on is any, the destination is
// the loopback.
func Dump(ctx context.Context, cfg collector.Config, w io.Writer, ready func(netip.AddrPort)) (collector.Snapshot, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d := dump{out: bufio.NewWriterSize(w, 1<<20), stop: cancel}
	var err error
	if d.pcap, err = capture.NewWriter(d.out); err != nil {
		return collector.Snapshot{}, err
	}
	c, err := collector.New(cfg, collector.Deps{
		Sink:     func([]postcard.Record) {},
		Datagram: d.datagram,
		Ready: func(a netip.AddrPort) {
			d.mu.Lock()
			d.to = a
			d.mu.Unlock()
			if ready != nil {
				ready(a)
			}
		},
	})
	if err != nil {
		return collector.Snapshot{}, err
	}
	err = c.Run(ctx)
	if failed := d.out.Flush(); d.err == nil && failed != nil {
		d.err = fmt.Errorf("cannot write the pcap file: %w", failed)
	}
	return c.Snapshot(), errors.Join(err, d.err)
}

// dump is a pcap file being written.
type dump struct {
	mu    sync.Mutex
	to    netip.AddrPort
	out   *bufio.Writer
	pcap  *capture.Writer
	frame []byte
	stop  func()
	err   error // the first; afterwards nothing more is written
}

func (d *dump) datagram(now int64, src netip.AddrPort, payload []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return
	}
	to := d.to.Addr().Unmap()
	switch v4 := src.Addr().Unmap().Is4(); {
	case !to.IsValid(), to.IsUnspecified(), to.Is4() != v4:
		if to = netip.IPv6Loopback(); v4 {
			to = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		}
	}
	d.frame, d.err = capture.UDP(d.frame[:0], src, netip.AddrPortFrom(to, d.to.Port()), payload)
	if d.err == nil {
		d.err = d.pcap.Write(now, d.frame)
	}
	if d.err != nil {
		d.stop()
	}
}
