package profile

import (
	"github.com/telltale-net/telltale/collector/report"
	"github.com/telltale-net/telltale/internal/dissect"
)

// Profile is what is particular to one kind of emitter. The zero fields are the
// specification.
type Profile struct {
	Name    string // as configured
	Emitter string // what it is, and where that was read

	Quirks      report.Quirks
	Marks       dissect.Marks // how its INT is found in packets
	OwnBehindMX bool          // behind an INT-MX header stands the emitter's own metadata, outside the shim's Length

	Time        Unit  // of timestamps in reports
	Latency     Unit  // of hop latencies
	TimeBits    uint8 // timestamps in reports wrap after so many bits; 0 = 32 before version 2.0, 64 since
	HopTime     Unit  // of timestamps in INT stacks
	HopTimeBits uint8 // timestamps in INT stacks wrap after so many bits; 0 = as wide as they are

	HwShift      uint8 // hw_id stands this many bits too far left
	SequenceBits uint8 // sequence numbers wrap after so many bits; 0 = 32 before version 2.0, 22 since
	NoSequence   bool  // sequence numbers do not count
	ETrap        bool  // the upper two reserved bits of an individual report are ETRAP's status

	Reasons *Reasons // names of its drop reasons
}

// The profiles. Standard is the specification itself with the drop reasons that it
// names as its example.
var (
	Standard = Profile{
		Name:    "standard",
		Emitter: "Telemetry Report 0.5, 1.0, 2.0 and INT 0.5, 1.0, 2.x as specified; drop reasons of p4lang/switch@7874f565",
		Marks:   dissect.DefaultMarks, Reasons: &p4langSwitchReasons,
	}
	Telltale = Profile{
		Name:    "telltale",
		Emitter: "the P4 programs of this project: 2.0, domain 0x7474, 64-bit nanoseconds",
		Marks:   dissect.DefaultMarks, Reasons: &telltaleReasons,
	}
	// FabricTNA: 0.5, 32-bit nanoseconds and sequence numbers per pipe, UDP source
	// port 0.
	FabricTNA = Profile{
		Name:    "fabric-tna",
		Emitter: "stratum/fabric-tna@fd3c3f09 p4src/tna/include/control/int.p4 (SD-Fabric)",
		Marks:   dissect.DefaultMarks, Reasons: &fabricTNAReasons,
	}
	// SwitchP416: hw_id is four bits and the sequence number 24, the upper two of
	// which are clear, so hw_id on the wire is the pipe << 2; timestamps are 48 bits
	// of nanoseconds (78 h); the upper two reserved bits are ETRAP's status; Report
	// Length is rounded down.
	SwitchP416 = Profile{
		Name:    "switch-p4-16",
		Emitter: "p4lang/open-p4studio@1f97778f switch-p4-16 p4src/shared/{headers,dtel}.p4 (Tofino; SONiC DTel)",
		Marks:   dissect.DefaultMarks, Reasons: &switchP416Reasons,
		TimeBits: 48, HopTimeBits: 48, HwShift: 2, ETrap: true,
	}
	// HostReporter: 0.5, hosts without queues.
	HostReporter = Profile{
		Name:    "int-host-reporter",
		Emitter: "opennetworkinglab/int-host-reporter@bb1507f6 pkg/packet/int_report.go",
		Marks:   dissect.DefaultMarks, Reasons: &hostReporterReasons,
	}
	// CableLabs: RepType 0 with main contents and a word of metadata, Report Length and
	// MD Length of something else, Ethernet where InType says IP, and a shim whose
	// Length counts itself.
	CableLabs = Profile{
		Name:    "cablelabs",
		Emitter: "cablelabs/transparent-security p4/core/core_tna.p4, cablelabs/siddhi-map-p4-trpt (Transparent Security)",
		Quirks:  report.Quirks{LengthUnset: true, MainAlways: true},
		Marks:   withMarks(func(m *dissect.Marks) { m.ShimCounted = true }),
		Reasons: &p4langSwitchReasons, HopTimeBits: 48, TimeBits: 48,
	}
	// Mandaryoshi: the layout of 2.0 under Ver = 1, all lengths and numbers 0, and
	// the switch's own metadata behind the INT header of the truncated packet.
	Mandaryoshi = Profile{
		Name:    "mandaryoshi",
		Emitter: "mandaryoshi/p4-int int-xd and int-mx p4src/int/sink.p4 (Tofino)",
		Quirks:  report.Quirks{Version1Is2: true, LengthUnset: true},
		Marks:   dissect.DefaultMarks, OwnBehindMX: true,
		HopTimeBits: 48, NoSequence: true, Reasons: &p4langSwitchReasons,
	}
	// GEANT: INT 1.0 with 64-bit timestamps and 16-bit level 2 ports, which Hop ML
	// gives away; on BMv2 the report's timestamp and the hop latencies are
	// microseconds, while the stack's timestamps are converted to nanoseconds.
	GEANT = Profile{
		Name:    "geant",
		Emitter: "GEANT-DataPlaneProgramming/int-platforms@04ff85b4 p4src/int_v1.0 on Tofino",
		Marks:   dissect.DefaultMarks, HopTimeBits: 48, Reasons: &p4langSwitchReasons,
	}
	GEANTBMv2 = Profile{
		Name:    "geant-bmv2",
		Emitter: "GEANT-DataPlaneProgramming/int-platforms@04ff85b4 p4src/int_v1.0 on BMv2",
		Marks:   dissect.DefaultMarks, Time: Microseconds, Latency: Microseconds, Reasons: &p4langSwitchReasons,
	}
	// Scapy: NPT = 2 has the protocol in the byte that the specification reserves.
	Scapy = Profile{
		Name:    "scapy",
		Emitter: "secdev/scapy pull request 4230",
		Marks:   withMarks(func(m *dissect.Marks) { m.ProtoFirst = true }), Reasons: &p4langSwitchReasons,
	}
)

// All are the known profiles.
var All = []*Profile{
	&Standard, &Telltale, &FabricTNA, &SwitchP416, &HostReporter,
	&CableLabs, &Mandaryoshi, &GEANT, &GEANTBMv2, &Scapy,
}

// ByName returns the profile of a name, or nil.
func ByName(name string) *Profile {
	for _, p := range All {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// Subsystem returns the subsystem that a hw_id on the wire stands for.
func (p *Profile) Subsystem(hwID uint8) uint8 { return hwID >> p.HwShift }

// timeBits returns how wide timestamps are in reports of a version of the format.
func (p *Profile) timeBits(version uint8) uint8 {
	switch {
	case p.TimeBits != 0:
		return p.TimeBits
	case version < report.Version:
		return 32
	}
	return 64
}

func withMarks(f func(*dissect.Marks)) dissect.Marks {
	m := dissect.DefaultMarks
	f(&m)
	return m
}
