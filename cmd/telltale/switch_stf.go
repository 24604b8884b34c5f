package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/runner"
	"github.com/telltale-net/telltale/bmv2/spec"
	"github.com/telltale-net/telltale/bmv2/stf"
)

func newSwitchSTFCmd() *cobra.Command {
	var program, p4info string
	cmd := &cobra.Command{
		Use:   "stf [--program P.json] [--p4info P.txtpb] SCRIPT.stf | DIR",
		Short: "Run scripts of p4c's Simple Test Framework",
		Long: `Run scripts of p4c's Simple Test Framework.

A script runs against --program, by default the .json of its own name beside it; with
--p4info the two must fit one another. The first difference is printed with expected
and seen bytes side by side. Of a folder every script runs against the .json of its
name; each failure is one line.

The exit status is 0 when every expectation holds, 1 when one does not, and 2 when the
script could not be run at all; in a folder that is a failure like others.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			info, err := os.Stat(args[0])
			if err != nil {
				return fmt.Errorf("cannot run scripts: %w", err)
			}
			if info.IsDir() {
				if program != "" || p4info != "" {
					return fmt.Errorf("cannot run folder %s against one program: each of its scripts has its own", args[0])
				}
				return runSTFDir(cmd, args[0])
			}
			return runSTF(cmd, args[0], program, p4info)
		},
	}
	cmd.Flags().StringVar(&program, "program", "", "BMv2 JSON (default: SCRIPT.json beside SCRIPT.stf)")
	cmd.Flags().StringVar(&p4info, "p4info", "", "P4Info in text format")
	return cmd
}

func runSTF(cmd *cobra.Command, script, program, p4info string) error {
	src, err := os.ReadFile(script)
	if err != nil {
		return fmt.Errorf("cannot read the script: %w", err)
	}
	s, err := stf.Parse(script, string(src))
	if err != nil {
		return fmt.Errorf("cannot parse the script: %w", err)
	}
	if program == "" {
		program = strings.TrimSuffix(script, filepath.Ext(script)) + ".json"
	}
	prog, err := loadForSTF(program, p4info)
	if err != nil {
		return err
	}
	r := stf.Run(prog, engine.Config{}, s)
	out := cmd.OutOrStdout()
	for _, l := range r.Log {
		if _, err := fmt.Fprintln(out, l); err != nil {
			return fmt.Errorf("cannot print the result: %w", err)
		}
	}
	if !r.Passed() {
		if _, err := fmt.Fprintf(out, "FAIL %v\n", r.Err); err != nil {
			return fmt.Errorf("cannot print the result: %w", err)
		}
		return errWrong
	}
	if _, err := fmt.Fprintf(out, "PASS %s: %d packets in, %d out\n", script, r.Packets, r.Captured); err != nil {
		return fmt.Errorf("cannot print the result: %w", err)
	}
	return nil
}

func loadForSTF(program, p4info string) (*engine.Program, error) {
	if p4info == "" {
		data, err := os.ReadFile(program)
		if err != nil {
			return nil, fmt.Errorf("cannot read the program: %w", err)
		}
		loaded, err := spec.Load(data)
		if err != nil {
			return nil, fmt.Errorf("cannot use program %s: %w", program, err)
		}
		prog, err := engine.Compile(loaded)
		if err != nil {
			return nil, fmt.Errorf("cannot use program %s: %w", program, err)
		}
		return prog, nil
	}
	p, err := runner.ReadProgram(program, p4info)
	if err != nil {
		return nil, err
	}
	t, err := runner.NewTarget(runner.TargetConfig{})
	if err != nil {
		return nil, err
	}
	if err := t.Install(p); err != nil {
		return nil, fmt.Errorf("cannot use program %s with %s: %w", program, p4info, err)
	}
	return p.Engine, nil
}

func runSTFDir(cmd *cobra.Command, dir string) error {
	out := cmd.OutOrStdout()
	var printing error
	passed, failed, err := stf.RunDir(os.DirFS(dir), engine.Config{}, func(r stf.Result) {
		if r.Passed() || printing != nil {
			return
		}
		first, _, _ := strings.Cut(r.Err.Error(), "\n")
		_, printing = fmt.Fprintf(out, "FAIL %s: %s\n", r.Script, first)
	})
	if err != nil {
		return fmt.Errorf("cannot run scripts of %s: %w", dir, err)
	}
	if printing == nil {
		_, printing = fmt.Fprintf(out, "%d passed, %d failed\n", passed, failed)
	}
	if printing != nil {
		return fmt.Errorf("cannot print the result: %w", printing)
	}
	if failed > 0 {
		return errWrong
	}
	return nil
}
