package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/telltale-net/telltale/bmv2/engine"
)

// BenchConfig is a measurement.
type BenchConfig struct {
	Setup
	Inputs  []Input
	Packets int // to measure; the inputs are repeated as often as it takes
}

// BenchResult is what was measured, on one goroutine. What leaves the switch is thrown
// away. The JSON names are part of the command's contract.
type BenchResult struct {
	Packets          int          `json:"packets"`
	Transmitted      uint64       `json:"transmitted"`
	Seconds          float64      `json:"seconds"`
	PacketsPerSecond float64      `json:"packets_per_second"`
	NsPerPacket      float64      `json:"ns_per_packet"`
	AllocsPerPacket  float64      `json:"allocs_per_packet"`
	BytesPerPacket   float64      `json:"bytes_allocated_per_packet"`
	BitsPerSecond    float64      `json:"bits_per_second"`
	Stats            engine.Stats `json:"stats"` // of the measured packets and those that warmed up
}

const (
	maxBenchBytes = 1 << 30 // of packets held in memory
	warmUp        = 20_000  // packets before the clock starts
	benchGap      = 1000    // virtual ns between packets
)

// Bench measures how fast the engine takes packets through a program.
func Bench(ctx context.Context, cfg BenchConfig) (BenchResult, error) {
	res, err := bench(ctx, cfg)
	if err != nil {
		return res, fmt.Errorf("cannot measure: %w", err)
	}
	return res, nil
}

func bench(ctx context.Context, cfg BenchConfig) (res BenchResult, err error) {
	if cfg.Packets <= 0 {
		return res, fmt.Errorf("packets: got %d, want at least 1", cfg.Packets)
	}
	in, err := Merge(cfg.Inputs)
	if err != nil {
		return res, err
	}
	packets, err := load(in)
	if err != nil {
		return res, err
	}
	if len(packets) == 0 {
		return res, errors.New("the inputs hold no packets")
	}
	t, err := cfg.start(ctx)
	if err != nil {
		return res, err
	}
	sw := t.Switch()
	var now engine.Time
	var next, bytes int
	drop := func(engine.Tx) {}
	run := func(n int) {
		for range n {
			p := &packets[next]
			if next++; next == len(packets) {
				next = 0
			}
			bytes += len(p.Data)
			now += benchGap
			sw.Receive(now, p.Port, p.Data)
			sw.Run(now, drop)
		}
	}
	run(warmUp)
	next, bytes = 0, 0
	sent := sw.Stats().Transmitted
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	begin := time.Now()
	const slice = 10_000
	for done := 0; done < cfg.Packets; done += slice {
		if ctx.Err() != nil {
			return res, ctx.Err()
		}
		run(min(slice, cfg.Packets-done))
	}
	took := time.Since(begin)
	runtime.ReadMemStats(&after)

	n := float64(cfg.Packets)
	stats := sw.Stats()
	return BenchResult{
		Packets:          cfg.Packets,
		Transmitted:      stats.Transmitted - sent,
		Seconds:          took.Seconds(),
		PacketsPerSecond: n / took.Seconds(),
		NsPerPacket:      float64(took.Nanoseconds()) / n,
		AllocsPerPacket:  float64(after.Mallocs-before.Mallocs) / n,
		BytesPerPacket:   float64(after.TotalAlloc-before.TotalAlloc) / n,
		BitsPerSecond:    8 * float64(bytes) / took.Seconds(),
		Stats:            stats,
	}, nil
}

// load reads all packets into memory.
func load(in *Merged) (out []Packet, err error) {
	var p Packet
	bytes := 0
	for {
		err := in.Next(&p)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		if bytes += len(p.Data); bytes > maxBenchBytes {
			return nil, fmt.Errorf("the inputs hold more than %d bytes of packets", maxBenchBytes)
		}
		p.Data = append([]byte(nil), p.Data...)
		out = append(out, p)
	}
}
