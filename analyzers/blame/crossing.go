package blame

import "slices"

// crossing is a column that a path crosses: c, or ^c where it crosses only a half of it.
type crossing int32

// of returns the column, and how much of its rate the packets meet.
func (x crossing) of() (column int32, part float64) {
	if x < 0 {
		return int32(^x), 0.5
	}
	return int32(x), 1
}

// columns appends the suspects on a path, each once: its links, then its devices. What a
// device loses it loses on the links to it and from it, so that a path with only one of its
// links crosses a half of it.
func (t *Tracker) columns(out []crossing, path []int32) []crossing {
	links := int32(t.links.Len())
	first := len(out)
	for _, l := range path {
		if x := crossing(l); !slices.Contains(out[first:], x) {
			out = append(out, x)
		}
	}
	if t.cfg.NoDevices {
		return out
	}
	first = len(out)
	for _, l := range path {
		for _, n := range t.links.ends[l] {
			if n >= 0 {
				out = cross(out, first, crossing(links+n))
			}
		}
	}
	return out
}

// cross adds another link of a device to what a path crosses from first on.
func cross(out []crossing, first int, device crossing) []crossing {
	for i := len(out) - 1; i >= first; i-- { // mostly the last one
		switch out[i] {
		case ^device:
			out[i] = device
			return out
		case device:
			return out
		}
	}
	return append(out, ^device)
}
