package engine

import (
	"fmt"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/hash"
)

// SetCRC sets the parameters of a calculation whose algorithm is one of the custom
// CRCs: simple_switch's set_crc16_parameters and set_crc32_parameters.
func (s *Switch) SetCRC(calculation string, p hash.CRC) error {
	return s.setHash(calculation, func(h *hash.Hash) error { return h.SetCRC(p) })
}

// SetToeplitzKey sets the key of a calculation whose algorithm is toeplitz, a
// positive multiple of four bytes.
func (s *Switch) SetToeplitzKey(calculation string, key []byte) error {
	return s.setHash(calculation, func(h *hash.Hash) error { return h.SetKey(key) })
}

func (s *Switch) setHash(name string, set func(*hash.Hash) error) error {
	s.control.Lock()
	defer s.control.Unlock()
	i, err := s.prog.lookup(s.prog.byName.calcs, "calculation", name)
	if err != nil {
		return fmt.Errorf("cannot set parameters: %w", err)
	}
	if s.visit(func() { err = set(s.hashes[i]) }); err != nil {
		return fmt.Errorf("calculation %q: %w: %w", name, err, device.ErrInvalid)
	}
	return nil
}
