//lint:file-ignore SA1019 fields that P4Runtime deprecated are still part of it: kept, or refused by name.

package p4rt

import (
	"bytes"
	"sync/atomic"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/p4rt/entity"
)

// Stats counts what a server did and what it had to drop.
type Stats struct {
	Writes, Updates, UpdatesFailed uint64
	Reads                          uint64

	PacketIns          uint64 // delivered into an outbox, once per primary
	PacketInsNoPrimary uint64 // nobody there to take it
	PacketInsShed      uint64 // the outbox was full
	PacketInsMalformed uint64 // shorter than the packet_in header, or no pipeline

	PacketOuts        uint64
	PacketOutsRefused uint64

	NotificationsShed uint64 // digest lists and idle notifications: no primary, or the outbox was full
	DigestsShed       uint64 // digest messages that could not be kept or encoded
	StreamErrorsShed  uint64
}

type counters struct {
	writes, updates, updatesFailed, reads                            atomic.Uint64
	packetIns, packetInsNoPrimary, packetInsShed, packetInsMalformed atomic.Uint64
	packetOuts, packetOutsRefused                                    atomic.Uint64
	notificationsShed, digestsShed, streamErrorsShed                 atomic.Uint64
}

// Stats returns the counters as they are now.
func (s *Server) Stats() Stats {
	c := &s.stats
	return Stats{
		Writes: c.writes.Load(), Updates: c.updates.Load(), UpdatesFailed: c.updatesFailed.Load(), Reads: c.reads.Load(),
		PacketIns: c.packetIns.Load(), PacketInsNoPrimary: c.packetInsNoPrimary.Load(),
		PacketInsShed: c.packetInsShed.Load(), PacketInsMalformed: c.packetInsMalformed.Load(),
		PacketOuts: c.packetOuts.Load(), PacketOutsRefused: c.packetOutsRefused.Load(),
		NotificationsShed: c.notificationsShed.Load(), DigestsShed: c.digestsShed.Load(), StreamErrorsShed: c.streamErrorsShed.Load(),
	}
}

// PacketIn sends a packet that the switch put out on its CPU port, packet_in
// header in front, to the primary of every role. It copies what it keeps and
// never waits; what cannot be delivered is counted.
func (s *Server) PacketIn(raw []byte) {
	p := s.io.Load()
	if p == nil {
		s.stats.packetInsMalformed.Add(1)
		return
	}
	meta, payload, err := p.store.schema.PacketIn.Split(raw)
	if err != nil {
		s.stats.packetInsMalformed.Add(1)
		return
	}
	msg := &p4v1.StreamMessageResponse{Update: &p4v1.StreamMessageResponse_Packet{
		Packet: &p4v1.PacketIn{Payload: bytes.Clone(payload), Metadata: meta},
	}}
	sent, shed := s.broadcast(msg)
	s.stats.packetIns.Add(sent)
	s.stats.packetInsShed.Add(shed)
	if sent+shed == 0 {
		s.stats.packetInsNoPrimary.Add(1)
	}
}

// broadcast puts a message into the outbox of every primary. Nobody may change
// it any more.
func (s *Server) broadcast(msg *p4v1.StreamMessageResponse) (sent, shed uint64) {
	s.arb.Lock()
	defer s.arb.Unlock()
	s.arbiter.primaries(func(m *member) {
		if s.boxes[m].put(msg) {
			sent++
		} else {
			shed++
		}
	})
	return sent, shed
}

func (s *Server) notification(msg *p4v1.StreamMessageResponse) {
	if sent, shed := s.broadcast(msg); sent == 0 || shed > 0 {
		s.stats.notificationsShed.Add(max(shed, 1))
	}
}

// Digest takes one message of a digest list: its name in the P4Info, and its
// values in order, big-endian. It copies what it keeps. The list goes out when it
// is full, or when it is due at a later Digest or [Server.Tick]. A digest that no
// controller enabled is ignored.
func (s *Server) Digest(name string, values [][]byte) {
	p := s.io.Load()
	if p == nil {
		s.stats.digestsShed.Add(1)
		return
	}
	p.store.digestMu.Lock()
	defer p.store.digestMu.Unlock()
	for _, g := range p.store.digests {
		if g.digest.Name != name {
			continue
		}
		data, err := g.digest.Encode(values)
		if err != nil {
			s.stats.digestsShed.Add(1)
			return
		}
		list, ok := g.add(s.cfg.Now(), values, data)
		if !ok {
			s.stats.digestsShed.Add(1)
		}
		if list != nil {
			s.sendDigest(list)
		}
		return
	}
}

func (s *Server) sendDigest(l *p4v1.DigestList) {
	s.notification(&p4v1.StreamMessageResponse{Update: &p4v1.StreamMessageResponse_Digest{Digest: l}})
}

// Tick sends what time has made due: digest lists that waited long enough, and
// idle timeout notifications, one message per table. The server has no clock
// running; whoever owns it calls Tick as often as timeouts should be noticed.
func (s *Server) Tick() error {
	s.state.Lock()
	defer s.state.Unlock()
	if s.committed == nil {
		return nil
	}
	st, now := s.committed.store, s.cfg.Now()
	st.digestMu.Lock()
	for _, g := range sortedDigests(st.digests) {
		if l := g.due(now); l != nil {
			s.sendDigest(l)
		}
	}
	st.digestMu.Unlock()
	live := map[string]bool{}
	for _, t := range st.schema.Tables {
		if !t.IdleTimeout {
			continue
		}
		entries, err := st.idleEntries(t, s.idle, live)
		if err != nil {
			return err
		}
		if len(entries) > 0 {
			s.notification(&p4v1.StreamMessageResponse{Update: &p4v1.StreamMessageResponse_IdleTimeoutNotification{
				IdleTimeoutNotification: &p4v1.IdleTimeoutNotification{TableEntry: entries, Timestamp: now.UnixNano()},
			}})
		}
	}
	for k := range s.idle {
		if !live[k] {
			delete(s.idle, k)
		}
	}
	return nil
}

// idled is what was last notified of an entry.
type idled struct {
	hit int64 // its last hit: once it has another, this counts no more
	at  int64 // how long it had been idle
}

// idleEntries finds the entries that were idle for their timeout since the last
// hit or the last notification, whichever is later.
func (s *store) idleEntries(t *entity.Table, last map[string]idled, live map[string]bool) ([]*p4v1.TableEntry, error) {
	all, err := s.dev.Entries(t.Name)
	if err != nil {
		return nil, err
	}
	var out []*p4v1.TableEntry
	for _, d := range all {
		if d.IdleTimeout == 0 {
			continue
		}
		key := t.Key(d.Matches, d.Priority)
		live[key] = true
		var since int64
		if l, ok := last[key]; ok && l.hit == d.LastHit {
			since = l.at
		}
		if d.IdleFor-since < d.IdleTimeout {
			continue
		}
		last[key] = idled{d.LastHit, d.IdleFor}
		te, err := s.idleEntry(t, d, key)
		if err != nil {
			return nil, err
		}
		out = append(out, te)
	}
	return out, nil
}

func (s *store) idleEntry(t *entity.Table, d device.Entry, key string) (*p4v1.TableEntry, error) {
	te, err := t.EncodeEntry(d)
	if err != nil {
		return nil, err
	}
	if n := s.notes[key]; n != nil {
		te.ControllerMetadata = n.controllerMetadata
	}
	return te, nil
}
