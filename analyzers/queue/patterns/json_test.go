package patterns

import (
	"math"
	"net/netip"
	"testing"
)

func TestAppendJSON(t *testing.T) {
	anything := Ports{0, math.MaxUint16}
	p := Pattern{
		Culprit: Aggregate{Node: 2, Type: "firewall", Src: netip.MustParsePrefix("100.0.0.1/32"), Dst: netip.MustParsePrefix("2001:db8::/32"),
			SrcPort: Ports{2000, 2008}, DstPort: Ports{80, 80}, Proto: 6},
		Victim: Aggregate{Node: -1, AnyType: true, AnyProto: true, SrcPort: anything, DstPort: anything},
		Score:  2.0 / 3, Share: .25, Flows: 9, Unexpected: 1.5,
		Victims: []Part{{Aggregate{Node: -1, Type: "nat", AnyProto: true, SrcPort: anything, DstPort: anything}, .5, 3, 1}},
	}
	const want = `{"culprit":{"node":"fw2","type":"firewall","flow":{"src":"100.0.0.1/32","dst":"2001:db8::/32","proto":6,"sport":"2000-2008","dport":"80"}},` +
		`"victim":{"node":"*","flow":{"src":"*","dst":"*","proto":"*","sport":"*","dport":"*"}},` +
		`"score":0.666667,"share":0.25,"culprits":9,"unexpectedness":1.5,` +
		`"victims":[{"node":"*","type":"nat","flow":{"src":"*","dst":"*","proto":"*","sport":"*","dport":"*"},"score":0.5,"flows":3,"unexpectedness":1}]}`
	got, err := AppendJSON(nil, testNetwork(t), &p)
	if err != nil || string(got) != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
}
