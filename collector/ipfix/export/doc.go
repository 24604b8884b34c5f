// Package export sends flows to an IPFIX collector, over UDP, TCP or TLS (RFC 7011, 10).
//
// Over UDP the templates are sent again and again ([Config.Templates]). Over TCP and TLS
// they are sent once in a connection, and withdrawn at its end; while there is no
// connection, flows that end are given up and counted, and the next try comes after a
// wait that doubles. What was exported and what was not, and how many of each node's
// reports arrived, is sent as often as templates are over UDP ([Config.Templates]).
//
// Messages are spread over time ([Config.Rate]), because a collector loses bursts.
package export
