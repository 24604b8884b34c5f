package remotewrite

import (
	"net/http"
	"strconv"
	"time"
)

// verdict is what to do about an answer.
type verdict uint8

const (
	taken verdict = iota
	again
	refused
)

// judge says what an HTTP status means for a request.
func judge(status int) verdict {
	switch {
	case status >= 200 && status < 300:
		return taken
	case status >= 400 && status < 500 && status != http.StatusTooManyRequests:
		return refused
	}
	return again
}

// MaxRetryAfter is the longest that a server's Retry-After is heeded.
const MaxRetryAfter = 5 * time.Minute

// retryAfter reads the header of that name: seconds, or a date.
func retryAfter(header string, now time.Time) (time.Duration, bool) {
	if header == "" {
		return 0, false
	}
	if s, err := strconv.ParseUint(header, 10, 32); err == nil {
		return min(time.Duration(s)*time.Second, MaxRetryAfter), true
	}
	if at, err := http.ParseTime(header); err == nil {
		return min(max(at.Sub(now), 0), MaxRetryAfter), true
	}
	return 0, false
}

// wait returns how long to wait after a number of failures in a row, and the server's
// word; part, in [0, 1), spreads collectors that failed together.
func (c *Config) wait(failures int, after time.Duration, told bool, part float64) time.Duration {
	if told && after > 0 {
		return after
	}
	w := c.MinWait
	for i := 1; i < failures && w < c.MaxWait; i++ {
		w *= 2
	}
	w = min(w, c.MaxWait)
	return w - time.Duration(part*float64(w)/4)
}
