package collect

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/netsampler/goflow2/v2/decoders/netflow"

	"github.com/telltale-net/telltale/bmv2/lab"
	"github.com/telltale-net/telltale/bmv2/lab/traffic"
	"github.com/telltale-net/telltale/controlplane"
	"github.com/telltale-net/telltale/controlplane/intent"
	"github.com/telltale-net/telltale/controlplane/p4rt"
	"github.com/telltale-net/telltale/topology"
)

// labReport is a datagram of a switch of the lab.
type labReport struct {
	at      time.Duration
	payload []byte
}

// labRun is what a fabric did in two seconds, in one of which a link lost packets and
// nobody said so.
type labRun struct {
	fabric  topology.Fabric
	reports []labReport
	lost    map[string]uint64 // truth, by link
}

// lossyLab runs it.
func lossyLab(t *testing.T, node string, port topology.Port) *labRun {
	t.Helper()
	top, err := topology.LeafSpine(topology.DefaultLeafSpine())
	if err != nil {
		t.Fatal(err)
	}
	ix, err := topology.NewIndex(top)
	if err != nil {
		t.Fatal(err)
	}
	run := &labRun{fabric: top, lost: map[string]uint64{}}
	settings := intent.DefaultSettings()
	settings.AllHops = true
	l, err := lab.New(lab.Config{Fabric: top, Seed: 1, ReportPort: settings.ReportPort, OnReport: func(at lab.Time, _ netip.AddrPort, payload []byte) {
		run.reports = append(run.reports, labReport{time.Duration(at), bytes.Clone(payload)})
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := controlplane.Connect(t.Context(), controlplane.Config{
		Fabric: ix, Settings: settings, Election: p4rt.Election{Low: 1}, Address: func(n topology.Node) (string, error) { return l.P4RTAddr(n.Name) },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Install(t.Context()); err != nil {
		t.Fatal(err)
	}
	flows, err := traffic.Mix{Seed: 1, PPS: 3000, Stop: 1800 * time.Millisecond}.Make(&top)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range flows {
		if _, err := l.AddFlow(f); err != nil {
			t.Fatal(err)
		}
	}
	until := func(at time.Duration) {
		if err := l.RunUntil(lab.Time(at)); err != nil {
			t.Fatal(err)
		}
	}
	until(500 * time.Millisecond)
	fault := lab.LossyLink(node, port, 0.25)
	if err := fault.Apply(l); err != nil {
		t.Fatal(err)
	}
	until(1500 * time.Millisecond)
	if err := fault.Revert(l); err != nil {
		t.Fatal(err)
	}
	until(2 * time.Second)
	for _, x := range l.Stats().Links {
		from, _, switched := strings.Cut(x.From, ":")
		if to, _, ok := strings.Cut(x.To, ":"); ok && switched {
			run.lost[from+">"+to] += x.Lost
		}
	}
	return run
}

// epochLosses receives IPFIX and adds up what flows lost in epochs, by the names of the
// nodes at both ends.
type epochLosses struct {
	mu     sync.Mutex
	lost   map[string]uint64
	flows  map[string]bool
	seen   uint64 // packets at nodes
	failed error
}

func (x *epochLosses) receive(c net.PacketConn) {
	templates := netflow.CreateTemplateSystem()
	b := make([]byte, 1<<16)
	for {
		n, _, err := c.ReadFrom(b)
		if err != nil {
			return
		}
		var base netflow.NFv9Packet
		var p netflow.IPFIXPacket
		err = netflow.DecodeMessageVersion(bytes.NewBuffer(bytes.Clone(b[:n])), templates, &base, &p)
		x.mu.Lock()
		if err != nil {
			x.failed = err
		}
		for _, set := range p.FlowSets {
			s, ok := set.(netflow.DataFlowSet)
			if !ok || s.Id < 262 {
				continue
			}
			for _, r := range s.Records {
				v := map[uint16][]byte{}
				for _, f := range r.Values {
					id := f.Type &^ (1 << 15)
					if f.PenProvided {
						id |= 1 << 15
					}
					v[id], _ = f.Value.([]byte)
				}
				if s.Id < 264 {
					x.seen += binary.BigEndian.Uint64(v[2])
					continue
				}
				x.lost[string(v[13|1<<15])+">"+string(v[15|1<<15])] += binary.BigEndian.Uint64(v[133])
				x.flows[fmt.Sprintf("%x %x %x %x", v[8], v[12], v[7], v[11])] = true
				if place := v[16|1<<15]; len(place) != 1 || place[0] != 1 {
					x.failed = fmt.Errorf("place %x, want the wire", place)
				}
			}
		}
		x.mu.Unlock()
	}
}

// TestLabLosses: a link of the fabric loses packets silently, and the switches' own reports
// tell how many and on which link: at /metrics, by PromQL and over IPFIX, exactly; and
// where reports are lost on their way, no loss is invented.
func TestLabLosses(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a fabric for seconds")
	}
	world := lossyLab(t, "leaf1", 2)
	link, total := "", uint64(0)
	for l, n := range world.lost {
		if n > 0 {
			link, total = l, total+n
		}
	}
	if link != "leaf1>spine2" || total < 10 {
		t.Fatalf("the lab lost %v", world.lost)
	}
	for tries := 1; !world.play(t, link, total, 0); tries++ { // a machine that stands still for seconds tears epochs
		if tries == 3 {
			t.Fatal("no run without incomplete epochs, though no report was lost")
		}
	}
	world.play(t, link, total, 0.01)
}

// play sends the lab's reports to a collector, but for a share of them. It returns whether
// all epochs were complete, as without loss they must be.
func (w *labRun) play(t *testing.T, link string, total uint64, share float64) bool {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = c.(*net.UDPConn).SetReadBuffer(4 << 20)
	flows := epochLosses{lost: map[string]uint64{}, flows: map[string]bool{}}
	var receiving sync.WaitGroup
	receiving.Go(func() { flows.receive(c) })
	s := settings(t, "--ipfix", c.LocalAddr().String(), "--ipfix-epochs", "all", "--metrics-interval", "100ms")
	s.Topology = filepath.Join(t.TempDir(), "fabric.yaml")
	if err := os.WriteFile(s.Topology, topology.Write(w.fabric), 0o600); err != nil {
		t.Fatal(err)
	}
	r := run(t, s)
	conn, err := net.Dial("udp", r.Reports.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	rng := rand.New(rand.NewPCG(1, 1))
	begun, sent := time.Now(), 0
	for _, d := range w.reports {
		if wait := d.at - time.Since(begun); wait > time.Millisecond {
			time.Sleep(wait)
		}
		if rng.Float64() < share {
			continue
		}
		if _, err := conn.Write(d.payload); err != nil {
			t.Fatal(err)
		}
		sent++
	}
	// What the metrics say of lost packets, by link, and of the epochs.
	read := func() (lost map[string]uint64, other map[string]float64) {
		lost, other = map[string]uint64{}, map[string]float64{}
		for line := range strings.Lines(r.get("/metrics")) {
			name, rest, _ := strings.Cut(strings.TrimSpace(line), "{")
			labels, text, ok := strings.Cut(rest, "} ")
			if !ok {
				name, text, _ = strings.Cut(name, " ")
				labels = ""
			}
			v, _ := strconv.ParseFloat(text, 64)
			value := func(label string) string {
				_, rest, _ := strings.Cut(labels, label+`="`)
				v, _, _ := strings.Cut(rest, `"`)
				return v
			}
			if name == "telltale_flowset_lost_packets_total" && value("place") == "wire" {
				lost[value("node")+">"+value("peer")] += uint64(v)
			}
			other[name+" "+value("fate")+value("state")] += v
		}
		return lost, other
	}
	var lost map[string]uint64
	var other map[string]float64
	last := -1.0
	eventually(t, func() string {
		lost, other = read()
		n := other["telltale_flowset_followed_packets_total delivered"]
		same := n == last && n > 0
		last = n
		if other["telltale_live_records_taken_total "] < float64(sent) || !same || other["telltale_flowset_epochs_total complete"]+other["telltale_flowset_epochs_total incomplete"] < 200 {
			time.Sleep(200 * time.Millisecond)
			return fmt.Sprintf("%v of %d records taken, %v packets delivered", other["telltale_live_records_taken_total "], sent, n)
		}
		return ""
	})
	complete := other["telltale_flowset_epochs_total incomplete"] == 0
	promQL := ""
	if complete {
		polls := 0
		eventually(t, func() string { // the same query is answered from memory for a while
			polls++
			promQL = r.promQL(fmt.Sprintf(`sum(telltale_flowset_lost_packets_total{node="leaf1",peer="spine2",place="wire",job!="%d"})`, polls))
			if promQL != fmt.Sprint(total) {
				return fmt.Sprintf("PromQL says %s lost packets, want %d", promQL, total)
			}
			return ""
		})
	}
	if _, err := r.stop(); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string {
		flows.mu.Lock()
		defer flows.mu.Unlock()
		if len(flows.flows) < 2 || flows.lost[link] != lost[link] || complete && flows.seen != uint64(sent) { // every report is of a packet at a node
			return fmt.Sprintf("IPFIX has %v lost, /metrics %v; packets were seen %d times, %d reported", flows.lost, lost, flows.seen, sent)
		}
		return ""
	})
	c.Close()
	receiving.Wait()
	if flows.failed != nil {
		t.Error(flows.failed)
	}
	if len(flows.lost) > 1 || len(flows.flows) < 2 {
		t.Errorf("IPFIX has losses on %v, of %d flows", flows.lost, len(flows.flows))
	}
	for l, n := range lost {
		if n > w.lost[l] {
			t.Errorf("%g of reports lost: %d packets lost on %s, in truth %d", share, n, l, w.lost[l])
		}
	}
	switch {
	case complete && (share > 0 || lost[link] != total || other["telltale_flowset_coverage_ratio "] != 1):
		t.Errorf("%d packets lost on %s, in truth %d; %v", lost[link], link, total, other)
	case share > 0 && float64(lost[link])+other["telltale_flowset_followed_packets_total doubtful"] < 0.9*float64(total):
		t.Errorf("%d packets lost on %s told, in truth %d, with %g of reports lost; %v epochs incomplete", lost[link], link, total, share, other["telltale_flowset_epochs_total incomplete"])
	}
	t.Logf("%g of reports lost: %d of %d packets told, %v in doubt, PromQL %s, %v epochs complete, %v not", share, lost[link], total,
		other["telltale_flowset_followed_packets_total doubtful"], promQL, other["telltale_flowset_epochs_total complete"], other["telltale_flowset_epochs_total incomplete"])
	return complete
}
