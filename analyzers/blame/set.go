package blame

import (
	"fmt"
	"math"
	"strings"
)

// Links is the table of directed links: a link is named by its index. Sets of several
// epochs share one. It is for one goroutine while it grows.
type Links struct {
	names  []string
	byName map[string]int32
	nodes  []string // devices, by index
	byNode map[string]int32
	ends   [][2]int32 // by link: the nodes it leads from and to; -1 = its name says none

	bundles map[string]*bundle // by their content
}

// NewLinks returns an empty table.
func NewLinks() *Links {
	return &Links{byName: map[string]int32{}, byNode: map[string]int32{}, bundles: map[string]*bundle{}}
}

// Len is the number of links.
func (l *Links) Len() int { return len(l.names) }

// Name returns the name of a link.
func (l *Links) Name(i int32) string { return l.names[i] }

// ID returns the link of that name, a new one where there is none.
func (l *Links) ID(name string) int32 {
	if i, ok := l.byName[name]; ok {
		return i
	}
	if from, to, ok := strings.Cut(name, ">"); ok && !strings.Contains(to, ">") {
		if from, to = device(strings.TrimSuffix(from, "-")), device(to); from != "" && to != "" {
			return l.Between(name, from, to)
		}
	}
	return l.add(name, [2]int32{-1, -1})
}

// device is the name of the device at an end of a link, without a port: what follows the
// only colon, if it begins with a letter ("leaf-3:eth9", but not "10.0.0.1:80").
func device(end string) string {
	end = strings.TrimSpace(end)
	name, port, ok := strings.Cut(end, ":")
	if !ok || port == "" || strings.Contains(port, ":") || (port[0]|0x20) < 'a' || (port[0]|0x20) > 'z' {
		return end
	}
	return name
}

// Between returns the link of that name, a new one between two devices where there is
// none: for names that do not say the devices.
func (l *Links) Between(name, from, to string) int32 {
	if i, ok := l.byName[name]; ok {
		return i
	}
	return l.add(name, [2]int32{l.node(from), l.node(to)})
}

func (l *Links) add(name string, ends [2]int32) int32 {
	i := int32(len(l.names))
	l.names = append(l.names, name)
	l.byName[name] = i
	l.ends = append(l.ends, ends)
	return i
}

func (l *Links) node(name string) int32 {
	if i, ok := l.byNode[name]; ok {
		return i
	}
	i := int32(len(l.nodes))
	l.nodes = append(l.nodes, name)
	l.byNode[name] = i
	return i
}

// Set is the flows of one epoch, in columns: 16 bytes a flow, 4 a hop, and the names.
type Set struct {
	links    *Links
	pathEnd  []uint32
	path     []int32
	packets  []uint32
	lost     []uint32
	nameEnd  []uint32
	names    []byte
	over     int // flows that lost more than they sent
	pathless int

	counters  map[int32]bool // rows that are the packets of many flows
	uncertain bundles
	patterns  []pattern      // to be completed, ascending
	doubted   map[int32]bool // flows whose pattern could not be: only what they surely crossed is known
	samples   []Sample
	bursts    []burst // by flow, ascending; those that say so
}

// NewSet returns an empty set over a table of links.
func NewSet(links *Links) *Set {
	return &Set{links: links, doubted: map[int32]bool{}, counters: map[int32]bool{}}
}

// Links returns the table of links.
func (s *Set) Links() *Links { return s.links }

// Len is the number of flows.
func (s *Set) Len() int { return len(s.packets) }

// Name returns the name of flow i.
func (s *Set) Name(i int) string { return string(s.names[start(s.nameEnd, i):s.nameEnd[i]]) }

// Path returns the links that flow i crosses for certain, in order. It must not be changed.
func (s *Set) Path(i int) []int32 { return s.path[start(s.pathEnd, i):s.pathEnd[i]] }

// Packets returns how many packets flow i sent, retransmitted ones included.
func (s *Set) Packets(i int) uint32 { return s.packets[i] }

// Lost returns how many packets of flow i were lost.
func (s *Set) Lost(i int) uint32 { return s.lost[i] }

func start(ends []uint32, i int) uint32 {
	if i == 0 {
		return 0
	}
	return ends[i-1]
}

// Add appends a flow; path names links of the table. A flow that lost more packets than
// it sent is taken to have sent as many as it lost: it counted its data, not its
// retransmissions. The error says that the set is full.
func (s *Set) Add(name []byte, path []int32, packets, lost uint32) error {
	if len(s.path)+len(path) > math.MaxUint32 || len(s.names)+len(name) > math.MaxUint32 || len(s.packets) >= math.MaxInt32 {
		return fmt.Errorf("cannot add flow %d: %d path entries and %d bytes of names are held already, want less than 2^32 of each, and less than 2^31 flows", len(s.packets), len(s.path), len(s.names))
	}
	s.check(path)
	if lost > packets {
		packets = lost
		s.over++
	}
	if len(path) == 0 {
		s.pathless++
	}
	s.path = append(s.path, path...)
	s.pathEnd = append(s.pathEnd, uint32(len(s.path)))
	s.names = append(s.names, name...)
	s.nameEnd = append(s.nameEnd, uint32(len(s.names)))
	s.packets = append(s.packets, packets)
	s.lost = append(s.lost, lost)
	return nil
}

// AddCounter appends what a link carried, whatever the flows: their losses are taken to
// lie in stretches of a few dozen packets, not in one burst.
func (s *Set) AddCounter(name []byte, link int32, packets, lost uint32) error {
	if err := s.Add(name, []int32{link}, packets, lost); err != nil {
		return err
	}
	s.counters[int32(s.Len()-1)] = true
	return nil
}

func (s *Set) check(path []int32) {
	for _, l := range path {
		if l < 0 || int(l) >= s.links.Len() {
			panic(fmt.Sprintf("BUG: link %d of %d", l, s.links.Len()))
		}
	}
}
