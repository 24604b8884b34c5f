// Package analyzequeue is what `telltale analyze queue` does: it reads a data set of
// packets at queues, selects victims, asks a method for their causes, and writes the
// answers as JSON Lines (the contract of analyzers/queue/diagnosis) or as a story in
// words.
//
//	FILE… ─► records.Reader ─► trace ─► victims ─► method ─► diagnoses ─► lines or story
//	                             └ 16-bit ids: reident ┘              └► patterns
//
// It joins analyzers/queue and the folders below it. Flags are the command's business.
package analyzequeue
