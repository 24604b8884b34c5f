package p4rt

import (
	"cmp"
	"slices"
	"strings"
	"time"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc/codes"

	"github.com/telltale-net/telltale/bmv2/p4rt/entity"
)

// digester gathers the digest messages of one list until they are sent, and
// remembers what was sent until it is acknowledged (specification, "DigestEntry").
// Time is passed in.
type digester struct {
	digest *entity.Digest
	config *p4v1.DigestEntry_Config

	waiting []*p4v1.P4Data
	keys    map[string]uint64 // message → list it went out in, 0 while waiting
	first   time.Time         // when the oldest waiting message came
	sent    []sentList
	last    uint64 // list id
}

type sentList struct {
	id   uint64
	at   time.Time
	keys []string
}

// Bounds: a list of unlimited size still ends somewhere, and so does the cache of
// what nobody acknowledges.
const (
	maxDigestList = 1024
	maxDigestKeys = 1 << 16
)

func newDigester(d *entity.Digest, c *p4v1.DigestEntry_Config) *digester {
	return &digester{digest: d, config: c, keys: map[string]uint64{}}
}

// add takes one message; a duplicate of one that waits or is unacknowledged is
// dropped. It returns a list if one is due.
func (g *digester) add(now time.Time, values [][]byte, data *p4v1.P4Data) (*p4v1.DigestList, bool) {
	g.expire(now)
	var b strings.Builder
	for _, v := range values {
		b.Write(v)
		b.WriteByte(byte(len(v)))
	}
	key := b.String()
	if _, dup := g.keys[key]; dup {
		return nil, true
	}
	if len(g.keys) >= maxDigestKeys {
		return nil, false
	}
	if len(g.waiting) == 0 {
		g.first = now
	}
	g.waiting = append(g.waiting, data)
	g.keys[key] = 0
	return g.due(now), true
}

// due returns the waiting list if it is full or old enough.
func (g *digester) due(now time.Time) *p4v1.DigestList {
	g.expire(now)
	size := int(g.config.GetMaxListSize())
	if size == 0 || size > maxDigestList {
		size = maxDigestList
	}
	if len(g.waiting) == 0 || len(g.waiting) < size && now.Sub(g.first) < time.Duration(g.config.GetMaxTimeoutNs()) {
		return nil
	}
	g.last++
	list := &p4v1.DigestList{DigestId: g.digest.ID, ListId: g.last, Data: g.waiting, Timestamp: now.UnixNano()}
	g.waiting = nil
	s := sentList{id: g.last, at: now}
	for k, id := range g.keys {
		if id == 0 {
			s.keys = append(s.keys, k)
		}
	}
	if g.config.GetAckTimeoutNs() == 0 { // the cache is always empty
		g.forget(s)
		return list
	}
	for _, k := range s.keys {
		g.keys[k] = g.last
	}
	g.sent = append(g.sent, s)
	return list
}

func (g *digester) forget(s sentList) {
	for _, k := range s.keys {
		delete(g.keys, k)
	}
}

// expire forgets lists that have waited long enough for their acknowledgement.
func (g *digester) expire(now time.Time) {
	for len(g.sent) > 0 && now.Sub(g.sent[0].at) >= time.Duration(g.config.GetAckTimeoutNs()) {
		g.forget(g.sent[0])
		g.sent = g.sent[1:]
	}
}

func (g *digester) ack(list uint64) {
	for i, s := range g.sent {
		if s.id == list {
			g.forget(s)
			g.sent = slices.Delete(g.sent, i, i+1)
			return
		}
	}
}

func (s *store) applyDigest(op p4v1.Update_Type, in *p4v1.DigestEntry) (undo, error) {
	d, err := s.schema.Digest(in.GetDigestId())
	if err != nil {
		return nil, err
	}
	s.digestMu.Lock()
	defer s.digestMu.Unlock()
	old := s.digests[d.ID]
	switch {
	case op == p4v1.Update_INSERT && old != nil:
		return nil, entity.Errorf(codes.AlreadyExists, "digest %s is already enabled", d.Name)
	case op != p4v1.Update_INSERT && old == nil:
		return nil, entity.Errorf(codes.NotFound, "digest %s is not enabled", d.Name)
	}
	back := func() error {
		s.digestMu.Lock()
		defer s.digestMu.Unlock()
		if old == nil {
			delete(s.digests, d.ID)
		} else {
			s.digests[d.ID] = old
		}
		return nil
	}
	if op == p4v1.Update_DELETE {
		delete(s.digests, d.ID)
		return back, nil
	}
	if err := d.Usable(); err != nil {
		return nil, err
	}
	c := in.GetConfig()
	if c.GetMaxTimeoutNs() < 0 || c.GetMaxListSize() < 0 || c.GetAckTimeoutNs() < 0 {
		return nil, entity.Errorf(codes.InvalidArgument, "digest %s: negative max_timeout_ns %d, max_list_size %d or ack_timeout_ns %d", d.Name, c.GetMaxTimeoutNs(), c.GetMaxListSize(), c.GetAckTimeoutNs())
	}
	if c == nil {
		c = &p4v1.DigestEntry_Config{}
	}
	g := newDigester(d, c)
	if old != nil { // list ids never repeat, and what was sent stays sent
		g.waiting, g.keys, g.first, g.sent, g.last = old.waiting, old.keys, old.first, old.sent, old.last
	}
	s.digests[d.ID] = g
	return back, nil
}

func (s *store) readDigests(q *p4v1.DigestEntry, emit func(*p4v1.Entity)) error {
	s.digestMu.Lock()
	defer s.digestMu.Unlock()
	send := func(g *digester) {
		emit(&p4v1.Entity{Entity: &p4v1.Entity_DigestEntry{DigestEntry: &p4v1.DigestEntry{DigestId: g.digest.ID, Config: g.config}}})
	}
	if id := q.GetDigestId(); id != 0 {
		d, err := s.schema.Digest(id)
		if err != nil {
			return err
		}
		g := s.digests[d.ID]
		if g == nil {
			return entity.Errorf(codes.NotFound, "digest %s is not enabled", d.Name)
		}
		send(g)
		return nil
	}
	for _, g := range sortedDigests(s.digests) {
		send(g)
	}
	return nil
}

func sortedDigests(m map[uint32]*digester) []*digester {
	var out []*digester
	for _, g := range m {
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b *digester) int { return cmp.Compare(a.digest.ID, b.digest.ID) })
	return out
}
