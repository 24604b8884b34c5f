package ipfix

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/netsampler/goflow2/v2/decoders/netflow"
)

// goflow2 decodes what we write to the values that our own decoder finds.
func TestAgainstGoflow2(t *testing.T) {
	flows := someFlows(1000)
	messages, _ := everything(config, flows)
	var d decoder
	known := netflow.CreateTemplateSystem()
	at, names := 0, 0
	for i, m := range messages {
		if err := d.message(m); err != nil {
			t.Fatal(err)
		}
		var base netflow.NFv9Packet
		var p netflow.IPFIXPacket
		if err := netflow.DecodeMessageVersion(bytes.NewBuffer(m), known, &base, &p); err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
		compare := func(values []netflow.DataField) {
			for _, v := range values {
				name := fmt.Sprint(v.Type &^ (1 << 15)) // which goflow2 leaves in types of options
				if v.PenProvided {
					name = fmt.Sprintf("%d/%d", v.Pen, v.Type&^(1<<15))
				}
				if got, _ := v.Value.([]byte); !bytes.Equal(got, d.records[at].values[name]) {
					t.Errorf("record %d, element %s: got %x, want %x", at, name, got, d.records[at].values[name])
				}
			}
		}
		for _, set := range p.FlowSets {
			switch s := set.(type) {
			case netflow.DataFlowSet:
				for _, r := range s.Records {
					if compare(r.Values); len(r.Values) != len(d.records[at].values) {
						t.Errorf("record %d: got %d values, want %d", at, len(r.Values), len(d.records[at].values))
					}
					at++
				}
			case netflow.OptionsDataFlowSet:
				for _, r := range s.Records {
					compare(r.ScopesValues)
					compare(r.OptionsValues)
					at++
				}
			case netflow.TemplateFlowSet, netflow.IPFIXOptionsTemplateFlowSet:
			default:
				t.Errorf("message %d: a set of type %T", i, set)
			}
		}
	}
	if at != len(flows)+2 {
		t.Errorf("got %d records, want %d", at, len(flows)+2)
	}
	for _, tp := range Templates() {
		for _, f := range tp.Fields {
			if f.Enterprise {
				continue
			}
			if names++; netflow.IPFIXTypeToString(f.ID) != f.Name {
				t.Errorf("element %d: got %s, goflow2 calls it %s", f.ID, f.Name, netflow.IPFIXTypeToString(f.ID))
			}
		}
	}
	if names < 60 {
		t.Errorf("%d names were compared", names)
	}
}
