package engine

import "fmt"

// standard is where the fields live through which v1model and a program talk.
// They are found by the names that simple_switch knows, most of which p4c maps to
// standard_metadata by field_aliases. A field with slot none is not there.
type standard struct {
	ingressPort, egressSpec, egressPort, instanceType, packetLength field

	parserError, checksumError            field
	ingressTime, egressTime               field
	mcastGroup, egressRid, priority       field
	enqTime, enqDepth, deqDelta, deqDepth field
	queue                                 field
	queueing                              bool
	slots                                 []uint32 // of all of them
}

// The values of instance_type.
const (
	instanceNormal       = 0
	instanceIngressClone = 1
	instanceEgressClone  = 2
	instanceRecirculated = 4
	instanceReplica      = 5
	instanceResubmitted  = 6
)

func newStandard(l *layout) (standard, error) {
	var s standard
	for _, f := range []struct {
		name string
		to   *field
		need bool
	}{
		{"standard_metadata.ingress_port", &s.ingressPort, true},
		{"standard_metadata.egress_spec", &s.egressSpec, true},
		{"standard_metadata.egress_port", &s.egressPort, true},
		{"standard_metadata.instance_type", &s.instanceType, true},
		{"standard_metadata.packet_length", &s.packetLength, true},
		{"standard_metadata.parser_error", &s.parserError, false},
		{"standard_metadata.checksum_error", &s.checksumError, false},
		{"intrinsic_metadata.ingress_global_timestamp", &s.ingressTime, false},
		{"intrinsic_metadata.egress_global_timestamp", &s.egressTime, false},
		{"intrinsic_metadata.mcast_grp", &s.mcastGroup, false},
		{"intrinsic_metadata.egress_rid", &s.egressRid, false},
		{"intrinsic_metadata.priority", &s.priority, false},
		{"queueing_metadata.enq_timestamp", &s.enqTime, false},
		{"queueing_metadata.enq_qdepth", &s.enqDepth, false},
		{"queueing_metadata.deq_timedelta", &s.deqDelta, false},
		{"queueing_metadata.deq_qdepth", &s.deqDepth, false},
		{"queueing_metadata.qid", &s.queue, false},
	} {
		ref, ok := l.prog.FieldByName(f.name)
		if !ok {
			if f.need {
				return s, fmt.Errorf("the program has no field %s", f.name)
			}
			f.to.slot = none
			continue
		}
		*f.to = l.field(ref)
		s.slots = append(s.slots, f.to.slot)
		l.headers[ref.Header].tracked = false
		if f.to.words != 1 || f.to.varbit {
			return s, fmt.Errorf("field %s of %d bits, want at most 64", f.name, f.to.width)
		}
	}
	s.queueing = s.enqTime.slot != none && s.enqDepth.slot != none && s.deqDelta.slot != none && s.deqDepth.slot != none
	return s, nil
}

// set stores v in a field that may not be there.
func (p *packet) set(f *field, v uint64) {
	if f.slot != none {
		p.phv[f.slot] = v & f.mask
	}
}

// get reads a field that may not be there.
func (p *packet) get(f *field) uint64 {
	if f.slot != none {
		return p.phv[f.slot]
	}
	return 0
}
