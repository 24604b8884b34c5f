package report_test

import (
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/telltale-net/telltale/collector/report"
)

// A drop and a report that promises more than there is, coalesced.
const datagram = "20800007" + "0000002a" + // hw_id 2, sequence 7, node 42
	"10030180" + "00010000" + "00000000" + "041d0000" + // RepType INT, D; queue 4, reason 29
	"10050300" // Report Length 5

func ExampleParse() {
	b, err := hex.DecodeString(datagram)
	if err != nil {
		panic(err)
	}
	g, reports, err := report.Parse(b)
	fmt.Printf("node %d, hw_id %d, sequence %d\n", g.NodeID, g.HwID, g.Sequence)
	for _, r := range reports {
		fmt.Printf("dropped in queue %d, reason %d\n", r.DropQueueID, r.DropReason)
	}
	fmt.Println(err)
	fmt.Println(errors.Is(err, report.LengthBeyond))
	// Output:
	// node 42, hw_id 2, sequence 7
	// dropped in queue 4, reason 29
	// cannot read individual report of telemetry report at byte 28: got 0 bytes, want 20
	// true
}

func ExampleDecoder() {
	b, err := hex.DecodeString(datagram)
	if err != nil {
		panic(err)
	}
	var d report.Decoder // reused for every datagram
	var r report.Report  // reused for every report
	if _, err := d.Reset(b); err != nil {
		panic(err)
	}
	for ok, err := d.Next(&r); ok || err != nil; ok, err = d.Next(&r) {
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println("report at byte", r.Offset)
	}
	// Output:
	// report at byte 8
	// cannot read individual report of telemetry report at byte 28: got 0 bytes, want 20
}
