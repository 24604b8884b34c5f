// Package flowsetout gives out what flow sets say of lost packets: as metrics, in the
// terms of package collector/series, and as IPFIX records, in those of collector/ipfix.
// The running collector gives out epochs as they are judged; what a log or a data set
// tells of the past goes out with the times at which it was.
//
//	epochs ─┬─▶ Records ─▶ IPFIX                   (Flows: of a command)
//	        └─▶ Totals ──▶ Series ─▶ /metrics      (of the collector)
//	              └───────▶ History ─▶ remote write, or text to import (Remote, WriteText)
//
// Every epoch is a postcards.Epoch; those of data sets are made with FromDataSet.
package flowsetout
