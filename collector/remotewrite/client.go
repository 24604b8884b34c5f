package remotewrite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/VictoriaMetrics/VictoriaMetrics/lib/prompb"

	"github.com/telltale-net/telltale/collector/remotewrite/spool"
)

// Stats are the counts since the client was made.
type Stats struct {
	Requests, Samples         uint64 // taken by the server
	Bytes                     uint64 // of those, compressed
	Retries                   uint64 // tries that failed and were or will be repeated
	Rejected, RejectedSamples uint64 // requests dropped because the server refused them, and their samples
	Queue                     spool.Stats
	Failure                   string    // why the last try failed, "" where it did not
	LastTaken                 time.Time // zero = never
	FirstFailure              time.Time // of those in a row; zero where the last try did not fail
}

// Client sends to one server. It is safe for concurrent use.
type Client struct {
	cfg   Config
	name  string // of the server, without secrets
	log   *slog.Logger
	http  *http.Client
	spool *spool.Spool

	mu    sync.Mutex
	stats Stats
}

// Open opens the queue and returns a client; Run sends what is in it, and closes it. log
// may be nil.
func Open(cfg Config, log *slog.Logger) (*Client, error) {
	if err := cfg.Check(); err != nil {
		return nil, fmt.Errorf("remote write: %w", err)
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	u, err := url.Parse(cfg.URL)
	if err != nil {
		panic("BUG: a URL that was checked: " + err.Error())
	}
	u.RawQuery, u.Fragment = "", "" // may hold a token
	conf, err := cfg.tls()
	if err != nil {
		return nil, fmt.Errorf("remote write: %w", err)
	}
	q, err := spool.Open(spool.Config{Dir: cfg.Dir, Bytes: cfg.Bytes, Segment: min(cfg.Bytes/8, 16<<20)})
	if err != nil {
		return nil, fmt.Errorf("remote write: %w", err)
	}
	return &Client{
		cfg: cfg, name: u.String(), log: log, spool: q,
		http: &http.Client{
			Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: conf, ForceAttemptHTTP2: true, MaxIdleConns: 1, IdleConnTimeout: time.Minute},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // secrets stay with the server named
			Timeout:       cfg.Timeout,
		},
	}, nil
}

// Name returns the URL without anything that may be secret.
func (c *Client) Name() string { return c.name }

// Send puts series and metadata into the queue. The error says that the disk did not
// take all of it, which is counted.
func (c *Client) Send(series []prompb.TimeSeries, metadata []prompb.MetricMetadata) error {
	var errs []error
	for _, r := range Requests(series, metadata, c.cfg.Samples) {
		errs = append(errs, c.spool.Append(r.Body, r.Samples))
	}
	return errors.Join(errs...)
}

// Run sends what is in the queue until ctx is done and, for Config.Drain, what is left
// then. It closes the queue, where what could not be sent waits for the next start. The
// error is of the queue's disk.
func (c *Client) Run(ctx context.Context) error {
	defer c.http.CloseIdleConnections()
	limit, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(c.cfg.Drain, cancel) })
	defer stop()
	err := c.run(ctx, limit)
	return errors.Join(err, c.spool.Close())
}

// run sends one request after the other: until ctx is done waiting for more, then, as
// long as limit is not done, those that there are.
func (c *Client) run(ctx, limit context.Context) error {
	for {
		item, ok, err := c.spool.TryNext()
		if err != nil {
			return err
		}
		if !ok {
			if item, err = c.spool.Next(ctx); err != nil {
				if ctx.Err() == nil {
					return err
				}
				if item, ok, err = c.spool.TryNext(); !ok || err != nil { // added just before
					return err
				}
			}
		}
		if !c.deliver(limit, &item) {
			return nil
		}
		if err := c.spool.Done(item); err != nil {
			return err
		}
	}
}

// deliver tries until the server has taken or refused a request; false = it did neither
// before ctx was done.
func (c *Client) deliver(ctx context.Context, item *spool.Item) bool {
	for failures := 1; ; failures++ {
		status, after, err := c.post(ctx, item.Payload)
		if ctx.Err() != nil && err != nil {
			return false
		}
		v := again
		if err == nil {
			v = judge(status.code)
		}
		c.book(v, item, status, err)
		if v != again {
			return true
		}
		wait, told := time.Duration(0), false
		if err == nil {
			wait, told = retryAfter(after, time.Now())
		}
		timer := time.NewTimer(c.cfg.wait(failures, wait, told, rand.Float64()))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return false
		}
	}
}

// status is a server's answer.
type status struct {
	code int
	text string // the start of the body
}

func (c *Client) post(ctx context.Context, body []byte) (s status, after string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.cfg.URL, bytes.NewReader(body))
	if err != nil {
		return s, "", errors.New("the request cannot be made")
	}
	r.Header.Set("Content-Encoding", "snappy")
	r.Header.Set("Content-Type", "application/x-protobuf")
	r.Header.Set("X-Prometheus-Remote-Write-Version", "0.1.0")
	r.Header.Set("User-Agent", "telltale")
	if err := c.cfg.authorize(r); err != nil {
		return s, "", err
	}
	resp, err := c.http.Do(r)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // without the URL
		}
		return s, "", err
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 256))
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)) // for the connection to be used again
	return status{resp.StatusCode, string(text)}, resp.Header.Get("Retry-After"), nil
}

// book counts a try, and logs the first failure of a row, its end, and refusals.
func (c *Client) book(v verdict, item *spool.Item, s status, err error) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	st := &c.stats
	switch v {
	case taken:
		st.Requests++
		st.Samples += uint64(item.Samples)
		st.Bytes += uint64(len(item.Payload))
		st.LastTaken = now
		if st.Failure != "" {
			c.log.Info("remote write works again", "url", c.name, "after", now.Sub(st.FirstFailure).Round(time.Millisecond))
		}
		st.Failure, st.FirstFailure = "", time.Time{}
	case refused:
		st.Rejected++
		st.RejectedSamples += uint64(item.Samples)
		c.log.Error("remote write: refused, and dropped", "url", c.name, "status", s.code, "answer", s.text, "samples", item.Samples)
		st.Failure, st.FirstFailure = "", time.Time{}
	case again:
		st.Retries++
		text := fmt.Sprintf("status %d: %s", s.code, s.text)
		if err != nil {
			text = err.Error()
		}
		if st.Failure == "" {
			st.FirstFailure = now
			c.log.Warn("remote write fails, and is tried again", "url", c.name, "error", text)
		}
		st.Failure = text
	}
}

// Stats returns the counts.
func (c *Client) Stats() Stats {
	c.mu.Lock()
	s := c.stats
	c.mu.Unlock()
	s.Queue = c.spool.Stats()
	return s
}

// Ready returns nil, or why the server does not get what is sent.
func (c *Client) Ready() error {
	if s := c.Stats(); s.Failure != "" {
		return fmt.Errorf("%s: for %v: %s; %d samples wait", c.name, time.Since(s.FirstFailure).Round(time.Second), s.Failure, s.Queue.Samples)
	}
	return nil
}

// Close closes the queue of a client that does not run.
func (c *Client) Close() error { return c.spool.Close() }
