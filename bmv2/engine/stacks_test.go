package engine_test

import (
	"encoding/hex"
	"testing"

	"github.com/telltale-net/telltale/bmv2/engine"
)

// Header stacks, unions, varbit fields, select on lookahead and ranges, advance
// and verify: a packet in hex in, a packet in hex out.
func TestStacksUnionsAndVarbits(t *testing.T) {
	s := engine.New(compileFile(t, "testdata/stacks.json"), engine.Config{})
	now := engine.Time(0)
	f := func(what, in, want string) {
		t.Helper()
		data, err := hex.DecodeString(in)
		if err != nil {
			t.Fatal(err)
		}
		now += 1000
		s.Receive(now, 3, data)
		got := "nothing"
		s.Run(now, func(tx engine.Tx) { got = hex.EncodeToString(tx.Data) })
		if got != want {
			t.Errorf("%s: %s became %s; want %s", what, in, got, want)
		}
	}
	f("three items", "0000030506ff", "0000030506ff")
	f("push_front", "0001030506", "000102030506")
	f("push_front onto a full stack loses the last", "00010305070806", "00010203050706")
	f("pop_front", "000203050704ff", "00020704ff")
	f("write at an index", "0103030504", "010303c704")
	f("write behind the stack does nothing", "0903030504", "0903030504")
	f("read at an index", "0104030504", "0102030504")
	f("read behind the stack gives 0", "0904030504", "0900030504")
	f("a key chosen at run time hits", "020503050aff", "024d03050aff")
	f("a key chosen at run time misses", "010503050aff", "010503050aff")
	f("validity of an element chosen at run time", "010603050aff", "014203050aff")
	f("validity of an element that is not there", "030603050aff", "030603050aff")
	f("a fifth item does not fit: the payload starts there", "000003030303ff00", "000003030303ff00")
	f("union member a becomes b", "100055ff", "1000070102ff")
	f("union member b", "1000d51234ff", "1000d51234ff")
	f("varbit of 2 bytes, twice", "200002aabbff", "200102aabb02aabbff")
	f("varbit of no bytes, twice", "200000ff", "20010000ff")
	f("varbit that is not there: two invalid headers are equal", "200005aabb", "200105aabb")
	f("varbit longer than it may be", "200009112233445566778899", "200109112233445566778899")
	f("a range in select", "300003ff", "300003ff")
	f("advance drops a byte", "4008aabb", "4008bb")
	f("advance by no whole bytes is an error", "4007aabb", "4007aabb")
	f("advance over the end is an error", "4040aabb", "4040aabb")
	f("nothing left for lookahead", "3000", "3000")
	f("verify fails", "0063030506", "0063030506")
	f("too short for the first header", "00", "00")
	if got := s.Stats().ParserErrors; got != 8 {
		t.Errorf("%d parser errors; want 8", got)
	}
}
