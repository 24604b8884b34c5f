package differ

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"

	"github.com/telltale-net/telltale/bmv2/runner"
)

// digest is what a program told the control plane.
type digest struct {
	list   string
	values [][]byte
}

func (d digest) key() string { return string(bytes.Join(d.values, nil)) }

// saying is a digest as the models agree on it.
type saying struct {
	digest
	undef [][]byte // by value: ones where bits are undefined; nil = none
	maybe bool     // not all models send it
}

// agreeOnDigests adds what one more model said of a packet.
func agreeOnDigests(all []saying, said []digest, first bool) []saying {
	if first {
		for _, d := range said {
			all = append(all, saying{digest: d})
		}
		return all
	}
	same := len(all) == len(said)
	for i := range said {
		same = same && said[i].list == all[i].list
	}
	if !same { // whether there is one depends on what is undefined
		for _, d := range said[min(len(all), len(said)):] {
			all = append(all, saying{digest: d})
		}
		for i := range all {
			all[i].maybe = true
		}
		return all
	}
	for i := range said {
		for k, v := range said[i].values {
			if bytes.Equal(v, all[i].values[k]) || len(v) != len(all[i].values[k]) {
				continue
			}
			if all[i].undef == nil {
				all[i].undef = make([][]byte, len(said[i].values))
			}
			if all[i].undef[k] == nil {
				all[i].undef[k] = make([]byte, len(v))
			}
			for b := range v {
				all[i].undef[k][b] |= v[b] ^ all[i].values[k][b]
			}
		}
	}
	return all
}

func (s *saying) fits(d digest) bool {
	if len(s.values) != len(d.values) {
		return false
	}
	for i, v := range s.values {
		if len(v) != len(d.values[i]) {
			return false
		}
		for k := range v {
			diff := v[k] ^ d.values[i][k]
			if s.undef != nil && s.undef[i] != nil {
				diff &^= s.undef[i][k]
			}
			if diff != 0 {
				return false
			}
		}
	}
	return true
}

// maxDigests bounds the digests remembered per side.
const maxDigests = 1 << 20

// digestLog collects what a judge sends, on the goroutine of its session.
type digestLog struct {
	names map[uint32]string
	width map[string][]int // bytes of each value, by list

	mu   sync.Mutex
	said map[string][]digest
	n    int
	bad  error
}

func newDigestLog(p *runner.Program) *digestLog {
	l := &digestLog{names: map[uint32]string{}, width: map[string][]int{}, said: map[string][]digest{}}
	for _, d := range p.Info.GetDigests() {
		l.names[d.GetPreamble().GetId()] = d.GetPreamble().GetName()
	}
	for _, list := range p.Engine.Spec().LearnLists {
		for _, e := range list.Elements {
			l.width[list.Name] = append(l.width[list.Name], (e.Width+7)/8)
		}
	}
	return l
}

func (l *digestLog) heard(m *p4v1.DigestList) {
	l.mu.Lock()
	defer l.mu.Unlock()
	name := l.names[m.GetDigestId()]
	for _, data := range m.GetData() {
		d := digest{list: name}
		err := flatten(data, l.width[name], &d.values)
		if err == nil && len(d.values) != len(l.width[name]) {
			err = fmt.Errorf("got %d values, want %d", len(d.values), len(l.width[name]))
		}
		if err != nil && l.bad == nil {
			l.bad = fmt.Errorf("digest of list %q: %w", name, err)
		}
		if l.n++; l.n <= maxDigests {
			l.said[name] = append(l.said[name], d)
		}
	}
}

// flatten puts the bit strings of a digest one behind the other, each padded to its width.
func flatten(d *p4v1.P4Data, width []int, out *[][]byte) error {
	switch {
	case d.GetStruct() != nil:
		for _, m := range d.GetStruct().GetMembers() {
			if err := flatten(m, width, out); err != nil {
				return err
			}
		}
		return nil
	case d.GetTuple() != nil:
		for _, m := range d.GetTuple().GetMembers() {
			if err := flatten(m, width, out); err != nil {
				return err
			}
		}
		return nil
	}
	v := d.GetBitstring()
	if d.GetBool() {
		v = []byte{1}
	}
	if len(*out) >= len(width) || len(v) > width[len(*out)] {
		return fmt.Errorf("value %d is %x, which the list has no room for", len(*out), v)
	}
	padded := make([]byte, width[len(*out)])
	copy(padded[len(padded)-len(v):], v)
	*out = append(*out, padded)
	return nil
}

func (l *digestLog) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.n
}

// expectations collects what the models say, over all packets.
type expectations struct {
	said map[string][]saying
	seen map[string]map[string]bool // by list and contents, of those without undefined bits
	n    int                        // distinct ones, which the judge will surely send
	all  int
}

func newExpectations() *expectations {
	return &expectations{said: map[string][]saying{}, seen: map[string]map[string]bool{}}
}

func (e *expectations) add(said []saying) {
	for _, s := range said {
		if e.all++; e.all > maxDigests {
			continue
		}
		if s.undef == nil {
			if e.seen[s.list] == nil {
				e.seen[s.list] = map[string]bool{}
			}
			if k := s.key(); !e.seen[s.list][k] {
				e.seen[s.list][k] = true
				if !s.maybe {
					e.n++
				}
			} else {
				continue // the switch sends one of a kind until it is acknowledged
			}
		} else if !s.maybe {
			e.n++
		}
		e.said[s.list] = append(e.said[s.list], s)
	}
}

// against compares with what the judge sent, in order. It returns what is amiss, one
// sentence per list at most, and how many digests have an equal.
func (e *expectations) against(l *digestLog) (amiss []string, equal int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bad != nil {
		amiss = append(amiss, l.bad.Error())
	}
	if l.n > maxDigests || e.all > maxDigests {
		return append(amiss, fmt.Sprintf("more than %d digests", maxDigests)), 0
	}
	lists := map[string]bool{}
	for name := range e.said {
		lists[name] = true
	}
	for name := range l.said {
		lists[name] = true
	}
	for _, name := range sortedKeys(lists) {
		n, wrong := inOrder(e.said[name], l.said[name])
		equal += n
		if wrong != "" {
			amiss = append(amiss, fmt.Sprintf("digest list %q: %s", name, wrong))
		}
	}
	return amiss, equal
}

// inOrder finds for every digest of the judge the next one expected that fits. What is
// passed over must be a repetition of what the judge has sent, or not be sure to come.
func inOrder(want []saying, got []digest) (equal int, wrong string) {
	sent := map[string]bool{}
	spare := func(s *saying) bool {
		return s.maybe || s.undef == nil && sent[s.key()] || s.undef != nil && slices.ContainsFunc(got[:equal], s.fits)
	}
	i := 0
	for k, d := range got {
		for ; i < len(want) && !want[i].fits(d); i++ {
			if !spare(&want[i]) {
				return equal, fmt.Sprintf("number %d is %s, want %s", k+1, show(d), show(want[i].digest))
			}
		}
		if i == len(want) {
			return equal, fmt.Sprintf("number %d, %s, is one too many", k+1, show(d))
		}
		sent[d.key()] = true
		equal++
		i++
	}
	for ; i < len(want); i++ {
		if !spare(&want[i]) {
			return equal, fmt.Sprintf("%s is missing behind %d others", show(want[i].digest), len(got))
		}
	}
	return equal, ""
}

func show(d digest) string {
	var b strings.Builder
	for i, v := range d.values {
		if i > 0 {
			b.WriteString(" ")
		}
		fmt.Fprintf(&b, "%x", v)
	}
	return "(" + b.String() + ")"
}
