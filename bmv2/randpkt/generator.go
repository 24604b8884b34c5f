package randpkt

import (
	"math/rand/v2"
	"slices"

	configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"

	"github.com/telltale-net/telltale/bmv2/spec"
)

// Config says what inputs to make.
type Config struct {
	Ports      []uint16 // packets enter by these, and entries lead to them; nil = 0 to 7
	MaxPayload int      // bytes behind the headers, 0 = 64
	Entries    int      // per table, 0 = 8
}

// Generator makes inputs for one program. It remembers values, so what it makes depends
// on what it made before. It is not safe for concurrent use.
type Generator struct {
	spec   *spec.Program
	info   *configv1.P4Info
	cfg    Config
	values pool
	ports  []uint16
	parser *spec.Parser // nil if the program has none

	sources map[spec.FieldRef][]spec.FieldRef
	aims    []aim
	sets    map[int][][]byte // what is in value sets, as their transitions have it

	made     []made
	defaults []changeable
}

const portBits = 9

// New returns a generator for a program and its P4Info.
func New(p *spec.Program, info *configv1.P4Info, cfg Config) *Generator {
	if len(cfg.Ports) == 0 {
		cfg.Ports = []uint16{0, 1, 2, 3, 4, 5, 6, 7}
	}
	if cfg.MaxPayload == 0 {
		cfg.MaxPayload = 64
	}
	if cfg.Entries == 0 {
		cfg.Entries = 8
	}
	g := &Generator{spec: p, info: info, cfg: cfg, values: pool{}, sets: map[int][][]byte{}, ports: slices.Clone(cfg.Ports), sources: sources(p)}
	for _, port := range cfg.Ports {
		g.values.add(portBits, []byte{byte(port >> 8), byte(port)})
	}
	if i := slices.IndexFunc(p.Parsers, func(ps spec.Parser) bool { return ps.Init >= 0 }); i >= 0 {
		g.parser = &p.Parsers[i]
	}
	g.learnParser()
	return g
}

// learnParser takes the values that the parser selects on into the pool.
func (g *Generator) learnParser() {
	if g.parser == nil {
		return
	}
	for i := range g.parser.States {
		s := &g.parser.States[i]
		for k := range s.Transitions {
			if t := &s.Transitions[k]; t.Kind == spec.TransitionValue {
				parts(s, t.Value, t.Mask, func(_ spec.Expr, width int, value, _ []byte) bool {
					g.values.add(width, value)
					return true
				})
			}
		}
	}
}

// maxHeaders bounds the bytes that a walk of the parser may take.
const maxHeaders = 1024

// Packet makes a packet and the port it enters by. It is never empty.
func (g *Generator) Packet(r *rand.Rand) (port uint16, data []byte) {
	port = g.ports[r.IntN(len(g.ports))]
	w := &walk{g: g, r: r, port: port, buf: make([]byte, maxHeaders+g.cfg.MaxPayload)}
	for i := range w.buf {
		w.buf[i] = byte(r.Uint32())
	}
	w.chooseAims()
	w.run()
	w.aim()
	length := (w.n+7)/8 + r.IntN(g.cfg.MaxPayload+1)
	w.buf = w.buf[:min(max(length, 1), len(w.buf))]
	if r.IntN(20) > 0 {
		w.checksums()
	}
	switch r.IntN(32) {
	case 0:
		w.buf = w.buf[:1+r.IntN(len(w.buf))]
	case 1:
		i := r.IntN(len(w.buf))
		w.buf[i] ^= 1 << r.IntN(8)
	}
	return w.port, w.buf
}
