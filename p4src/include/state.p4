// State that ingress and egress share, which P4 wants declared outside of both.
//
// drop_counter  one cell per drop reason, of packets dropped at either stage.
//
// queue_depth   one cell per port: how many packets wait for it, as far as ingress
//               can know. v1model shows ingress no queue length, so QueueLimit adds
//               one for each packet that it lets through, and QueueDepth puts the
//               real length in its place whenever a packet leaves the queue.

#ifndef TELLTALE_STATE_P4
#define TELLTALE_STATE_P4

#include "ids.p4"
#include "sizes.p4"

@name(".drop_counter") @id(ID_COUNTER_DROP)
counter(SIZE_DROP_REASONS, CounterType.packets_and_bytes) drop_counter;

@name(".queue_depth") @id(ID_REGISTER_QUEUE_DEPTH)
register<bit<32>>(SIZE_PORTS) queue_depth;

#endif
