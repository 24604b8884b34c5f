package sequence

// Source is what the accounts hold of one stream.
type Source struct {
	Key
	Totals
	Last int64 // when last heard, the caller's clock
}

// Sources appends all streams to dst, the most recently heard first.
func (a *Accounts) Sources(dst []Source) []Source {
	for i := a.newest; i >= 0; i = a.entries[i].older {
		e := &a.entries[i]
		dst = append(dst, Source{Key: e.key, Totals: e.totals, Last: e.last})
	}
	return dst
}

// Evicted returns how many streams were forgotten to stay within the limit, and
// their totals.
func (a *Accounts) Evicted() (uint64, Totals) { return a.evicted, a.retired }

// Loss is the loss of reports in a span of time.
type Loss struct {
	Received int64 // datagrams that arrived, duplicates left out
	Lost     int64 // datagrams missing by their numbers, counted when it was noticed
	Streams  int   // streams that the figures come from
	Partial  bool  // the history does not reach back to the beginning of the span, or a stream was evicted
}

// Fraction returns Lost of all sent, 0…1; 0 where nothing was sent.
func (l Loss) Fraction() float64 {
	if all := l.Received + l.Lost; all > 0 {
		return float64(l.Lost) / float64(all)
	}
	return 0
}

// Add adds another span's or shard's loss.
func (l Loss) Add(o Loss) Loss {
	return Loss{l.Received + o.Received, l.Lost + o.Lost, l.Streams + o.Streams, l.Partial || o.Partial}
}

// Loss returns the loss of all streams of a node between two times (ns, both
// included), in whole buckets: it covers at least the span and less than two
// buckets more.
func (a *Accounts) Loss(node uint32, from, to int64) Loss {
	l := Loss{Partial: a.evicted > 0}
	first, last := floorDiv(from, a.limits.Bucket), floorDiv(to, a.limits.Bucket)
	for i := range a.entries {
		e := &a.entries[i]
		if e.key.Node != node {
			continue
		}
		l.Streams++
		var received, lost int64
		newest := e.since
		for _, b := range e.history {
			newest = max(newest, b.number)
			if b.number >= first && b.number <= last {
				received += b.received
				lost += b.lost
			}
		}
		if oldest := newest - int64(len(e.history)) + 1; first < oldest && e.since < oldest {
			l.Partial = true
		}
		l.Received += received
		l.Lost += max(lost, 0)
	}
	return l
}

// floorDiv rounds towards minus infinity, so that buckets are equally wide before
// and after time 0.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
