package blame

import "testing"

// TestDevicesOfNames: a link's name says the devices at its ends, with or without ports.
func TestDevicesOfNames(t *testing.T) {
	for _, x := range []struct{ name, from, to string }{
		{"h1>t1", "h1", "t1"},
		{"spine-2:eth1->leaf-3:Ethernet9/1", "spine-2", "leaf-3"},
		{"spine-2:xe-0/0/1 > leaf-3", "spine-2", "leaf-3"},
		{"10.0.0.1:80>2001:db8::1", "10.0.0.1:80", "2001:db8::1"},
		{"a:>b:1", "a:", "b:1"},
		{"L17", "", ""},
		{"a>b>c", "", ""},
		{">b", "", ""},
		{"->b", "", ""},
		{"a>", "", ""},
		{":eth1>b", "", ""},
	} {
		l := NewLinks()
		i := l.ID(x.name)
		from, to := "", ""
		if e := l.ends[i]; e[0] >= 0 {
			from, to = l.nodes[e[0]], l.nodes[e[1]]
		}
		if from != x.from || to != x.to {
			t.Errorf("%q joins %q and %q, want %q and %q", x.name, from, to, x.from, x.to)
		}
		if l.ID(x.name) != i || l.Name(i) != x.name {
			t.Errorf("%q is not the same link again", x.name)
		}
	}
}
