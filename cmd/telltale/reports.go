package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func newReportsCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reports",
		Short: "Decode, encode and send telemetry reports",
	}
	cmd.AddCommand(newReportsDecodeCmd(), newReportsEncodeCmd(), newReportsSendCmd())
	return cmd
}

// watched returns a reader of a file that shows how far it has been read, and what
// ends the showing. It shows nothing unless a person watches the standard error
// while the reports go elsewhere.
func watched(cmd *cobra.Command, f *os.File, doing string) (io.Reader, func()) {
	if !isTerminal(cmd.ErrOrStderr()) || isTerminal(cmd.OutOrStdout()) {
		return f, func() {}
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return f, func() {}
	}
	bar := progressbar.NewOptions64(info.Size(),
		progressbar.OptionSetWriter(cmd.ErrOrStderr()),
		progressbar.OptionSetWidth(30),
		progressbar.OptionSetDescription(doing),
		progressbar.OptionShowBytes(true),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionThrottle(100*time.Millisecond),
	)
	r := progressbar.NewReader(f, bar)
	return &r, func() { _ = bar.Finish() } // the screen is not the result
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
