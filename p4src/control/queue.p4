// Queues, seen from both sides of the traffic manager.
//
//   ingress:  queue_limit ─ egress_port ─►  limit_queue(depth)   drop, or count it in
//   egress:   queue_watch ─ egress_port ─►  watch_queue(depth)   report a long queue
//
// QueueLimit drops just below the real limit of a queue, so that a drop by congestion
// has a reason and a postcard on every target: what the traffic manager itself drops,
// simple_switch tells nobody. For that ingress must know the length. It keeps its own
// count in queue_depth; egress corrects the count with every packet that leaves
// (QueueDepth). Checking and counting are one action, hence atomic: simple_switch
// locks a register for the whole of an action. Copies to the collector enter a queue
// unseen by ingress and are counted from the next correction on; keep the limit a few
// packets below the queue. Ports without an entry are neither limited nor counted.

#ifndef TELLTALE_QUEUE_P4
#define TELLTALE_QUEUE_P4

control QueueLimit(inout metadata_t meta) {
    @name(".limit_queue") @id(ID_ACTION_LIMIT_QUEUE)
    action limit_queue(depth_t depth) {
        bit<32> waiting;
        queue_depth.read(waiting, (bit<32>) meta.out_port);
        meta.enqueue_depth = waiting;
        bool full = waiting >= (bit<32>) depth;
        meta.drop_reason = full ? DROP_TRAFFIC_MANAGER : meta.drop_reason;
        queue_depth.write((bit<32>) meta.out_port, full ? waiting : waiting + 1);
    }

    @name(".queue_limit") @id(ID_TABLE_QUEUE_LIMIT)
    table queue_limit {
        key = { meta.out_port: exact @name("egress_port"); }
        actions = { limit_queue; @defaultonly NoAction; }
        const default_action = NoAction();
        size = SIZE_PORTS;
    }

    apply {
        queue_limit.apply();
    }
}

// Tells ingress what the traffic manager says.
control QueueDepth(in standard_metadata_t std) {
    apply {
        queue_depth.write((bit<32>) std.egress_port, (bit<32>) std.deq_qdepth);
    }
}

control QueueWatch(inout metadata_t meta, in standard_metadata_t std) {
    @name(".watch_queue") @id(ID_ACTION_WATCH_QUEUE)
    action watch_queue(depth_t depth) {
        meta.congested = std.deq_qdepth >= depth ? 1w1 : 1w0;
    }

    @name(".queue_watch") @id(ID_TABLE_QUEUE_WATCH)
    table queue_watch {
        key = { std.egress_port: exact @name("egress_port"); }
        actions = { watch_queue; @defaultonly NoAction; }
        const default_action = NoAction();
        size = SIZE_PORTS;
    }

    apply {
        queue_watch.apply();
    }
}

#endif
