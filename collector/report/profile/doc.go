// Package profile says how the emitters of telemetry reports that exist deviate
// from the specifications: layouts ([report.Quirks]), INT marks and shims, units and
// widths of time, the place of hw_id, sequence numbers that do not count, and what
// their drop reasons mean.
//
// A [Profile] is a value; the known ones are in [All]. A [Book] gives the profile of
// a source: the configured one by address prefix, or else one guessed from what the
// source sends, and says which of the two. Guesses change no byte that is read unless
// nothing else could have been meant: a layout is guessed only where the bytes
// contradict the specification's layout and fit the emitter's. They do choose names
// of drop reasons and shifts of hw_id, so a guess is always shown beside them.
//
// The package is pure: it reads no clock and no file. What was read to know all this
// is named with each profile (repository, path, commit).
package profile
