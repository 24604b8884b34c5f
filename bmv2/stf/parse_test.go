package stf

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/telltale-net/telltale/internal/testutil"
)

func TestParse(t *testing.T) {
	f := func(src string, want ...string) {
		t.Helper()
		s, err := Parse("x", src)
		if err != nil {
			t.Errorf("%q: %v", src, err)
			return
		}
		var got []string
		for _, st := range s.Statements {
			got = append(got, show(st))
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%q:\n got %s\nwant %s", src, got, want)
		}
	}
	f("# nothing\n\n  # at all")
	f("packet 3 01 02 aBcD # comment", "packet 3 0102abcd")
	f("PACKET 0 00#x\r\nWait", "packet 0 00", "wait")
	f("expect 1", "expect 1 any")
	f("expect 1 $", "expect 1  exact")
	f("expect 1 *1010101 0303 **", "expect 1 *10101010303**")
	f("expect 511 0A0b $", "expect 511 0a0b exact")
	f("no_packet", "no_packet")
	f("remove all", "remove all")
	f("add tab1 dstAddr:0xa1a2a3a4a5a6 act(port:2) = A", "add tab1 -1 [dstAddr=0xa1a2a3a4a5a6] act[port=2] A")
	f("add test1 0 data.$valid:0b1 data.f1:0x****0101 setb1(val:0x7f, port:2)",
		"add test1 0 [data.$valid=0b1 data.f1=0x****0101] setb1[val=0x7f port=2] ")
	f("add t 7 h[3].f:10/8 \"a b.c\"()", "add t 7 [h[3].f=10/8] a b.c[] ")
	f("add t key:1\n   key2:2\n   a(x:1,\n y:2)\nwait", "add t -1 [key=1 key2=2] a[x=1 y=2] ", "wait")
	f("setdefault ethertype_match l2_packet()", "setdefault ethertype_match l2_packet[]")
	f("check_counter cntDum(10) packets == 2", "check_counter cntDum 10  false == 2")
	f("check_counter cntDum($A) bytes >= 0x10", "check_counter cntDum 0 A true >= 16")
	f("check_counter cntDum($A)", "check_counter cntDum 0 A false  0")
	f("mc_node_create 400 6 7 8", "mc_node_create  [400 6 7 8] []")
	f("register_write a.b 5 100", "register_write a.b [5 100] []")
	f("register_reset a.b", "register_reset a.b [] []")
	f("meter_set_rates m 2 0.000005:4 0.00002:5", "meter_set_rates m [2] [{5e-06 4} {2e-05 5}]")
	f("meter_array_set_rates m 1:7 2:9", "meter_array_set_rates m [] [{1 7} {2 9}]")
	f("mirroring_add 1 5", "mirroring_add  [1 5] []")
}

func show(st Statement) string {
	value := func(v Value) string {
		if v.Length >= 0 {
			return fmt.Sprintf("%s/%d", v.Text, v.Length)
		}
		return v.Text
	}
	action := func(a Action) string {
		var args []string
		for _, x := range a.Args {
			args = append(args, x.Name+"="+value(x.Value))
		}
		return fmt.Sprintf("%s%v", a.Name, args)
	}
	switch st := st.(type) {
	case *Packet:
		return fmt.Sprintf("packet %d %x", st.Port, st.Data)
	case *Expect:
		s := fmt.Sprintf("expect %d %s", st.Port, st.Data)
		if st.Any {
			s += "any"
		}
		if st.Exact {
			s += " exact"
		}
		return s
	case *NoPacket:
		return "no_packet"
	case *Wait:
		return "wait"
	case *RemoveAll:
		return "remove all"
	case *Add:
		var keys []string
		for _, k := range st.Keys {
			keys = append(keys, k.Name+"="+value(k.Value))
		}
		return fmt.Sprintf("add %s %d %v %s %s", st.Table, st.Priority, keys, action(st.Action), st.Label)
	case *SetDefault:
		return fmt.Sprintf("setdefault %s %s", st.Table, action(st.Action))
	case *CheckCounter:
		return fmt.Sprintf("check_counter %s %d %s %v %s %d", st.Name, st.Index, st.Label, st.Bytes, st.Op, st.Value)
	case *Command:
		return fmt.Sprintf("%s %s %v %v", st.Verb, st.Object, st.Numbers, st.Rates)
	}
	panic(fmt.Sprintf("%T", st))
}

func TestParseErrors(t *testing.T) {
	f := func(src, want string) {
		t.Helper()
		s, err := Parse("x.stf", src)
		var e *Error
		if s != nil || !errors.As(err, &e) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v; want an error with %q", src, err, want)
		}
	}
	f("hello", `x.stf:1:1: got "hello"; want a statement`)
	f("wait\n  01 02", `x.stf:2:3: got "01"; want a statement`)
	f("packet", "x.stf:1:7: packet: got end of statement; want a port")
	f("packet 65536 00", "want a port, 0 to 65535")
	f("packet 0", "got 0 hexadecimal digits")
	f("packet 0 012", "got 3 hexadecimal digits")
	f("packet 0 0* ", "x.stf:1:10: packet: got \"0*\"; want hexadecimal digits")
	f("packet 0 zz", "unexpected character 'z'")
	f("expect 0 00$00", "'$' is not at the end")
	f("expect 0 0x00", "unexpected character 'x'")
	f("wait 1", `x.stf:1:6: wait: got "1"; want nothing more`)
	f("remove", "want all")
	f("add", "want a name")
	f("add t", "x.stf:1:6: add: got end of statement; want a name")
	f("add t 0x10 k:1 a()", "want a priority in decimal")
	f("add t k:1", "want a name")
	f("add t k: a()", "want a number")
	f("add t k:0x a()", "a number of 0 digits")
	f("add t k:0b12 a()", "want a number to base 2")
	f("add t k:1 a(x:1 y:2)", `want ","`)
	f("add t k:1 a(x:0x*)", "without '*'")
	f("add t k:1 a(x:1/2)", `want ","`)
	f("add t k[x]:1 a()", "an index in decimal")
	f("add t k:1 a() = ", "want a name")
	f("add t \"k:1 a()", "a quoted name that does not end")
	f("check_counter c", `want "("`)
	f("check_counter c(1) apples == 1", "want packets or bytes")
	f("check_counter c(1) packets = 1", "want a comparison")
	f("check_counter c(1) packets == 0x1ffffffffffffffff", "does not fit in 64 bits")
	f("mirroring_add 1", "want a number")
	f("mirroring_add 1 2 3", "want nothing more")
	f("meter_set_rates m 1 0.5:1", "got 1 rates; want 2")
	f("meter_set_rates m 1 0x5:1 1:1", `got rate "0x5"`)
	f("add t k:1 a() ; wait", "unexpected character ';'")
}

// scripts calls f with every script of p4c's corpus among the vectors.
func scripts(t testing.TB, f func(name, src string)) int {
	files, err := filepath.Glob(filepath.Join(testutil.Shared(t, "vectors/stf"), "*.stf"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		f(filepath.Base(file), string(src))
	}
	return len(files)
}

func TestParseVectors(t *testing.T) {
	packets, expects := 0, 0
	n := scripts(t, func(name, src string) {
		s, err := Parse(name, src)
		if err != nil {
			t.Error(err)
			return
		}
		for _, st := range s.Statements {
			switch st.(type) {
			case *Packet:
				packets++
			case *Expect:
				expects++
			}
		}
	})
	if n != 115 || packets != 257 || expects != 258 {
		t.Errorf("got %d scripts, %d packets, %d expectations; want 115, 257, 258", n, packets, expects)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("packet 0 0102\nexpect 1 0*02$\nwait\nno_packet\nremove all")
	f.Add("add t 10 a.b$0:0x**01 c[1]:10/8 act(x:0b1, y:2) = L\nsetdefault t \"q\"()")
	f.Add("check_counter c($L) bytes <= 3\nmeter_set_rates m 1 0.5:4 1:5\nmc_node_create 1 2 3")
	f.Fuzz(func(t *testing.T, src string) {
		s, err := Parse("fuzz", src)
		if err != nil {
			var e *Error
			if s != nil || !errors.As(err, &e) || e.Pos.Line < 1 || e.Pos.Col < 1 || e.Msg == "" {
				t.Errorf("got script %v and error %v; want one of them, with a place", s, err)
			}
			return
		}
		for _, st := range s.Statements {
			show(st)
		}
	})
}
