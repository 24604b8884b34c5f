package lab

import "github.com/telltale-net/telltale/bmv2/lab/frame"

// ReportStats counts what reached the collector node.
type ReportStats struct {
	Frames    uint64 // all frames; Frames = Delivered + the sum of Defects
	Delivered uint64 // handed to OnReport
	Bytes     uint64 // of the payloads delivered
	Defects   [frame.Defects]uint64
}

// collect is a frame's end at the collector node.
func (l *Lab) collect(n *node, at Time, b []byte) {
	s := &l.reports
	s.Frames++
	g, d := frame.ParseDatagram(b)
	if d == frame.OK {
		switch {
		case g.DstMAC != n.MAC:
			d = frame.WrongMAC
		case g.Dst.Addr() != n.Address:
			d = frame.WrongAddress
		case g.Dst.Port() != l.cfg.ReportPort:
			d = frame.WrongPort
		}
	}
	if d != frame.OK {
		s.Defects[d]++
		return
	}
	s.Delivered++
	s.Bytes += uint64(len(g.Payload))
	if l.cfg.OnReport != nil {
		l.cfg.OnReport(at, g.Src, g.Payload)
	}
}
