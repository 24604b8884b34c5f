package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/telltale-net/telltale/bmv2/differ"
	"github.com/telltale-net/telltale/bmv2/runner"
	"github.com/telltale-net/telltale/bmv2/simpleswitch"
)

// runDir compares every program of a folder.
func (f *diffFlags) runDir(cmd *cobra.Command, dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.p4info.txtpb"))
	if err != nil {
		return fmt.Errorf("cannot compare the programs of %s: %w", dir, err)
	}
	if len(files) == 0 {
		return fmt.Errorf("cannot compare the programs of %s: it has no P.json with a P.p4info.txtpb", dir)
	}
	ports, err := f.portNumbers()
	if err != nil {
		return err
	}
	if _, err := simpleswitch.Find(); err != nil {
		return err
	}
	passed := 0
	var all []diffResult
	for _, file := range files {
		base := strings.TrimSuffix(file, ".p4info.txtpb")
		r, details := f.compareOne(cmd, base, file, ports)
		if err := cmd.Context().Err(); err != nil {
			return err
		}
		verdict := "PASS"
		if r.Differences > 0 || r.Error != "" {
			verdict = "FAIL"
		} else {
			passed++
		}
		all = append(all, r)
		if f.format == "json" {
			continue
		}
		line := fmt.Sprintf("%s %s: %s", verdict, r.Program, counts(&r.Summary))
		if r.Differences > r.Different {
			line += fmt.Sprintf(", %d other differences", r.Differences-r.Different)
		}
		line += fmt.Sprintf("; %d entries, %d entities, %d cells, %d digests; %.1f s", r.Updates, r.Entities, r.Cells, r.Digests, r.Seconds)
		if r.Error != "" {
			line += "; " + r.Error
		}
		if _, err := fmt.Fprintln(cmd.OutOrStdout(), line+details); err != nil {
			return fmt.Errorf("cannot print the result: %w", err)
		}
	}
	failed := len(all) - passed
	if f.format == "json" {
		err = printJSON(cmd.OutOrStdout(), struct {
			Programs []diffResult `json:"programs"`
			Passed   int          `json:"passed"`
			Failed   int          `json:"failed"`
		}{all, passed, failed})
	} else {
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d passed, %d failed\n", passed, failed)
	}
	if err != nil {
		return fmt.Errorf("cannot print the result: %w", err)
	}
	if failed > 0 {
		return errWrong
	}
	return nil
}

// compareOne compares one program of a folder. It also returns lines that say why packets
// were excluded, and the first difference and the first death in short.
func (f *diffFlags) compareOne(cmd *cobra.Command, base, p4info string, ports []uint16) (diffResult, string) {
	r := diffResult{Program: filepath.Base(base), Seed: f.seed, Kinds: map[string]int{}}
	began := time.Now()
	var details strings.Builder
	fail := func(err error) (diffResult, string) {
		r.Error = strings.ReplaceAll(err.Error(), "\n", "; ")
		r.Seconds = time.Since(began).Seconds()
		return r, details.String()
	}
	if _, err := os.Stat(base + ".json"); err != nil {
		return fail(err)
	}
	p, err := runner.ReadProgram(base+".json", p4info)
	if err != nil {
		return fail(err)
	}
	show := &progress{out: cmd.ErrOrStderr(), what: r.Program, began: began, total: int64(f.random)}
	cfg := differ.Config{
		Setup: runner.Setup{Program: p}, Random: f.random, Seed: f.seed, RandomEntries: true, Ports: ports, Start: startBMv2,
		Progress: func(n int) { show.set(int64(n)) },
		Report: func(diff *differ.Difference) error {
			kind := diff.Class()
			if r.Kinds[kind]++; r.Kinds[kind] == 1 && len(r.Kinds) <= f.show {
				first, _, _ := strings.Cut(describe(diff), "\n")
				fmt.Fprintf(&details, "\n  %s\n    %s", first, kind)
			}
			return nil
		},
	}
	cfg.Engine.Seed = f.seed
	r.Summary, err = differ.Run(cmd.Context(), cfg)
	_ = show.close()
	for _, reason := range slices.Sorted(maps.Keys(r.Excluded)) {
		fmt.Fprintf(&details, "\n  %d packets excluded: %s", r.Excluded[reason], reason)
	}
	if err != nil {
		return fail(err)
	}
	r.Seconds = time.Since(began).Seconds()
	return r, details.String()
}
