// What is behind a port of the vswitch.
//
//     ports  ─ ingress_port ─►  tenant_port(vni)   a VM of that VNET
//                               uplink_port()      the fabric
//                               port_unknown()     neither: dropped
//
// The VNI of a tenant's packet comes from here alone, never from the packet.

#ifndef TELLTALE_PORTS_P4
#define TELLTALE_PORTS_P4

control Ports(inout metadata_t meta, in standard_metadata_t std) {
    @name(".tenant_port") @id(ID_ACTION_TENANT_PORT)
    action tenant_port(vni_t vni) {
        meta.from_tenant = 1;
        meta.vni = vni;
    }

    @name(".uplink_port") @id(ID_ACTION_UPLINK_PORT)
    action uplink_port() { }

    @name(".port_unknown") @id(ID_ACTION_PORT_UNKNOWN)
    action port_unknown() {
        meta.drop_reason = DROP_PORT_UNKNOWN;
    }

    @name(".ports") @id(ID_TABLE_PORTS)
    table ports {
        key = { std.ingress_port: exact @name("ingress_port"); }
        actions = { tenant_port; uplink_port; port_unknown; }
        default_action = port_unknown();
        size = SIZE_PORTS;
    }

    apply {
        ports.apply();
    }
}

#endif
