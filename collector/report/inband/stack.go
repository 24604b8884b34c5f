package inband

import (
	"math/bits"

	"github.com/telltale-net/telltale/collector/report"
	"github.com/telltale-net/telltale/internal/dissect"
)

// divide finds the hops in the stack, which by the shim has size bytes.
func (h *Header) divide(size int, domains report.Domains) error {
	words := bits.OnesCount16(uint16(h.Bitmap))
	switch h.Version {
	case 2:
		words += bits.OnesCount16(uint16(h.Bitmap & (IngressTime | EgressTime | Level2)))
	case 1:
		l2 := bits.OnesCount16(uint16(h.Bitmap & Level2))
		times := bits.OnesCount16(uint16(h.Bitmap & (IngressTime | EgressTime)))
		switch int(h.HopML) {
		case words + l2:
		case words + times + l2:
			h.Wide = true
		case words + times:
			h.Wide, h.Narrow = times > 0, true
		case words:
			h.Narrow = true
		}
		words = h.hopWords()
	}
	if int(h.HopML) < words {
		return &Error{"hop metadata length", h.Where.At, int(h.HopML), words}
	}
	hop := int(h.HopML) * wordSize
	h.whole = len(h.Stack) == size
	if hop == 0 {
		if h.extra = size; size > 0 && h.whole { // nothing but what the source added
			h.hops = 1
		}
		return nil
	}
	all := size / hop
	h.extra = size - all*hop
	if h.DomainID != 0 {
		if d := domains.Lookup(h.DomainID); d != nil {
			if n, known := d.Size(h.DSInstruction & d.SourceOnly); known && n <= size && (size-n)%hop == 0 {
				h.extra = n
				all = (size - n) / hop
			}
		}
	}
	if all == 0 && h.extra > 0 {
		return &Error{"stack", h.Where.At, size, hop}
	}
	if h.hops = all; !h.whole {
		h.hops = min(all, len(h.Stack)/hop)
		if h.hops == all && h.extra > 0 {
			h.hops-- // the last hop ends behind what is there
		}
	}
	return nil
}

// hopWords returns how many words the bitmap of version 1.0 stands for.
func (h *Header) hopWords() int {
	n := bits.OnesCount16(uint16(h.Bitmap))
	if h.Wide {
		n += bits.OnesCount16(uint16(h.Bitmap & (IngressTime | EgressTime)))
	}
	if !h.Narrow {
		n += bits.OnesCount16(uint16(h.Bitmap & Level2))
	}
	return n
}

// ReadBehind takes the bytes of the packet b behind the INT header for the metadata of
// one more hop, as some emitters of INT-MX reports put it there, outside the Length of
// the shim. It reports whether all of it is there; then Hops is 1.
func (h *Header) ReadBehind(b []byte) bool {
	words := bits.OnesCount16(uint16(h.Bitmap)) + bits.OnesCount16(uint16(h.Bitmap&(IngressTime|EgressTime|Level2)))
	at := h.Where.End
	if h.Version != 2 || h.Type != dissect.INTMX || h.Bitmap == 0 || at+words*wordSize > len(b) {
		return false
	}
	h.HopML, h.Stack = uint8(words), b[at:at+words*wordSize]
	h.hops, h.extra, h.whole = 1, 0, true
	return true
}

// Hops returns how many whole hops the stack holds.
func (h *Header) Hops() int { return h.hops }

// SourceOnly returns how many bytes of the last hop's metadata only the source inserted.
func (h *Header) SourceOnly() int { return h.extra }
