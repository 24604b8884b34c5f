package lab_test

import (
	"flag"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

var rounds = flag.Int("rounds", 0, "print how fast the lab is with several workers, as the median of so many rounds")

// TestSpeed prints how fast BenchmarkLab's fabric runs with 1, 2, 4, … workers, as many
// as there are processors. Rounds of 20 ms of the lab's time take turns, so that what
// else the machine does strikes all alike; each line is the median of its rounds, the
// speed-up that of the ratios within a round. Wall time needs a quiet machine. On a
// busy one, compare the processor time per packet: workers that wait for each other use
// more of it than one does alone.
//
//	go test ./bmv2/lab -run 'TestSpeed$' -v -rounds 15
func TestSpeed(t *testing.T) {
	if *rounds <= 0 {
		t.Skip("only with -rounds")
	}
	type line struct {
		*world
		delay               time.Duration
		workers             int
		speed, cpu, speedUp []float64
	}
	var lines []*line
	for _, delay := range trunks {
		for workers := 1; workers <= runtime.GOMAXPROCS(0); workers *= 2 {
			lines = append(lines, &line{world: benchWorld(t, delay, false, workers), delay: delay, workers: workers})
		}
	}
	const step = 20 * time.Millisecond
	at := 100 * time.Millisecond
	for _, x := range lines {
		x.until(t, at)
	}
	for range *rounds {
		at += step
		alone := 0.0
		for _, x := range lines {
			sent, cpu, start := x.totals().Sent, processorTime(), time.Now()
			x.until(t, at)
			took := time.Since(start)
			x.cpu = append(x.cpu, float64(processorTime()-cpu)/float64(x.totals().Sent-sent))
			speed := float64(step) / float64(took)
			if x.workers == 1 {
				alone = speed
			}
			x.speed, x.speedUp = append(x.speed, speed), append(x.speedUp, speed/alone)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n%-8s %8s %10s %14s %10s\n", "trunks", "workers", "lab-s/s", "cpu-ns/packet", "speed-up")
	for _, x := range lines {
		fmt.Fprintf(&b, "%-8v %8d %10.2f %14.0f %10.2f\n", x.delay, x.workers, median(x.speed), median(x.cpu), median(x.speedUp))
	}
	t.Log(&b)
}

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}
