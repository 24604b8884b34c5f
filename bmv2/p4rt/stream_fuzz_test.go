//lint:file-ignore SA1019 fields that P4Runtime deprecated are still part of it: kept, or refused by name.

package p4rt

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	p4configv1 "github.com/p4lang/p4runtime/go/p4/config/v1"
	p4v1 "github.com/p4lang/p4runtime/go/p4/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/telltale-net/telltale/bmv2/device"
	"github.com/telltale-net/telltale/bmv2/engine"
	"github.com/telltale-net/telltale/bmv2/p4rt/p4rttest"
	"github.com/telltale-net/telltale/bmv2/spec"
)

// answers collects what Read sends.
type answers struct {
	grpc.ServerStream
	got []*p4v1.Entity
}

func (a *answers) Send(r *p4v1.ReadResponse) error {
	a.got = append(a.got, r.GetEntities()...)
	return nil
}

// streamServer is a server with the test program and a primary with election id 1,
// without gRPC around it. The device is the model, or one of maps.
func streamServer(tb testing.TB, info *p4configv1.P4Info, config []byte, model bool) *Server {
	tb.Helper()
	s, err := New(Config{DeviceID: 1, Load: func(info *p4configv1.P4Info, _ []byte) (device.Device, error) {
		if model {
			return engine.New(streamProgram(), engine.Config{}), nil
		}
		return p4rttest.New(info), nil
	}})
	if err != nil {
		tb.Fatal(err)
	}
	if err := s.Install(info, config); err != nil {
		tb.Fatal(err)
	}
	m := &member{post: func(*p4v1.MasterArbitrationUpdate) {}}
	if _, _, err := s.arbiter.update(m, &p4v1.MasterArbitrationUpdate{DeviceId: 1, ElectionId: &p4v1.Uint128{Low: 1}}); err != nil {
		tb.Fatal(err)
	}
	return s
}

var (
	streamInfo   = p4rttest.Info()
	streamConfig = p4rttest.JSON(streamInfo)
	streamAll    = wildcards(streamInfo)
)

// streamProgram is the test program for the model.
var streamProgram = sync.OnceValue(func() *engine.Program {
	loaded, err := spec.Load(streamConfig)
	if err != nil {
		panic("BUG: the test program: " + err.Error())
	}
	p, err := engine.Compile(loaded)
	if err != nil {
		panic("BUG: the test program: " + err.Error())
	}
	return p
})

func (s *Server) readAll(tb testing.TB, qs ...*p4v1.Entity) []*p4v1.Entity {
	tb.Helper()
	var a answers
	if err := s.Read(&p4v1.ReadRequest{DeviceId: 1, Entities: qs}, &a); err != nil {
		tb.Fatalf("reading %v: %v", qs, err)
	}
	return a.got
}

// playStream writes the batches that data stands for to a server and the oracle,
// and compares answers and state after each. It returns the number of updates
// and how many succeeded.
func playStream(tb testing.TB, data []byte) (updates, succeeded int) {
	a := author{dice: &dice{data}}
	kind := a.n(4)
	a.shots = kind%2 == 1
	s := streamServer(tb, streamInfo, streamConfig, kind/2 == 1)
	o := newOracle(streamInfo, s.readAll(tb, streamAll...))
	for len(a.b) > 0 {
		mode := pick(a.dice, p4v1.WriteRequest_CONTINUE_ON_ERROR, p4v1.WriteRequest_CONTINUE_ON_ERROR, p4v1.WriteRequest_ROLLBACK_ON_ERROR, p4v1.WriteRequest_DATAPLANE_ATOMIC)
		mutated := map[*p4v1.Update]codes.Code{}
		us := make([]*p4v1.Update, 1+a.n(6))
		for i := range us {
			us[i] = a.update()
			if a.n(8) == 7 {
				if c, ok := a.mutate(us[i]); ok {
					mutated[us[i]] = c
				}
			}
		}
		want := o.batch(us, mode, mutated)
		_, err := s.Write(context.Background(), &p4v1.WriteRequest{DeviceId: 1, ElectionId: &p4v1.Uint128{Low: 1}, Updates: us, Atomicity: mode})
		details := status.Convert(err).Details()
		if err != nil && len(details) != len(us) {
			tb.Fatalf("%v of %v: %v", mode, us, err)
		}
		for i := range us {
			got, says := codes.OK, ""
			if err != nil {
				e := details[i].(*p4v1.Error)
				got, says = codes.Code(e.GetCanonicalCode()), e.GetMessage()
			}
			if got == codes.OK {
				succeeded++
			}
			if !slices.Contains(want[i], got) {
				tb.Fatalf("%v, update %d of %d, %v: %v (%s), want one of %v", mode, i, len(us), us[i], got, says, want[i])
			}
		}
		updates += len(us)
		compare(tb, "after "+fmt.Sprint(us), s.readAll(tb, streamAll...), o.state)
		if n := a.n(4); n > 0 {
			o.filtered(tb, s, a, n)
		}
	}
	return updates, succeeded
}

func compare(tb testing.TB, when string, got []*p4v1.Entity, want map[string]*p4v1.Entity) {
	tb.Helper()
	seen := map[string]bool{}
	for _, e := range got {
		k := keyOf(e)
		if seen[k] {
			tb.Fatalf("%s: %s is read twice", when, k)
		}
		seen[k] = true
		if !proto.Equal(e, want[k]) {
			tb.Fatalf("%s: %s is read as %v, want %v", when, k, e, want[k])
		}
	}
	for k, e := range want {
		if !seen[k] {
			tb.Fatalf("%s: %s is missing: %v", when, k, e)
		}
	}
}

// filtered reads entries of one table by one of the filters.
func (o *oracle) filtered(tb testing.TB, s *Server, a author, kind int) {
	tb.Helper()
	like := a.entry(p4v1.Update_INSERT)
	q := &p4v1.TableEntry{TableId: like.TableId, CounterData: &p4v1.CounterData{}, MeterConfig: &p4v1.MeterConfig{}}
	fits := func(te *p4v1.TableEntry) bool { return true }
	switch {
	case kind == 1 && len(like.Match) > 0:
		q.Match, q.Priority = like.Match, like.Priority
		key := keyOf(&p4v1.Entity{Entity: &p4v1.Entity_TableEntry{TableEntry: like}})
		fits = func(te *p4v1.TableEntry) bool {
			return keyOf(&p4v1.Entity{Entity: &p4v1.Entity_TableEntry{TableEntry: te}}) == key
		}
	case kind == 2 && len(like.Metadata) > 0:
		q.Metadata = like.Metadata
		fits = func(te *p4v1.TableEntry) bool { return string(te.Metadata) == string(like.Metadata) }
	case kind == 3 && like.GetAction().GetAction() != nil:
		id := like.GetAction().GetAction().GetActionId()
		q.Action = direct(&p4v1.Action{ActionId: id})
		fits = func(te *p4v1.TableEntry) bool { return te.GetAction().GetAction().GetActionId() == id }
	}
	want := map[string]*p4v1.Entity{}
	o.entries(func(k string, te *p4v1.TableEntry) {
		if te.TableId == q.TableId && fits(te) {
			want[k] = o.state[k]
		}
	})
	compare(tb, fmt.Sprintf("reading %v", q), s.readAll(tb, &p4v1.Entity{Entity: &p4v1.Entity_TableEntry{TableEntry: q}}), want)
}

func randomBytes(seed uint64, n int) []byte {
	rng := rand.New(rand.NewPCG(seed, 0x57eea3))
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(rng.Uint32())
	}
	return out
}

// FuzzWriteStream: whatever batches come, the server answers and holds what the
// oracle says.
func FuzzWriteStream(f *testing.F) {
	for seed := range uint64(16) {
		f.Add(randomBytes(seed, 200))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) <= 4096 {
			playStream(t, data)
		}
	})
}

// Long streams, so that tables and selectors fill up.
func TestWriteStream(t *testing.T) {
	for seed := range uint64(12) {
		updates, succeeded := playStream(t, randomBytes(seed, 4000))
		if succeeded < updates/8 || succeeded > updates*9/10 {
			t.Errorf("seed %d: %d of %d updates succeeded: too few or too many to tell anything", seed, succeeded, updates)
		}
	}
}
