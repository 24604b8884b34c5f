package exposition

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/VictoriaMetrics/VictoriaMetrics/lib/prompb"
)

// Metrics is what a text says.
type Metrics struct {
	Series   []prompb.TimeSeries // one sample each; labels sorted by name, __name__ among them
	Metadata []prompb.MetricMetadata
	Bad      int // lines that could not be read
}

// Config says what to add to what is read.
type Config struct {
	Time   int64          // of all samples, ms since 1970
	Labels []prompb.Label // of all series that have no such label themselves

	// Rename, where not nil, returns what to put in place of a label's value.
	Rename func(metric, label, value string) string
}

// Parse reads a text. The strings of the result are parts of it. The error is about the
// first line that could not be read; the others are in the result.
func Parse(text string, cfg Config) (Metrics, error) {
	var m Metrics
	var first error
	p := parser{cfg: cfg, types: map[string]int{}}
	for number := 1; text != ""; number++ {
		line, rest, _ := strings.Cut(text, "\n")
		text = rest
		if err := p.line(&m, line); err != nil {
			if m.Bad++; first == nil {
				first = fmt.Errorf("metrics: line %d: %q: %w", number, shorten(line), err)
			}
		}
	}
	return m, first
}

// complete adds the labels that all series get, and sorts them by name: by insertion,
// there are few.
func (p *parser) complete(labels []prompb.Label) ([]prompb.Label, error) {
	own := len(labels)
next:
	for _, l := range p.cfg.Labels {
		for i := range labels[:own] {
			if labels[i].Name == l.Name {
				continue next
			}
		}
		labels = append(labels, l)
	}
	for i := 1; i < len(labels); i++ {
		l, j := labels[i], i
		for ; j > 0 && labels[j-1].Name > l.Name; j-- {
			labels[j] = labels[j-1]
		}
		if labels[j] = l; j > 0 && labels[j-1].Name == l.Name {
			return nil, fmt.Errorf("got label %s twice", l.Name)
		}
	}
	return labels, nil
}

// arena returns room for the labels of a series, which used keeps from the next.
func (p *parser) arena() []prompb.Label {
	if len(p.labels) < 16 {
		p.labels = make([]prompb.Label, 4096)
	}
	return p.labels[:0:16]
}

func (p *parser) used(labels []prompb.Label) {
	if len(labels) <= 16 { // else they have moved elsewhere
		p.labels = p.labels[len(labels):]
	}
}

func shorten(s string) string {
	if len(s) > 200 {
		return s[:200] + "…"
	}
	return s
}

type parser struct {
	cfg   Config
	types map[string]int // name of a family → its place in Metrics.Metadata

	labels []prompb.Label // room for those of series to come
}

var kinds = map[string]prompb.MetricMetadataType{
	"counter": prompb.MetricMetadataCOUNTER, "gauge": prompb.MetricMetadataGAUGE, "histogram": prompb.MetricMetadataHISTOGRAM,
	"summary": prompb.MetricMetadataSUMMARY, "untyped": prompb.MetricMetadataUNKNOWN,
}

func (p *parser) line(m *Metrics, line string) error {
	if line == "" {
		return nil
	}
	if line[0] == '#' {
		return p.comment(m, line)
	}
	name, rest := cutName(line, true)
	if name == "" {
		return errors.New("got no metric name")
	}
	var err error
	labels := append(p.arena(), prompb.Label{Name: "__name__", Value: name})
	if strings.HasPrefix(rest, "{") {
		if labels, rest, err = p.braces(labels, name, rest[1:]); err != nil {
			return err
		}
	}
	text, ok := strings.CutPrefix(rest, " ")
	if !ok {
		return fmt.Errorf("got %q, want a blank and a value", shorten(rest))
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return fmt.Errorf("got %q, want a number alone", shorten(text))
	}
	if labels, err = p.complete(labels); err != nil {
		return err
	}
	p.used(labels)
	m.Series = append(m.Series, prompb.TimeSeries{Labels: labels[:len(labels):len(labels)], Samples: []prompb.Sample{{Value: v, Timestamp: p.cfg.Time}}})
	return nil
}

// comment reads # TYPE and # HELP; other comments say nothing.
func (p *parser) comment(m *Metrics, line string) error {
	what, rest := "", ""
	if text, ok := strings.CutPrefix(line, "# TYPE "); ok {
		what, rest = "TYPE", text
	} else if text, ok := strings.CutPrefix(line, "# HELP "); ok {
		what, rest = "HELP", text
	} else {
		return nil
	}
	name, rest := cutName(rest, true)
	text, ok := strings.CutPrefix(rest, " ")
	if name == "" || !ok {
		return fmt.Errorf("got no name and text behind %s", what)
	}
	i, known := p.types[name]
	if !known {
		i = len(m.Metadata)
		p.types[name] = i
		m.Metadata = append(m.Metadata, prompb.MetricMetadata{MetricFamilyName: name})
	}
	if what == "HELP" {
		m.Metadata[i].Help = text
		return nil
	}
	kind, ok := kinds[text]
	if !ok {
		return fmt.Errorf("got type %q, want counter, gauge, histogram, summary or untyped", shorten(text))
	}
	m.Metadata[i].Type = uint32(kind)
	return nil
}

// braces reads name="value" up to the closing brace.
func (p *parser) braces(to []prompb.Label, metric, s string) (labels []prompb.Label, rest string, err error) {
	for {
		if rest, ok := strings.CutPrefix(s, "}"); ok {
			return to, rest, nil
		}
		name, behind := cutName(s, false)
		quoted, ok := strings.CutPrefix(behind, `="`)
		if name == "" || !ok || name == "__name__" {
			return nil, "", fmt.Errorf("got %q, want a label or }", shorten(s))
		}
		value, behind, err := unquote(quoted)
		if err != nil {
			return nil, "", fmt.Errorf("label %s: %w", name, err)
		}
		if p.cfg.Rename != nil {
			value = p.cfg.Rename(metric, name, value)
		}
		if value != "" { // an empty label is one that is not there
			to = append(to, prompb.Label{Name: name, Value: value})
		}
		if next, ok := strings.CutPrefix(behind, ","); ok {
			behind = next
		} else if !strings.HasPrefix(behind, "}") {
			return nil, "", fmt.Errorf("got %q behind label %s, want a comma or }", shorten(behind), name)
		}
		s = behind
	}
}

// unquote reads a label's value up to the closing quote.
func unquote(s string) (value, rest string, err error) {
	end := strings.IndexAny(s, `"\`)
	if end >= 0 && s[end] == '"' {
		return s[:end], s[end+1:], nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], nil
		case '\\':
			if i++; i == len(s) {
				return "", "", errors.New("the value does not end")
			}
			switch s[i] {
			case 'n':
				b.WriteByte('\n')
			case '\\', '"':
				b.WriteByte(s[i])
			default:
				return "", "", fmt.Errorf(`got \%c, want \n, \\ or \"`, s[i])
			}
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", errors.New("the value does not end")
}

// cutName cuts a metric's or a label's name off; only a metric's may have colons.
func cutName(s string, metric bool) (name, rest string) {
	i := 0
	for ; i < len(s); i++ {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || metric && c == ':'
		if !letter && (i == 0 || c < '0' || c > '9') {
			break
		}
	}
	return s[:i], s[i:]
}
