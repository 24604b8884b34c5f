// Package jsonlines is what readers of JSON Lines share (https://jsonlines.org: one JSON
// value a line, UTF-8): lines of bounded length, positions in errors, encoding/json's
// errors in words, and a scanner for lines as programs usually write them. What the
// fields mean is the readers' own.
//
// # Two ways to read a line
//
// encoding/json takes some 2 µs a record and allocates. A reader of millions tries
// [Scan] first, which takes what nearly every line is:
//
//	{"flow": "f1", "path": ["h1>t1", "t1>a3"], "at": {"src": "10.0.0.1"}, "lost": 2}
//	 └name─┘ └Str┘         └───Strings──────┘        └─────Flat────────┘         └Int┘
//
// and gives up on anything else, right or wrong: escapes, fractions, null, fields that
// the reader does not know or that are there twice. The reader then gives the whole line
// to encoding/json, which judges it. What a scanner takes, encoding/json would read to
// the same values; the readers' fuzz targets hold them to that.
package jsonlines
