// Package policy holds the rules of the source tree as tests: who may import
// whom, which packages are pure, and that every package says what it is for.
// It contains no code that runs in the program.
package policy
