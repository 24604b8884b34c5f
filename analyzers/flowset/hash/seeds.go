package hash

// MostSeed is below what seeds are searched for.
const MostSeed = 1 << 16

// SeedForms are the ways of hashing a seed with which seeds are searched for.
func SeedForms(a Algorithm) (out []Form) {
	switch a {
	case MD5, SHA1, SHA256, CRC16, CRC16CCITT: // too slow, or too short to tell
		return nil
	}
	for _, scale := range []bool{false, true} {
		out = append(out, Form{scale: scale})
		switch a {
		case CRC32, CRC32C, FNV1a, FNV1a32:
			out = append(out, Form{scale: scale, little: true}, Form{scale: scale, place: after}, Form{scale: scale, place: asInit})
		}
	}
	return out
}

// Seeded is the form with seeds that are told one by one.
func (f Form) Seeded() Form {
	f.number = byPage
	return f
}

// Home is a key and the cell where it is.
type Home struct {
	A, B   uint64 // of the key's first 16 bytes
	Wide   *[3]uint64
	Digest uint64
	Cell   uint64
}

// FindSeed looks for a seed, first from a likely one upwards, whose function puts at least
// five of six keys of n bytes into their cells, of so many.
func FindSeed(a Algorithm, way Form, keyBytes int, homes []Home, cells, likely uint64) (seed uint64, ok bool) {
	h := Family{Algorithm: a, Form: way}
	fn := h.Functions(1, keyBytes)
	keys := make([]Prepared, len(homes))
	for i := range homes {
		x := &homes[i]
		fn.Prepare(&keys[i], x.A, x.B, x.Wide, x.Digest)
	}
	for i := range uint64(MostSeed) {
		seed = (likely + i) % MostSeed
		fn.setSeed(0, seed)
		wrong := 0
		for j := range keys {
			if fn.Cell(fn.Value(0, &keys[j]), cells) != homes[j].Cell {
				if wrong++; 6*wrong > len(keys) {
					break
				}
			}
		}
		if 6*wrong <= len(keys) {
			return seed, true
		}
	}
	return 0, false
}
