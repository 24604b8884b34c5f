// Package worlds tries the flow-set analyzer as a stranger would: it makes networks, traffic
// and faults whose truth is known, encodes what the switches would have exported by an encoder
// of its own, runs the built telltale over the files, and compares what is told with the truth
// and with a slow decoder. Only tests live here.
//
// Nothing here uses packages of the analyzer: the hash functions, the cells, the filter and the
// JSON are written from docs/datasets.md and, for data sets of other programs, from what those
// programs compute. Keep it so: a mistake that the encoder and the decoder share is one that no
// test sees.
//
//	go test ./analyzers/flowset/worlds                                  a few worlds of every kind
//	go test ./analyzers/flowset/worlds -run 'Worlds/losses' -worlds 50 -first-seed 1001 -v
//	go test ./analyzers/flowset/worlds -run Worlds -keep /tmp/worlds    leaves the data sets there
package worlds
