// Package fit finds how a table was filled where its data set does not say so as
// docs/datasets.md does: by which functions, hashed how, with which seeds, its cells in which
// order, and what its checks are. The table itself is the judge: of flows that are alone in a
// cell it is known where they are, and the right functions put them there, by chance no
// others do. It is pure; texts of data sets it reads not at all, but for the names by which
// it remembers what it found (Finder).
//
//	flows alone in a cell ─▶ most are where the functions told put them    ─▶ as told
//	                         no: other forms, orders of cells, then seeds  ─▶ as found, and noted
//	                         none: cells that agree with one another       ─▶ blind: see Blind
package fit
