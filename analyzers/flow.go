package analyzers

import (
	"encoding/binary"
	"math/bits"

	"github.com/telltale-net/telltale/collector/postcard"
)

// TenantFlow names a tenant's flow: tenants reuse each other's addresses, so the
// five-tuple alone does not. Comparable.
type TenantFlow struct {
	VNI  uint32
	Flow postcard.Flow
}

// FlowOf returns the tenant's flow of a record; ok is false where the record holds
// no inner headers.
func FlowOf(r *postcard.Record) (f TenantFlow, ok bool) {
	return TenantFlow{VNI: r.VNI, Flow: r.Inner}, r.Has&postcard.HasInner != 0
}

// Service returns the flow without its source port: the grain at which the tenant
// ACL decides (its keys are VNI, direction, addresses, protocol, destination port),
// so that what one connection proved holds for the next.
func (f TenantFlow) Service() TenantFlow {
	f.Flow.SrcPort = 0
	return f
}

// Hash returns a 64-bit hash of the flow, the same in every run, never 0. It is not
// keyed: tables built on it must stay bounded and correct when hashes collide.
func (f TenantFlow) Hash() uint64 {
	h := mix(uint64(f.VNI)<<32|uint64(f.Flow.SrcPort)<<16|uint64(f.Flow.DstPort), 0x9e3779b97f4a7c15^uint64(f.Flow.Proto))
	h = mix(h^binary.LittleEndian.Uint64(f.Flow.Src[8:]), 0xa0761d6478bd642f^binary.LittleEndian.Uint64(f.Flow.Src[:8]))
	h = mix(h^binary.LittleEndian.Uint64(f.Flow.Dst[8:]), 0xe7037ed1a0b428db^binary.LittleEndian.Uint64(f.Flow.Dst[:8]))
	if h == 0 {
		return 1
	}
	return h
}

// mix folds the 128-bit product of a and b.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo ^ a
}
