// Who this switch is, and what it reports at all.
//
//     telemetry  ─ (no key) ─►  telemetry_config(node_id, hash_seed, all_hops, drops)
//                               telemetry_off()
//
// Until the controller has configured it a switch forwards and reports nothing, not
// even watched flows: its reports would carry no node id. `all_hops` asks for a
// postcard of every packet, `drops` for one of every dropped packet. `hash_seed`
// makes this switch choose among equal paths differently from its neighbours.

#ifndef TELLTALE_TELEMETRY_P4
#define TELLTALE_TELEMETRY_P4

control Telemetry(inout metadata_t meta) {
    @name(".telemetry_config") @id(ID_ACTION_TELEMETRY_CONFIG)
    action telemetry_config(bit<32> node_id, bit<16> hash_seed, bit<1> all_hops, bit<1> drops) {
        meta.telemetry_on = 1;
        meta.node_id = node_id;
        meta.hash_seed = hash_seed;
        meta.report_all_hops = all_hops;
        meta.report_drops = drops;
    }

    @name(".telemetry_off") @id(ID_ACTION_TELEMETRY_OFF)
    action telemetry_off() {
        meta.telemetry_on = 0;
    }

    @name(".telemetry") @id(ID_TABLE_TELEMETRY)
    table telemetry {
        key = { }
        actions = { telemetry_config; telemetry_off; }
        default_action = telemetry_off();
        size = 1;
    }

    apply {
        telemetry.apply();
    }
}

#endif
