package recordlog

import (
	"context"
	"time"

	"github.com/telltale-net/telltale/collector/postcard"
)

// Paced hands on the records of a source at their times, speed times as fast as they
// were received; 0 is as fast as it goes. A batch is cut where it has to wait.
func Paced(from Source, speed float64) Source {
	if speed == 0 {
		return from
	}
	return func(ctx context.Context, fn func([]postcard.Record) error) error {
		var began time.Time
		var first int64
		return from(ctx, func(batch []postcard.Record) error {
			if began.IsZero() {
				began, first = time.Now(), batch[0].Received
			}
			for len(batch) > 0 {
				now := first + int64(float64(time.Since(began))*speed)
				n := 0
				for n < len(batch) && batch[n].Received <= now {
					n++
				}
				if n == 0 {
					wait := time.Duration(float64(batch[0].Received-now) / speed)
					select {
					case <-ctx.Done():
						return ctx.Err()
					case <-time.After(max(wait, minWait)):
					}
					continue
				}
				if err := fn(batch[:n]); err != nil {
					return err
				}
				batch = batch[n:]
			}
			return nil
		})
	}
}

// minWait is the shortest wait: what is due within it goes together.
const minWait = 200 * time.Microsecond
