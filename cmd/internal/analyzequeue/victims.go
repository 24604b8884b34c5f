package analyzequeue

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/telltale-net/telltale/analyzers/queue"
	"github.com/telltale-net/telltale/analyzers/queue/diagnosis"
	"github.com/telltale-net/telltale/analyzers/queue/records"
)

// selectVictims returns the victims that the option stands for, and how many of those
// asked for by name there are not.
func selectVictims(a *queue.Analyzer, t *records.Trace, which string) (victims []diagnosis.Victim, missing int, err error) {
	switch {
	case which == "lost":
		return a.Lost(), 0, nil
	case which == "throughput":
		return a.Throughput(0.999), 0, nil
	case strings.HasPrefix(which, "p"):
		if percent, err := strconv.ParseFloat(which[1:], 64); err == nil {
			if !(percent > 0 && percent < 100) {
				return nil, 0, fmt.Errorf("victims %s: want a percentile above 0 and below 100", which)
			}
			return a.Tail(percent / 100), 0, nil
		}
	}
	f, err := os.Open(which)
	if err != nil {
		return nil, 0, fmt.Errorf("victims: want p99, p99.9, lost, throughput or a file: %w", err)
	}
	defer f.Close()
	refs, err := readRefs(f, which, t.Network)
	if err != nil {
		return nil, 0, err
	}
	victims, missing = a.Find(refs)
	return victims, missing, nil
}

// readRefs reads victims, one per line: {"pkt":17,"node":"vpn1"}, without node for
// wherever the packet suffered, or that as "victim" of a larger object, so that answers
// can be asked about again.
func readRefs(r io.Reader, name string, net *records.Network) ([]queue.Ref, error) {
	type ref struct {
		Pkt  *uint64 `json:"pkt"`
		Node *string `json:"node"`
	}
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 1<<16), records.MaxLine)
	var refs []queue.Ref
	for line := 1; s.Scan(); line++ {
		text := bytes.TrimSpace(s.Bytes())
		if len(text) == 0 {
			continue
		}
		fail := func(err error) ([]queue.Ref, error) {
			return nil, fmt.Errorf("cannot read victims %s: line %d: %w", name, line, err)
		}
		var w struct {
			ref
			Victim *ref `json:"victim"`
		}
		if err := json.Unmarshal(text, &w); err != nil {
			return fail(err)
		}
		if w.Victim != nil {
			w.ref = *w.Victim
		}
		if w.Pkt == nil {
			return fail(errors.New(`got no "pkt", want {"pkt":…,"node":"…"}`))
		}
		x := queue.Ref{Packet: *w.Pkt, Node: -1}
		if w.Node != nil {
			i, ok := net.Index(*w.Node)
			if !ok {
				return fail(fmt.Errorf("node %q is not in the data set", *w.Node))
			}
			x.Node = i
		}
		refs = append(refs, x)
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("cannot read victims %s: %w", name, err)
	}
	return refs, nil
}
