package evalqueue

import (
	"context"
	"testing"
	"time"
)

func TestSmoke(t *testing.T) {
	res, err := Run(context.Background(), Config{Experiment: "all", Methods: nil, Seeds: 2, FirstSeed: 1, Duration: time.Second, Workers: 2}, time.Now, func(done, total int) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, tab := range res.Tables {
		t.Log(tab.Title)
		for _, r := range tab.Rows {
			t.Log("  ", r.What, r.Shares, r.Paper)
		}
	}
	for _, r := range res.Runs {
		t.Logf("%+v", r)
	}
}
