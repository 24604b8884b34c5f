package report

import (
	"bytes"
	"errors"
	"testing"
)

func TestMalformedIsNamedWithPosition(t *testing.T) {
	f := func(what string, data []byte, want Error) {
		t.Helper()
		var d Decoder
		d.Domains = Domains{ExtensionDomain}
		_, err := d.Reset(data)
		var r Report
		for ok := true; ok && err == nil; {
			ok, err = d.Next(&r)
		}
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s: got %v, want %+v", what, err, want)
			return
		}
		if *e != want || !errors.Is(err, want.Cause) {
			t.Errorf("%s: got %+v, want %+v", what, *e, want)
		}
	}
	f("nothing", nil, Error{GroupShort, 0, 0, 8})
	f("seven bytes", make([]byte, 7), Error{GroupShort, 0, 7, 12})
	f("seven bytes of version 2", append([]byte{0x20}, make([]byte, 6)...), Error{GroupShort, 0, 7, 8})
	f("version 3", words(0x30000000, 1, 0), Error{VersionUnknown, 0, 3, 2})
	f("eleven bytes of 0.5", make([]byte, 11), Error{GroupShort, 0, 11, 12})
	f("0.5, no switch id", words(0x02000000, 0, 0), Error{GroupShort, 0, 12, 16})
	f("0.5, no whole drop header", words(0x01000000, 0, 0, 0, 0), Error{MainShort, 12, 8, 12})
	f("0.5, no whole local header", words(0x02000000, 0, 0, 0, 0, 0), Error{MainShort, 12, 12, 16})
	f("fifteen bytes of 1.0", append([]byte{0x14}, make([]byte, 14)...), Error{GroupShort, 0, 15, 16})
	f("1.0, length leads out", words(0x15000000, 0, 0, 0), Error{LengthBeyond, 16, 16, 20})
	f("1.0, metadata does not fit", words(0x15180000, 0, 0, 0, 0), Error{MetadataBeyond, 16, 4, 8})
	f("1.0, shorter than itself", words(0x13000000, 0, 0, 0, 0), Error{MainShort, 0, 12, 16})
	f("no report", words(0x20000000, 1), Error{NoReport, 8, 0, 4})
	f("no whole report", append(words(0x20000000, 1), 1, 2, 3), Error{NoReport, 8, 3, 4})
	f("report length leads out", words(0x20000000, 1, 0x03020000, 0), Error{LengthBeyond, 12, 4, 8})
	f("report length leads out, second", words(0x20000000, 1, 0x00010000, 0, 0x03020000), Error{LengthBeyond, 20, 0, 8})
	f("no room for main contents", words(0x20000000, 1, 0x10010000, 0), Error{MainShort, 12, 4, 8})
	f("MD Length leads out", words(0x20000000, 1, 0x10030200, 0, 0, 0), Error{MDLengthBeyond, 20, 4, 8})
	f("timestamp does not fit", words(0x20000000, 1, 0x10030100, 0x08000000, 0, 0), Error{MetadataBeyond, 20, 4, 8})
	f("reserved bit does not fit", words(0x20000000, 1, 0x10030100, 0x40020000, 0, 0), Error{MetadataBeyond, 20, 4, 8})
	f("unknown domain does not fit", words(0x20000000, 1, 0x10030100, 0x40000001, 0x80000000, 0), Error{DomainBeyond, 24, 0, 4})
	f("our domain does not fit", words(0x20000000, 1, 0x10030100, 0x00007474, 0xc0000000, 0), Error{DomainBeyond, 20, 4, 8})
	f("TLV leads out", words(0x20000000, 1, 0x01010000, 0x00050000), Error{TLVLengthBeyond, 16, 0, 20})
	f("second TLV leads out", words(0x20000000, 1, 0x11040000, 0, 0, 0x10000000, 0x00020000), Error{TLVLengthBeyond, 28, 0, 8})
	f("0xFF without main contents", words(0x20000000, 1, 0x10ff0000, 0), Error{MainShort, 12, 4, 8})
}

func TestMalformedReportIsPassedOver(t *testing.T) {
	data := words(0x20000000, 1,
		0x00010000, 7, // Inner Only
		0x10010000, 0, // no room for main contents
		0x20020000, 8, 9, // IOAM
		0xf0000000, // reserved type
		0x00000000, // Inner Only, empty
	)
	data = append(data, 1, 2, 3)
	var d Decoder
	if _, err := d.Reset(data); err != nil {
		t.Fatal(err)
	}
	var types []RepType
	var failed int
	var r Report
	for ok, err := d.Next(&r); ok || err != nil; ok, err = d.Next(&r) {
		if err != nil {
			failed++
			continue
		}
		types = append(types, r.RepType)
	}
	if len(types) != 4 || types[1] != IOAM || types[2] != 15 || failed != 1 || d.Trailing() != 3 {
		t.Errorf("got types %v, %d failed, %d trailing", types, failed, d.Trailing())
	}
}

func TestLengthFFExtendsToTheEnd(t *testing.T) {
	f := func(inner int) {
		t.Helper()
		data := append(words(0x20000000, 1, 0x03ff0000), bytes.Repeat([]byte{0x10}, inner)...)
		_, r := one(t, data)
		if len(r.Inner) != inner {
			t.Errorf("got %d bytes of inner contents, want %d", len(r.Inner), inner)
		}
	}
	f(0)
	f(17)
	f(255 * 4)
	f(255*4 + 1)
	f(9000)
}

func TestReservedBits(t *testing.T) {
	f := func(what string, data []byte, bit0 uint32, reserved int, level1 uint16, reason uint8) {
		t.Helper()
		_, r := one(t, data)
		if r.Bit0 != bit0 || len(r.Reserved) != reserved || r.Level1In != level1 || r.DropReason != reason {
			t.Errorf("%s: got %+v", what, r)
		}
	}
	f("bit 0 with a word", words(0x20000000, 1, 0x10040200, 0xc0000000, 0, 0xaaaa, 0x00030005), 0xaaaa, 0, 3, 0)
	f("bit 0 without a word", words(0x20000000, 1, 0x10030100, 0xc0000000, 0, 0x00030005), 0, 0, 3, 0)
	f("bits 9, 14 and 15", words(0x20000000, 1, 0x10050300, 0x00430000, 0, 1, 2, 0x07330000), 0, 8, 0, 0x33)
}

func TestMDLengthOfInnerOnlyIsIgnored(t *testing.T) {
	_, r := one(t, words(0x20000000, 1, 0x0301ff00, 0xdeadbeef))
	if len(r.Inner) != 4 {
		t.Errorf("got %d bytes, want 4", len(r.Inner))
	}
}

func TestDomainField(t *testing.T) {
	d := Domain{ID: 7, Words: [16]uint8{0: 1, 2: 2, 15: 1}}
	md := words(1, 2, 3, 4)
	f := func(bits uint16, bit int, want []byte) {
		t.Helper()
		if got := d.Field(bits, md, bit); !bytes.Equal(got, want) {
			t.Errorf("bits %04x, bit %d: got %x, want %x", bits, bit, got, want)
		}
	}
	f(0xa001, 0, words(1))
	f(0xa001, 2, words(2, 3))
	f(0xa001, 15, words(4))
	f(0xa001, 1, nil)
	f(0x2001, 15, words(3))
	f(0xe001, 2, nil) // behind bit 1, whose length nobody told
	f(0xa001, 16, nil)
	f(0xa001, -1, nil)
}

func TestTLVs(t *testing.T) {
	f := func(what string, inner []byte, want int) {
		t.Helper()
		_, r := one(t, append(words(0x20000000, 1, 0x01ff0000), inner...))
		n := 0
		var tlv TLV
		it := r.TLVs()
		ok, err := it.Next(&tlv)
		for ; ok; ok, err = it.Next(&tlv) {
			n++
		}
		if n != want || err != nil {
			t.Errorf("%s: got %d, %v; want %d", what, n, err, want)
		}
	}
	f("none", nil, 0)
	f("one", words(0x10010000, 1), 1)
	f("empty ones", words(0, 0, 0), 3)
	f("three bytes behind", append(words(0x40010000, 1), 1, 2, 3), 1)
}

func TestParseDomain(t *testing.T) {
	if d, err := ParseDomain("0x5453=2s"); err != nil || d != TransparentSecurity {
		t.Errorf("got %+v, %v", d, err)
	}
	if d, err := ParseDomain("7=1,0,3s,4"); err != nil || d.ID != 7 || d.Words != [16]uint8{1, 0, 3, 4} || d.SourceOnly != 0x2000 {
		t.Errorf("got %+v, %v", d, err)
	}
	for _, s := range []string{"", "7", "0=1", "x=1", "7=", "7=-1", "7=256", "65536=1", "7=1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1"} {
		if d, err := ParseDomain(s); err == nil {
			t.Errorf("%q: got %+v", s, d)
		}
	}
}
