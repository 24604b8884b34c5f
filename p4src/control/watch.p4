// Which flows somebody wants to see at every hop.
//
//     watch  ─ vni, src, dst, proto, sport, dport (ternary) ─►  watch_flow(colour)
//                                                               ignore_flow()
//                                                               (nothing)
//
// A watched flow is reported at this hop. At its source vswitch the colour is also
// written into VXLAN, and every hop reports a coloured packet without an entry of its
// own; 0 watches here only. A hop in the middle never changes a colour. ignore_flow
// silences a flow altogether, also under "all hops" and when it is dropped: it is for
// the report stream itself where that crosses other switches.

#ifndef TELLTALE_WATCH_P4
#define TELLTALE_WATCH_P4

control Watch(inout metadata_t meta) {
    @name(".watch_flow") @id(ID_ACTION_WATCH_FLOW)
    action watch_flow(bit<2> colour) {
        meta.tracked = 1;
        meta.colour = meta.colour == 0 ? colour : meta.colour;
    }

    @name(".ignore_flow") @id(ID_ACTION_IGNORE_FLOW)
    action ignore_flow() {
        meta.ignored = 1;
    }

    @name(".watch") @id(ID_TABLE_WATCH)
    table watch {
        key = {
            meta.vni:   ternary @name("vni");
            meta.src:   ternary @name("src");
            meta.dst:   ternary @name("dst");
            meta.proto: ternary @name("proto");
            meta.sport: ternary @name("sport");
            meta.dport: ternary @name("dport");
        }
        actions = { watch_flow; ignore_flow; @defaultonly NoAction; }
        const default_action = NoAction();
        size = SIZE_WATCH;
    }

    apply {
        if (meta.report_all_hops == 1 || meta.colour != 0) {
            meta.tracked = 1;
        }
        watch.apply();
    }
}

#endif
