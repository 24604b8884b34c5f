// The tenant's policy.
//
//     acl  ─ vni, direction (exact), src, dst, proto, dport (ternary) ─►  permit(rule)
//                                                                         deny(rule)
//                                                      no entry:          permit(0)
//
// `direction` is 0 for packets from a tenant's port, 1 for packets from the underlay
// on their way to a tenant. `rule` is the tenant's number of the rule and appears in
// reports; 0 says that none decided. Later fragments have dport 0.
//
// A packet between two tenants of one vswitch passes here once, with direction 0: a
// table can be applied only once per packet on simple_switch. So a rule about traffic
// to a tenant is installed under both directions where that tenant lives.

#ifndef TELLTALE_ACL_P4
#define TELLTALE_ACL_P4

control Acl(inout metadata_t meta) {
    bit<1> direction = TO_TENANT;

    @name(".acl_counter") @id(ID_COUNTER_ACL)
    direct_counter(CounterType.packets_and_bytes) acl_counter;

    @name(".permit") @id(ID_ACTION_PERMIT)
    action permit(bit<32> rule) {
        meta.rule = rule;
    }

    @name(".deny") @id(ID_ACTION_DENY)
    action deny(bit<32> rule) {
        meta.rule = rule;
        meta.drop_reason = DROP_ACL_DENY;
    }

    @name(".acl") @id(ID_TABLE_ACL)
    table acl {
        key = {
            meta.vni:   exact   @name("vni");
            direction:  exact   @name("direction");
            meta.src:   ternary @name("src");
            meta.dst:   ternary @name("dst");
            meta.proto: ternary @name("proto");
            meta.dport: ternary @name("dport");
        }
        actions = { permit; deny; }
        default_action = permit(0);
        counters = acl_counter;
        size = SIZE_ACL;
    }

    apply {
        if (meta.from_tenant == 1) {
            direction = FROM_TENANT;
        }
        acl.apply();
    }
}

#endif
