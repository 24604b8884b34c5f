package remotewrite

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"
)

const childEnv = "TELLTALE_REMOTEWRITE_CHILD" // a folder; with _FIRST, the number of the first sample

// child is the life of the process that TestKilled kills: it says after every call of
// Send how many samples it has sent in all.
func child(dir, first string) {
	cfg := DefaultConfig()
	cfg.URL, cfg.Dir, cfg.Samples = "http://127.0.0.1:9/", dir, 10
	n, err := strconv.Atoi(first)
	if err == nil {
		var c *Client
		if c, err = Open(cfg, nil); err == nil {
			for ; err == nil; n += 7 {
				if err = c.Send(samples(n, 7), nil); err == nil {
					fmt.Println(n + 7)
				}
			}
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// What was taken by Send arrives, once and in order, though the process is killed again
// and again.
func TestKilled(t *testing.T) {
	s := newServer(t, (*httptest.Server).Start)
	cfg := configFor(t, s.URL)
	rng := rand.New(rand.NewPCG(1, 1))
	next := 0
	for range 5 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"="+cfg.Dir, childEnv+"_FIRST="+strconv.Itoa(next))
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		acknowledged := next
		for lines.Scan() {
			if n, err := strconv.Atoi(lines.Text()); err == nil {
				if acknowledged == next {
					time.AfterFunc(time.Duration(rng.IntN(30))*time.Millisecond, func() { _ = cmd.Process.Kill() })
				}
				acknowledged = n
			}
		}
		if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
			t.Fatalf("the process ended by itself: %v", err)
		}
		c, stop := run(t, cfg)
		eventually(t, "nothing waits", func() bool { return c.Stats().Queue.Records == 0 })
		stop()
		got := len(s.got())
		check(t, s, got)
		if got < acknowledged || got > acknowledged+7 {
			t.Fatalf("got %d samples, %d were acknowledged", got, acknowledged)
		}
		next = got
	}
	t.Logf("%d samples over five kills", next)
}
