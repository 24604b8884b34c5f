package patterns

import (
	"encoding/json"
	"fmt"
	"math"
	"net/netip"

	"github.com/telltale-net/telltale/analyzers/queue/records"
)

type wireFlow struct {
	Src   string `json:"src"`
	Dst   string `json:"dst"`
	Proto any    `json:"proto"`
	Sport string `json:"sport"`
	Dport string `json:"dport"`
}

type wireSide struct {
	Node string   `json:"node"`
	Type string   `json:"type,omitempty"`
	Flow wireFlow `json:"flow"`
}

type wirePart struct {
	wireSide
	Score      float64 `json:"score"`
	Flows      int     `json:"flows"`
	Unexpected float64 `json:"unexpectedness"`
}

type wirePattern struct {
	Culprit    wireSide   `json:"culprit"`
	Victim     wireSide   `json:"victim"`
	Score      float64    `json:"score"`
	Share      float64    `json:"share"`
	Flows      int        `json:"culprits"`
	Unexpected float64    `json:"unexpectedness"`
	Victims    []wirePart `json:"victims,omitempty"`
}

// AppendJSON appends p as one JSON object, without a newline, to b. "*" stands for any
// node, address, protocol or port; type is left out where nodes differ in it:
//
//	{"culprit":{"node":"fw2","type":"fw","flow":{"src":"100.0.0.1/32","dst":"32.0.0.1/32","proto":6,"sport":"2000-2008","dport":"6000-6008"}},
//	 "victim":{"node":"*","flow":{"src":"0.0.0.0/0","dst":"0.0.0.0/0","proto":"*","sport":"*","dport":"*"}},
//	 "score":812.5,"share":0.31,"culprits":81,"unexpectedness":96.1,
//	 "victims":[{"node":"fw2","type":"fw","flow":{…},"score":512.1,"flows":211,"unexpectedness":1}]}
func AppendJSON(b []byte, net *records.Network, p *Pattern) ([]byte, error) {
	w := wirePattern{Culprit: side(net, &p.Culprit), Victim: side(net, &p.Victim), Score: round(p.Score), Share: round(p.Share),
		Flows: p.Flows, Unexpected: round(p.Unexpected)}
	for i := range p.Victims {
		v := &p.Victims[i]
		w.Victims = append(w.Victims, wirePart{side(net, &v.Victim), round(v.Score), v.Flows, round(v.Unexpected)})
	}
	text, err := json.Marshal(w)
	if err != nil {
		return b, fmt.Errorf("cannot write the pattern of culprit %+v: %w", p.Culprit, err)
	}
	return append(b, text...), nil
}

func side(net *records.Network, g *Aggregate) wireSide {
	addr := func(p netip.Prefix) string {
		if !p.IsValid() {
			return "*"
		}
		return p.String()
	}
	w := wireSide{Node: "*", Type: g.Type, Flow: wireFlow{addr(g.Src), addr(g.Dst), "*", g.SrcPort.String(), g.DstPort.String()}}
	if g.Node >= 0 {
		w.Node = net.Name(g.Node)
	}
	if !g.AnyProto {
		w.Flow.Proto = g.Proto
	}
	return w
}

// round keeps six digits after the point, so that output does not depend on the last bit.
func round(x float64) float64 { return math.Round(x*1e6) / 1e6 }
