// Package frame builds and reads the frames at the edges of the lab: what tenants'
// hosts send and receive, and the UDP that carries reports to the collector. Only
// bytes live here; who sends what and when is package traffic's business.
//
// A tenant's frame is Ethernet, IPv4 and UDP or TCP with valid checksums. Its
// payload opens with a stamp from which the receiver tells what was lost,
// duplicated, reordered and how long it took; zeros follow.
//
//	 0               1               2               3
//	+---------------+---------------+---------------+---------------+
//	|                  magic 0x74_65_6c_6c "tell"                   |
//	+---------------------------------------------------------------+
//	|                          flow number                          |
//	+---------------------------------------------------------------+
//	|                     sequence number within                    |
//	|                     the flow, from 0                          |
//	+---------------------------------------------------------------+
//	|                     when it was sent,                         |
//	|                     ns of the lab's clock                     |
//	+---------------------------------------------------------------+
package frame
