// Package analyzeblame is what `telltale analyze blame` does: it reads data sets of
// flows, asks a method of analyzers/blame, and writes the answer as one line of JSON
// (the contract of docs/datasets.md) or in words. Flags are the command's business.
package analyzeblame
