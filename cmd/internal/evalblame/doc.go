// Package evalblame reruns the simulations of 007 (NSDI 2018) on a simulated Clos network,
// and what they leave out: links fail, methods that know nothing of it are handed the
// epoch's flows, and the truth judges which links they blame and what they say caused each
// flow's loss.
//
//	network, failures ─► an epoch's flows ─► method ─► bad links, causes ─► score ─► tables
//	        └──────────────────────────── truth ──────────────────────────────┘
//
// # What is right
//
// The same for all methods.
//
//	accuracy         of the flows that lost packets at a failed link, the share whose cause is
//	                 named as the link that lost most of them
//	precision        of the links called bad, the share that failed; 1 where none is called bad
//	recall           of the failed links, the share called bad
//	recall ≥3 lost   that of the failed links that lost at least three packets: fewer are no evidence
//	F1               harmonic mean of precision and recall
//	noise as such    of the flows that lost packets elsewhere only, the share of which that is
//	                 said; accuracy does not count them, and who never says noise has more of it
//
// Figures are over seeds: mean, median, least and greatest. A method is not worse than 007
// in a cell if its mean is not below 007's in accuracy, precision and F1, or below by no
// more than chance explains: twice the standard error of the difference per seed. (Recall alone
// is no measure: to call every link bad has all of it.)
//
// # The released simulator
//
// The setting is that of the released simulator, without its quirks (package blametest).
// The experiment "quirks" is the sweep of skew and failures with them: whether a flow
// lost packets at a link and how many are drawn independently of one another, and paths,
// and with them the votes, leave out the last link, to the host. All other experiments are without.
//
// # Published figures
//
// 007's slides: accuracy above 96 %, precision and recall about 100 % at rates from 0.05 to 1 %;
// up to 7 failures above 90 % accuracy; one failure above 98 % in up to 6 pods; 30 failed
// links above 98.01 %; 50 % skew is tolerated. The sweep of skew and failures stands beside a rerun of
// 007 with three seeds elsewhere.
package evalblame
