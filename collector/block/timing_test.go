//go:build unix

package block

import (
	"syscall"
	"testing"
	"time"

	"github.com/telltale-net/telltale/collector/postcard"
)

func BenchmarkEncode(b *testing.B) {
	for _, fast := range []bool{false, true} {
		b.Run(map[bool]string{false: "tight", true: "fast"}[fast], func(b *testing.B) {
			records := fabric(1, 8192, 100)
			enc := Encoder{Unit: 1000, Fast: fast}
			var out []byte
			var err error
			b.ReportAllocs()
			before := cpu(b)
			for b.Loop() {
				if out, err = enc.Append(out[:0], records); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(records))*float64(b.N)/(cpu(b)-before).Seconds(), "records/cpu-s")
			b.ReportMetric(float64(len(out))/float64(len(records)), "bytes/record")
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	records := fabric(1, 8192, 100)
	enc := Encoder{Unit: 1000}
	block, err := enc.Append(nil, records)
	if err != nil {
		b.Fatal(err)
	}
	var dec Decoder
	var out []postcard.Record
	b.ReportAllocs()
	before := cpu(b)
	for b.Loop() {
		if out, err = dec.Decode(out[:0], block, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(records))*float64(b.N)/(cpu(b)-before).Seconds(), "records/cpu-s")
}

// BenchmarkSkip is a look at a block that need not be opened.
func BenchmarkSkip(b *testing.B) {
	var enc Encoder
	block, err := enc.Append(nil, fabric(1, 8192, 100))
	if err != nil {
		b.Fatal(err)
	}
	q := Query{Flows: []postcard.Flow{{SrcPort: 7}}}
	b.ReportAllocs()
	for b.Loop() {
		h, err := ReadHeader(block)
		if err != nil || h.MayHold(&q) {
			b.Fatal("the block is opened: ", err)
		}
	}
}

// cpu returns the processor time that this process has used: other processes do not
// make it longer.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
