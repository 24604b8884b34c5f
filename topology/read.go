package topology

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// MaxFileSize is the longest topology file, in bytes, that [Read] looks at.
const MaxFileSize = 16 << 20

// Read parses a topology file (the package comment describes the format) and
// validates the fabric in it. The error is a [Problems]: every problem with its
// line. What could not be understood is reported before what is inconsistent.
func Read(data []byte) (Fabric, error) {
	r := reader{}
	if root := r.parse(data); root != nil {
		r.fabric(root)
	}
	if err := r.ps.err(); err != nil {
		return Fabric{}, err
	}
	if err := validate(r.f, r.at); err != nil {
		return Fabric{}, err
	}
	return r.f, nil
}

type reader struct {
	ps         problems
	f          Fabric
	at         positions
	link, host Line // p4.defaults
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?`)

// parse returns the root of the one document, free of anchors, aliases and tags, or nil.
func (r *reader) parse(data []byte) *yaml.Node {
	if len(data) > MaxFileSize {
		r.ps.add(0, "", "the file is too large: got %d bytes, want at most %d", len(data), MaxFileSize)
		return nil
	}
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	err := dec.Decode(&doc)
	if err == io.EOF {
		r.ps.add(0, "", "the file is empty")
		return nil
	}
	if err != nil {
		m := yamlLine.FindStringSubmatch(err.Error())
		line, _ := strconv.Atoi(m[1]) // 0 where the parser names none
		r.ps.add(line, "", "not YAML: %s", err.Error()[len(m[0]):])
		return nil
	}
	var second yaml.Node
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		r.ps.add(second.Line, "", "something follows the first YAML document, want one document")
	}
	r.plain(&doc)
	if len(r.ps.list) > 0 || len(doc.Content) != 1 {
		return nil
	}
	return doc.Content[0]
}

func (r *reader) plain(n *yaml.Node) {
	switch {
	case n.Kind == yaml.AliasNode:
		r.ps.add(n.Line, "", "alias *%s: aliases are not part of the format", n.Value)
	case n.Anchor != "":
		r.ps.add(n.Line, "", "anchor &%s: anchors are not part of the format", n.Anchor)
	case n.Style&yaml.TaggedStyle != 0:
		r.ps.add(n.Line, "", "tag %s: tags are not part of the format", n.Tag)
	}
	for _, c := range n.Content {
		r.plain(c)
	}
}

// keys says what to do with the value of each key of a mapping.
type keys map[string]func(*yaml.Node)

// mapping hands the values of n to ks, and complains about keys that are not in
// ks, stand twice, or are required and do not stand at all.
func (r *reader) mapping(n *yaml.Node, place string, ks keys, required ...string) {
	if n.Kind != yaml.MappingNode {
		r.ps.add(n.Line, place, "want a mapping, got %s", kindOf(n))
		return
	}
	seen := make(map[string]bool, len(ks))
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		read := ks[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode:
			r.ps.add(key.Line, place, "want a word as key, got %s", kindOf(key))
		case read == nil:
			r.ps.add(key.Line, place, "unknown key %q, want one of %s", key.Value, strings.Join(slices.Sorted(maps.Keys(ks)), ", "))
		case seen[key.Value]:
			r.ps.add(key.Line, place, "key %q stands twice", key.Value)
		default:
			seen[key.Value] = true
			read(value)
		}
	}
	for _, key := range required {
		if !seen[key] {
			r.ps.add(n.Line, place, "key %q is missing", key)
		}
	}
}

// sequence calls read for every element.
func (r *reader) sequence(n *yaml.Node, place string, read func(i int, n *yaml.Node)) {
	if n.Kind != yaml.SequenceNode {
		r.ps.add(n.Line, place, "want a list, got %s", kindOf(n))
		return
	}
	for i, c := range n.Content {
		read(i, c)
	}
}

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		if n.Value == "" {
			return "nothing"
		}
		return fmt.Sprintf("%q", n.Value)
	}
	return "something else"
}

// word reads a scalar's text; YAML's own idea of its type does not matter.
func (r *reader) word(place, key string, to *string) func(*yaml.Node) {
	return r.value(place, key, func(s string) error { *to = s; return nil })
}

// value hands a scalar's text to parse and reports what it says.
func (r *reader) value(place, key string, parse func(string) error) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind != yaml.ScalarNode || n.Value == "" {
			r.ps.add(n.Line, place, "%s: want a value, got %s", key, kindOf(n))
			return
		}
		if err := parse(n.Value); err != nil {
			r.ps.add(n.Line, place, "%s: %v", key, err)
		}
	}
}

// parsed reads a scalar with a parser of its type.
func parsed[T any](r *reader, place, key string, to *T, parse func(string) (T, error)) func(*yaml.Node) {
	return r.value(place, key, func(s string) (err error) {
		*to, err = parse(s)
		return err
	})
}

func (r *reader) fabric(root *yaml.Node) {
	var topo, p4, nodes, links, defaults, vnets, hosts *yaml.Node
	keep := func(to **yaml.Node) func(*yaml.Node) { return func(n *yaml.Node) { *to = n } }
	r.mapping(root, "", keys{"name": r.word("fabric", "name", &r.f.Name), "topology": keep(&topo), "p4": keep(&p4)}, "name", "topology")
	if topo != nil {
		r.mapping(topo, "topology", keys{"nodes": keep(&nodes), "links": keep(&links)}, "nodes", "links")
	}
	if p4 != nil {
		r.mapping(p4, "p4", keys{"defaults": keep(&defaults), "vnets": keep(&vnets), "hosts": keep(&hosts)})
	}
	if defaults != nil {
		r.mapping(defaults, "p4.defaults", keys{
			"link": func(n *yaml.Node) { r.mapping(n, "p4.defaults.link", r.line("p4.defaults.link", &r.link)) },
			"host": func(n *yaml.Node) { r.mapping(n, "p4.defaults.host", r.line("p4.defaults.host", &r.host)) },
		})
	}
	if nodes != nil {
		r.nodes(nodes)
	}
	if links != nil {
		r.sequence(links, "topology.links", r.linkAt)
	}
	if vnets != nil {
		r.sequence(vnets, "p4.vnets", r.vnetAt)
	}
	if hosts != nil {
		r.sequence(hosts, "p4.hosts", r.hostAt)
	}
}

// line is the keys that links and hosts share.
func (r *reader) line(place string, l *Line) keys {
	return keys{
		"rate":  parsed(r, place, "rate", &l.RateBps, parseRate),
		"delay": parsed(r, place, "delay", &l.Delay, parseDelay),
		"queue": parsed(r, place, "queue", &l.Queue, parseQueue),
	}
}

// nodes reads the mapping of nodes by name. The names are not known beforehand, so
// it is not one for mapping; Validate finds those that stand twice.
func (r *reader) nodes(n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		r.ps.add(n.Line, "topology.nodes", "want a mapping, got %s", kindOf(n))
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			r.ps.add(key.Line, "topology.nodes", "want a word as key, got %s", kindOf(key))
			continue
		}
		r.node(key, value)
	}
}

func (r *reader) node(key, n *yaml.Node) {
	node := Node{Name: key.Value}
	place := "node " + node.Name
	hasMAC := false
	r.mapping(n, place, keys{
		"kind": r.value(place, "kind", func(s string) error {
			if s != string(Collector) {
				node.Program = s
			}
			return nil
		}),
		"group": r.value(place, "group", func(s string) error { node.Role = Role(s); return nil }),
		"p4": func(n *yaml.Node) {
			r.mapping(n, place, keys{
				"id":      parsed(r, place, "id", &node.ID, parseUint[uint32]),
				"address": parsed(r, place, "address", &node.Address, parseAddr),
				"prefix":  parsed(r, place, "prefix", &node.Prefix, parsePrefix),
				"mac": r.value(place, "mac", func(s string) (err error) {
					hasMAC = true
					node.MAC, err = parseMAC(s)
					return err
				}),
				"p4rt": r.word(place, "p4rt", &node.P4RT),
			}, "id", "address")
		},
	}, "kind", "group", "p4")
	if !hasMAC {
		node.MAC = nodeMAC(node.ID)
	}
	r.f.Nodes = append(r.f.Nodes, node)
	r.at.nodes = append(r.at.nodes, key.Line)
}

func (r *reader) linkAt(i int, n *yaml.Node) {
	place := fmt.Sprintf("link %d", i+1)
	line := r.link
	var link Link
	ks := r.line(place, &line)
	ks["telemetry"] = parsed(r, place, "telemetry", &link.Telemetry, parseBool)
	r.mapping(n, place, keys{
		"endpoints": func(n *yaml.Node) {
			ends := []*Endpoint{&link.A, &link.B}
			if n.Kind != yaml.SequenceNode || len(n.Content) != len(ends) {
				r.ps.add(n.Line, place, `want two endpoints ["node:port", "node:port"], got %s of %d`, kindOf(n), len(n.Content))
				return
			}
			for i, c := range n.Content {
				parsed(r, place, "endpoint", ends[i], parseEndpoint)(c)
			}
		},
		"p4": func(n *yaml.Node) { r.mapping(n, place, ks) },
	}, "endpoints")
	link.RateBps, link.Delay, link.Queue = line.RateBps, line.Delay, line.Queue
	r.f.Links = append(r.f.Links, link)
	r.at.links = append(r.at.links, n.Line)
}

func (r *reader) vnetAt(i int, n *yaml.Node) {
	place := fmt.Sprintf("vnet %d", i+1)
	var v VNET
	var lines []int
	r.mapping(n, place, keys{
		"name": r.word(place, "name", &v.Name),
		"vni":  parsed(r, place, "vni", &v.VNI, parseUint[uint32]),
		"acl": func(n *yaml.Node) {
			r.sequence(n, place+" acl", func(j int, n *yaml.Node) {
				v.ACL = append(v.ACL, r.rule(fmt.Sprintf("%s rule %d", place, j+1), n))
				lines = append(lines, n.Line)
			})
		},
	}, "name", "vni")
	r.f.VNETs = append(r.f.VNETs, v)
	r.at.vnets = append(r.at.vnets, n.Line)
	r.at.rules = append(r.at.rules, lines)
}

func (r *reader) rule(place string, n *yaml.Node) (rule ACLRule) {
	r.mapping(n, place, keys{
		"id":        parsed(r, place, "id", &rule.ID, parseUint[uint32]),
		"priority":  parsed(r, place, "priority", &rule.Priority, parsePriority),
		"direction": parsed(r, place, "direction", &rule.Inbound, oneOf("in", "out")),
		"action":    parsed(r, place, "action", &rule.Deny, oneOf("deny", "permit")),
		"src":       parsed(r, place, "src", &rule.Src, parsePrefixOrAddr),
		"dst":       parsed(r, place, "dst", &rule.Dst, parsePrefixOrAddr),
		"proto":     parsed(r, place, "proto", &rule.Proto, parseProto),
		"port":      parsed(r, place, "port", &rule.DstPort, parseUint[uint16]),
	}, "id", "priority", "direction", "action")
	return rule
}

func (r *reader) hostAt(i int, n *yaml.Node) {
	place := fmt.Sprintf("host %d", i+1)
	line := r.host
	var h Host
	hasMAC := false
	ks := r.line(place, &line)
	ks["name"] = r.word(place, "name", &h.Name)
	ks["vnet"] = r.word(place, "vnet", &h.VNET)
	ks["address"] = parsed(r, place, "address", &h.Address, parseAddr)
	ks["at"] = parsed(r, place, "at", &h.At, parseEndpoint)
	ks["mac"] = r.value(place, "mac", func(s string) (err error) {
		hasMAC = true
		h.MAC, err = parseMAC(s)
		return err
	})
	r.mapping(n, place, ks, "name", "vnet", "address", "at")
	if !hasMAC && h.Address.Is4() {
		h.MAC = hostMAC(h.Address)
	}
	h.RateBps, h.Delay, h.Queue = line.RateBps, line.Delay, line.Queue
	r.f.Hosts = append(r.f.Hosts, h)
	r.at.hosts = append(r.at.hosts, n.Line)
}
