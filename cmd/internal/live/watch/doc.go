// Package watch is what `telltale blame` does: it watches records as they come, from a
// log or from the network, and says window by window which links lose packets, with what
// probability and on what evidence. Package window does the analysis. Flags are the
// command's business.
package watch
