package drops

import (
	"bytes"
	"slices"

	"github.com/telltale-net/telltale/collector/postcard"
)

// Destination is an underlay address and how many packets for it were dropped.
type Destination struct {
	Address postcard.Addr
	Packets uint64
}

// destinations counts packets by underlay address: a short list, searched in order,
// because a hole in the underlay has few addresses behind it.
type destinations struct {
	list  []Destination
	other uint64 // packets to addresses beyond the cap
}

// add reports false where the address is beyond the cap. The zero address, not known,
// is not counted.
func (d *destinations) add(a postcard.Addr, limit int) bool {
	if a == (postcard.Addr{}) {
		return true
	}
	for i := range d.list {
		if d.list[i].Address == a {
			d.list[i].Packets++
			return true
		}
	}
	if len(d.list) >= limit {
		d.other++
		return false
	}
	d.list = append(d.list, Destination{a, 1})
	return true
}

func (d *destinations) reset() { d.list, d.other = d.list[:0], 0 }

func (d *destinations) sorted() []Destination {
	out := slices.Clone(d.list)
	sortDestinations(out)
	return out
}

func sortDestinations(d []Destination) {
	slices.SortFunc(d, func(a, b Destination) int {
		if a.Packets != b.Packets {
			if a.Packets > b.Packets {
				return -1
			}
			return 1
		}
		return bytes.Compare(a.Address[:], b.Address[:])
	})
}
