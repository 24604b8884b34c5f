package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/lipgloss/table"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
)

func newEvalCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "eval",
		Short: "Rerun the experiments of the papers that the analyzers come from",
	}
	cmd.AddCommand(newEvalQueueCmd(), newEvalBlameCmd(), newEvalFlowsetCmd())
	return cmd
}

// evaluation is what the eval commands have in common: where the result goes, and how.
type evaluation struct {
	format, out string
}

// flags adds --format and --out.
func (e *evaluation) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&e.out, "out", "", "folder for figures.csv and the plots")
	cmd.Flags().StringVar(&e.format, "format", "text", "text or json")
}

// saver writes a file of --out.
type saver func(name string, to func(io.Writer) error) error

// run calls evaluate, writes its figures (write is called where there is a --out) and
// prints the result, as text by print.
func (e *evaluation) run(cmd *cobra.Command, what string, evaluate func(progress func(done, total int)) (any, error), write func(saver) error, print func(io.Writer) error) error {
	if e.format != "text" && e.format != "json" {
		return fmt.Errorf("unknown format %q; want text or json", e.format)
	}
	progress, finish := evalProgress(cmd, what)
	res, err := evaluate(progress)
	finish()
	if err != nil {
		return err
	}
	if e.out != "" {
		if err := os.MkdirAll(e.out, 0o755); err != nil {
			return fmt.Errorf("cannot make the folder for the figures: %w", err)
		}
		if err := write(e.save); err != nil {
			return err
		}
	}
	if e.format == "json" {
		enc := json.NewEncoder(cmd.OutOrStdout())
		enc.SetIndent("", "  ")
		err = enc.Encode(res)
	} else {
		err = print(cmd.OutOrStdout())
	}
	if err != nil {
		return fmt.Errorf("cannot print the result: %w", err)
	}
	return nil
}

func (e *evaluation) save(name string, to func(io.Writer) error) error {
	var b bytes.Buffer
	if err := to(&b); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(e.out, name), b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("cannot write the figures: %w", err)
	}
	return nil
}

// savePictures writes a picture as SVG and as PNG.
func savePictures(to saver, name string, draw func(w io.Writer, format string) error) error {
	for _, format := range []string{"svg", "png"} {
		if err := to(name+"."+format, func(w io.Writer) error { return draw(w, format) }); err != nil {
			return err
		}
	}
	return nil
}

// evalProgress returns a bar on a terminal, and nothing elsewhere.
func evalProgress(cmd *cobra.Command, what string) (progress func(done, total int), finish func()) {
	if !isTerminal(cmd.ErrOrStderr()) {
		return func(_, _ int) {}, func() {}
	}
	bar := progressbar.NewOptions(-1,
		progressbar.OptionSetWriter(cmd.ErrOrStderr()),
		progressbar.OptionSetWidth(30),
		progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionThrottle(100*time.Millisecond),
	)
	progress = func(done, total int) {
		bar.ChangeMax(total)
		_ = bar.Set(done) // the screen is not the result
	}
	return progress, func() { _ = bar.Finish() }
}

// figures returns a table of an evaluation.
func figures(headers []string, rows [][]string) string {
	return table.New().
		Border(lipgloss.NormalBorder()).
		Headers(headers...).
		Width(0).
		StyleFunc(func(_, _ int) lipgloss.Style { return lipgloss.NewStyle().Padding(0, 1) }).
		Rows(rows...).
		Render()
}
