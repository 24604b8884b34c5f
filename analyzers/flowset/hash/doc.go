// Package hash holds the functions by which switches place flows: from the words of a flow's
// key to its cells in a table and to its check, or to values that a filter takes bits from.
// It has the algorithms (Family), the forms in which programs hash a seed along with a key
// (Form), what checks are (Check), and the names data sets have for them (Parse, Guess). What
// was hashed, cells' contents and tables are no business of its: which of the forms a data
// set follows, package fit finds. It is pure, and imports nothing of ours.
//
//	seed, n ─Form─▶ bytes or start value ┐
//	key ─▶ Prepared, once for all seeds ─┴─Algorithm─▶ value ─▶ mod cells, or scaled
//
// Sources: SplitMix64 (Steele, Lea, Flood, OOPSLA'14), MurmurHash3 (Appleby), xxHash's
// specification 0.1.1 (Collet), FNV-1a (Fowler, Noll, Vo), one-at-a-time (Jenkins, Dr. Dobb's
// 1997), CRCs as their catalogue names them. docs/datasets.md says how seeds, keys and cells
// go together where a data set follows it: the zero Form and the zero Check.
package hash
