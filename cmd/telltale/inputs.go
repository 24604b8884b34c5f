package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/telltale-net/telltale/cmd/internal/dataset"
)

// openInputs opens the files of a data set, "-" being the standard input, and shows how
// far they are read where somebody watches. done closes them.
func openInputs(cmd *cobra.Command, names []string) (inputs []dataset.Input, done func(), err error) {
	var closers []func()
	done = func() {
		for _, c := range closers {
			c()
		}
	}
	for _, name := range names {
		if name == "-" {
			inputs = append(inputs, dataset.Input{Name: "standard input", Reader: cmd.InOrStdin()})
			continue
		}
		f, err := os.Open(name)
		if err != nil {
			done()
			return nil, nil, fmt.Errorf("cannot analyse: %w", err)
		}
		in, watched := watched(cmd, f, "reading")
		closers = append(closers, watched, func() { f.Close() })
		inputs = append(inputs, dataset.Input{Name: name, Reader: in})
	}
	return inputs, done, nil
}
