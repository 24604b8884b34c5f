package entity_test

import (
	"testing"

	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/protobuf/encoding/prototext"

	"github.com/telltale-net/telltale/bmv2/p4rt/entity"
	"github.com/telltale-net/telltale/bmv2/p4rt/p4rttest"
)

func BenchmarkNew(b *testing.B) {
	info := p4rttest.Info()
	config := p4rttest.JSON(info)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := entity.New(info, config); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeEntry(b *testing.B) {
	info := p4rttest.Info()
	s, err := entity.New(info, p4rttest.JSON(info))
	if err != nil {
		b.Fatal(err)
	}
	te := &p4v1.TableEntry{}
	if err := prototext.Unmarshal([]byte(`table_id: 0x02000001 match { field_id: 1 lpm { value: "\012\000\000\000" prefix_len: 8 } }
		action { action { action_id: 0x01000001 params { param_id: 1 value: "\001" } params { param_id: 2 value: "\002" } } }`), te); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.DecodeEntry(p4v1.Update_INSERT, te); err != nil {
			b.Fatal(err)
		}
	}
}
