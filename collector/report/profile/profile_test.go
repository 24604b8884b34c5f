package profile

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"net/netip"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/telltale-net/telltale/internal/testutil"
	"github.com/telltale-net/telltale/p4src"
)

func words(ws ...uint32) []byte {
	var b []byte
	for _, w := range ws {
		b = binary.BigEndian.AppendUint32(b, w)
	}
	return b
}

// The tables clash: the same number, what each emitter means by it.
func TestReasonsByEmitter(t *testing.T) {
	for reason, want := range map[uint8][5]string{
		//     standard, switch-p4-16, fabric-tna, int-host-reporter, telltale
		0:   {"unknown", "unknown", "unknown", "unknown", "none"},
		26:  {"outer_ip_ttl_zero", "outer_ip_ttl_zero", "ip_ttl_zero", "ip_ttl_zero", "ip_ttl_zero"},
		30:  {"ip_version_invalid", "outer_ip_ihl_invalid", "", "ip_ihl_invalid", ""},
		51:  {"traffic_manager", "ip_lpm4_miss", "", "", "traffic_manager"},
		60:  {"acl_deny", "in_l3_egress_link_down", "", "", "acl_deny"},
		71:  {"", "traffic_manager", "traffic_manager", "traffic_manager", ""},
		80:  {"", "acl_drop", "acl_deny", "acl_deny", ""},
		115: {"", "acl_deny", "", "", ""},
		131: {"", "", "mpls_ttl_zero", "", "nested_overlay"},
		150: {"", "", "upf_uplink_recirc_deny", "", ""},
		184: {"", "", "", "unauth_source", ""},
		255: {},
	} {
		for i, p := range []*Profile{&Standard, &SwitchP416, &FabricTNA, &HostReporter, &Telltale} {
			if got := p.Reasons.Name(reason); got != want[i] {
				t.Errorf("%s: reason %d: got %q, want %q", p.Name, reason, got, want[i])
			}
		}
	}
	count := func(r *Reasons) (n int) {
		for _, name := range r {
			if name != "" {
				n++
			}
		}
		return n
	}
	if n := count(&switchP416Reasons); n != 82 {
		t.Errorf("switch-p4-16: got %d reasons, its source has 82", n)
	}
	if (*Reasons)(nil).Name(3) != "" {
		t.Error("a name from no table")
	}
}

// Our own table is that of the P4 sources.
func TestOwnReasonsAreThoseOfTheSources(t *testing.T) {
	for i := range 256 {
		want := ""
		for _, r := range append(p4src.DropReasons(), p4src.DropNone) {
			if int(r) == i {
				want = strings.ToLower(p4src.DropReasonName(uint8(i)))
			}
		}
		if got := telltaleReasons.Name(uint8(i)); got != want {
			t.Errorf("reason %d: got %q, want %q", i, got, want)
		}
	}
}

func TestProfilesHaveNames(t *testing.T) {
	for _, p := range All {
		if p.Name == "" || p.Emitter == "" || ByName(p.Name) != p || p.Reasons == nil {
			t.Errorf("got %+v", p)
		}
	}
	if ByName("nobody") != nil {
		t.Error("got a profile of nobody")
	}
}

func addr(s string) netip.AddrPort { return netip.AddrPortFrom(netip.MustParseAddr(s), 0) }

func TestRules(t *testing.T) {
	var rules []Rule
	for _, s := range []string{"10.0.0.0/8=fabric-tna", "10.1.0.0/16=switch-p4-16", "10.1.2.3=scapy", "2001:db8::/32=geant", "::ffff:192.0.2.0/120=geant-bmv2"} {
		r, err := ParseRule(s)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, r)
	}
	b, err := NewBook(rules, 10)
	if err != nil {
		t.Fatal(err)
	}
	for src, want := range map[string]*Profile{
		"10.9.9.9": &FabricTNA, "10.1.9.9": &SwitchP416, "10.1.2.3": &Scapy, "::ffff:10.1.2.3": &Scapy,
		"2001:db8::1": &GEANT, "192.0.2.7": &GEANTBMv2,
	} {
		if c := b.Of(addr(src), words(0x20000000, 1, 0x10020000)); c.Profile != want || c.Guessed {
			t.Errorf("%s: got %s, guessed %v; want %s", src, c.Name, c.Guessed, want.Name)
		}
	}
	if c := b.Of(addr("192.0.3.1"), words(0x20000000, 1, 0x10020000)); c.Profile != &Standard || !c.Guessed || b.Counts() != (Counts{Guessed: 1}) {
		t.Errorf("got %s, %+v", c.Name, b.Counts())
	}
	for _, s := range []string{"", "10.0.0.0/8", "10.0.0.0/8=nobody", "10.0.0.0/99=scapy", "x=scapy"} {
		if _, err := ParseRule(s); err == nil {
			t.Errorf("rule %q: got no error", s)
		}
	}
	if _, err := NewBook([]Rule{{}}, 1); err == nil {
		t.Error("got a book with a rule that says nothing")
	}
}

func TestGuesses(t *testing.T) {
	switch0 := words(0x20000001, 9, 0x13060420, 0x0c000000, 0, 0x00001234, 5, 0x00001234, 6)
	switch8 := append([]byte(nil), switch0...)
	switch8[0] = 0x22
	wide := append([]byte(nil), switch8...)
	wide[20] = 1 // more than 48 bits of time
	dropped := func(reason byte) []byte {
		return append(words(0x01800000, 1, 2, 3, 4, uint32(reason)<<16), make([]byte, 34)...)
	}
	dummy := append(words(0x02200000, 1, 2, 3, 4, 5, 6), []byte{255, 255, 255, 255, 255, 255, 1, 2, 3, 4, 5, 6, 8, 0}...)
	f := func(what string, want *Profile, datagrams ...[]byte) {
		t.Helper()
		b, err := NewBook(nil, 1)
		if err != nil {
			t.Fatal(err)
		}
		var got Choice
		for _, d := range datagrams {
			got = b.Of(addr("192.0.2.1"), d)
		}
		if got.Profile != want || !got.Guessed {
			t.Errorf("%s: got %s, want %s", what, got.Name, want.Name)
		}
	}
	f("2.0", &Standard, switch0)
	f("hw_id 8", &SwitchP416, switch0, switch8)
	f("hw_id 8 with 64-bit times", &Standard, switch8, wide)
	f("our domain", &Telltale, words(0x20000001, 9, 0x13040220, 0x40007474, 0x40000000, 1, 2))
	f("another domain and hw_id 8", &Standard, words(0x22000001, 9, 0x13040220, 0x40001111, 0x40000000, 1, 2))
	f("0.5", &FabricTNA, dropped(80))
	f("0.5, fabric-tna's reason", &FabricTNA, dropped(80), dropped(131))
	f("0.5, int-host-reporter's reason", &HostReporter, dropped(183), dropped(80))
	f("0.5, switch-p4-16's reason", &SwitchP416, dropped(115))
	f("0.5, int-host-reporter's header", &HostReporter, dummy)
	f("1.0", &Standard, words(0x14000040, 1, 2, 3))
	f("nothing", &Standard, nil, []byte{1}, words(0xf0000000, 0, 0))
	f("Inner Only with an IPv4 packet", &Standard, words(0x20000001, 9, 0x04050020, 0x45005453, 0, 0, 0, 0))
}

// The datagrams of other people's encoders are guessed right.
func TestVectorsOfOthers(t *testing.T) {
	text, err := os.ReadFile(testutil.Shared(t, "vectors/int/reports.json"))
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Source, Name string
		Payload      string `json:"udp_payload"`
	}
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors {
		data, err := hex.DecodeString(v.Payload)
		if err != nil {
			t.Fatal(err)
		}
		want := &Standard
		switch {
		case strings.Contains(v.Source, "fabric-tna"):
			want = &FabricTNA
		case strings.Contains(v.Source, "open-p4studio"):
			want = &SwitchP416
		}
		if got := Alone(data); got.Profile != want {
			t.Errorf("%s: got %s, want %s", v.Name, got.Name, want.Name)
		}
	}
}

func TestBookIsBounded(t *testing.T) {
	b, err := NewBook(nil, 3)
	if err != nil {
		t.Fatal(err)
	}
	d := words(0x20000001, 9, 0x10020020)
	for i := range 100 {
		b.Of(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), 1), d)
	}
	if len(b.index) != 3 || len(b.guess) != 3 || b.Counts().Forgotten != 97 {
		t.Errorf("got %d sources, %+v", len(b.index), b.Counts())
	}
	src := addr("10.0.0.99")
	if n := testing.AllocsPerRun(100, func() { b.Of(src, d) }); n != 0 {
		t.Errorf("got %v allocations", n)
	}
}

// A revised guess is counted.
func TestChangeOfMindIsCounted(t *testing.T) {
	b, err := NewBook(nil, 3)
	if err != nil {
		t.Fatal(err)
	}
	b.Of(addr("10.0.0.1"), words(0x02200000, 1, 2, 3, 4, 5, 6))
	b.Of(addr("10.0.0.1"), append(words(0x01800000, 1, 2, 3, 4, 183<<16), make([]byte, 34)...))
	if c := b.Counts(); c != (Counts{Guessed: 2, Changed: 1}) {
		t.Errorf("got %+v", c)
	}
}

func TestUnits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Uint64().Draw(t, "v")
		mod := new(big.Int).Lsh(big.NewInt(1), 64)
		f := func(u Unit, num, shift int64) {
			want := new(big.Int).Mul(new(big.Int).SetUint64(v), big.NewInt(num))
			want.Rsh(want, uint(shift)).Mod(want, mod)
			if got := u.Nanoseconds(v); got != want.Uint64() {
				t.Fatalf("unit %d: %d: got %d, want %d", u, v, got, want)
			}
		}
		f(Nanoseconds, 1, 0)
		f(Microseconds, 1000, 0)
		f(Fraction32, 1e9, 32)
	})
}

func TestTimesWrap(t *testing.T) {
	f := func(p *Profile, version uint8, in, out, wantIn, wantLatency uint64) {
		t.Helper()
		gotIn, gotOut, latency := p.Times(version, in, out)
		if gotIn != wantIn || gotOut != wantIn+wantLatency || latency != wantLatency {
			t.Errorf("%s: got %d, %d, %d", p.Name, gotIn, gotOut, latency)
		}
	}
	f(&Standard, 0, 0xfffffff0, 0x10, 0xfffffff0, 0x20)
	f(&Standard, 1, 0xfffffff0, 0x10, 0xfffffff0, 0x20)
	f(&Standard, 2, 0xfffffff0, 0x100000010, 0xfffffff0, 0x20)
	f(&SwitchP416, 2, 1<<48-1, 1, 1<<48-1, 2)
	f(&GEANTBMv2, 1, 0xffffffff, 1, 0xffffffff*1000, 2000)
	if _, _, latency := GEANT.HopTimes(64, 1<<48-1, 1); latency != 2 {
		t.Errorf("GEANT's stack: got %d", latency)
	}
	if _, _, latency := Standard.HopTimes(32, 0xffffffff, 1); latency != 2 {
		t.Errorf("a stack of 1.0: got %d", latency)
	}
}

// A clock that wraps, received with jitter, read by one that does not: the extended
// times are the true ones but for a constant.
func TestClockExtends(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.Uint8Range(30, 48).Draw(t, "width")
		u := Unit(rapid.IntRange(0, 1).Draw(t, "unit"))
		period := u.Nanoseconds(1 << width)
		truth := rapid.Uint64Range(0, 1<<50).Draw(t, "node's clock") // units
		received := rapid.Int64Range(1e18, 2e18).Draw(t, "collector's clock")
		var c Clock
		var first uint64
		for i := range 50 {
			jitter := rapid.Uint64Range(0, period/5).Draw(t, "delay")
			got := c.Extend(received+int64(jitter), truth&mask(width), width, u)
			if i == 0 {
				first = got - u.Nanoseconds(truth)
			}
			if got-u.Nanoseconds(truth) != first {
				t.Fatalf("step %d: got %d, want %d", i, got, u.Nanoseconds(truth)+first)
			}
			if got%period != u.Nanoseconds(truth)%period {
				t.Fatalf("step %d: %d is not what %d can stand for", i, got, truth)
			}
			step := rapid.Uint64Range(0, period/5).Draw(t, "step") / 1000 * 1000
			received += int64(step)
			if u == Microseconds {
				step /= 1000
			}
			truth += step
		}
	})
	var c Clock
	if got := c.Extend(5, 1<<63, 64, Nanoseconds); got != 1<<63 {
		t.Errorf("a clock that does not wrap: got %d", got)
	}
}

func FuzzGuess(f *testing.F) {
	f.Add(words(0x22000001, 9, 0x13060420, 0x0c000000, 0, 0x00001234, 5, 0x00001234, 6))
	f.Add(words(0x10400000, 5, 0x14000030, 0, 0))
	f.Add(append(words(0x14000040, 8, 1, 77), make([]byte, 80)...))
	f.Add(append(words(0x01800000, 1, 2, 3, 4, 183<<16), make([]byte, 34)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := Alone(data)
		if c.Profile == nil || ByName(c.Name) == nil {
			t.Fatalf("got %+v", c)
		}
	})
}
