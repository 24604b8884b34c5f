package capture

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Writer writes Ethernet frames as a pcap file with nanoseconds.
type Writer struct {
	w   io.Writer
	buf []byte
}

// NewWriter writes the file header and returns a writer.
func NewWriter(w io.Writer) (*Writer, error) {
	o := binary.LittleEndian
	h := o.AppendUint32(nil, 0xa1b23c4d)
	h = o.AppendUint16(o.AppendUint16(h, 2), 4)
	h = o.AppendUint64(h, 0)
	h = o.AppendUint32(o.AppendUint32(h, maxFrame), uint32(linkEthernet))
	if _, err := w.Write(h); err != nil {
		return nil, fmt.Errorf("cannot write the header of a pcap file: %w", err)
	}
	return &Writer{w: w}, nil
}

// Write writes one frame, captured at a time (ns since 1970, not before and not
// after 2106), with one call of the underlying writer.
func (w *Writer) Write(time int64, frame []byte) error {
	if len(frame) > maxFrame || time < 0 || time/1e9 > 1<<32-1 {
		return fmt.Errorf("cannot write a frame to a pcap file: got %d bytes at time %d; want at most %d, between 1970 and 2106", len(frame), time, maxFrame)
	}
	o := binary.LittleEndian
	b := o.AppendUint32(w.buf[:0], uint32(time/1e9))
	b = o.AppendUint32(b, uint32(time%1e9))
	b = o.AppendUint32(b, uint32(len(frame)))
	b = o.AppendUint32(b, uint32(len(frame)))
	w.buf = append(b, frame...)
	if _, err := w.w.Write(w.buf); err != nil {
		return fmt.Errorf("cannot write a frame to a pcap file: %w", err)
	}
	return nil
}
