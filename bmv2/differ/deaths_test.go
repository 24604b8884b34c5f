package differ_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"google.golang.org/grpc"

	"github.com/telltale-net/telltale/bmv2/differ"
	"github.com/telltale-net/telltale/bmv2/port/dataplane"
)

// sick is a connection to a switch that dies of some packets.
type sick struct {
	grpc.ClientConnInterface
	of   func(packet []byte) bool
	dead bool
}

func (s *sick) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	if s.dead {
		return nil, errors.New("dead")
	}
	c, err := s.ClientConnInterface.NewStream(ctx, desc, method, opts...)
	return &sickStream{c, s}, err
}

type sickStream struct {
	grpc.ClientStream
	s *sick
}

func (s *sickStream) SendMsg(m any) error {
	if r, ok := m.(*dataplane.PacketStreamRequest); ok && s.s.of(r.GetPacket()) {
		s.s.dead = true
	}
	if s.s.dead {
		return errors.New("dead")
	}
	return s.ClientStream.SendMsg(m)
}

// TestDeathsAreCounted: packets that the judge dies of are named and left out, the judge
// is started anew, and after three deaths on one way the others of that way are left out.
func TestDeathsAreCounted(t *testing.T) {
	starts := 0
	start := func(ctx context.Context) (differ.Judge, error) {
		j, err := ours(ctx)
		starts++
		j.Data = &sick{ClientConnInterface: j.Data, of: func(p []byte) bool { return p[1] == 0x66 }}
		stop := j.Stop
		j.Stop = func() error { _ = stop(); return errors.New("it was not well") }
		return j, err
	}
	sum, seen, err := hop(t, start, strings.Repeat("0100\n0166\n0900112233445566\n", 4)+"0200\n")
	if err == nil || !strings.Contains(err.Error(), "it was not well") { // said by the last of them when it is stopped
		t.Fatal(err)
	}
	if sum.Packets != 13 || sum.Excluded["the judge died of it"] != 3 || sum.Excluded["goes a way on which the judge died before"] != 2 ||
		sum.Compared != 8 || sum.Differences != 0 || sum.Unexplained != 0 {
		t.Errorf("got %+v", sum)
	}
	if len(seen) != 3 || seen[0].Packet != 2 || seen[1].Packet != 5 || !strings.Contains(seen[0].Died.Error(), "not well") ||
		!strings.HasPrefix(seen[0].Class(), "the judge died .start > send") {
		t.Errorf("got %+v", seen)
	}
	if starts != sum.Died+1 {
		t.Errorf("%d starts for %d deaths", starts, sum.Died)
	}
}

// TestStraysAreToldFromDifferences: of a program without state, what the judge says only
// when it has seen other packets is undefined; what it says of itself is a difference.
func TestStraysAreToldFromDifferences(t *testing.T) {
	f := func(from, strays, different int) {
		t.Helper()
		turn := fault{out: func(n int, m *dataplane.PacketStreamResponse) bool {
			if n >= from {
				m.Packet[0] ^= 1
			}
			return false
		}}
		sum, _, err := hop(t, withFault(t, turn), "0100\n0100\n0101\n")
		if err != nil {
			t.Fatal(err)
		}
		if sum.Strays != strays || sum.Undefined != strays || sum.Different != different {
			t.Errorf("from packet %d on: got %+v, want %d strays, %d different", from, sum, strays, different)
		}
	}
	f(2, 2, 0)
	f(1, 0, 3)
}
