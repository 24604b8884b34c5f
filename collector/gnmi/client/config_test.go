package client

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	login, two, junk := file("login", "ada:hunter2\n"), file("two", "a:hunter2\nb:hunter2\n"), file("junk", "hunter2")
	c, err := Parse("leaf1=10.0.0.1:9339,login=" + login + ",target=x,server-name=y")
	if err != nil || c.Name != "leaf1" || c.Address != "10.0.0.1:9339" || c.TLS == nil || c.TLS.ServerName != "y" || c.User != "ada" || c.Password != "hunter2" || c.Target != "x" {
		t.Errorf("got %+v, %v", c, err)
	}
	if strings.Contains(fmt.Sprintf("%v %+v %#v", c, c, c), "hunter2") {
		t.Error("the configuration tells the password")
	}
	if c, err = Parse("leaf1=[::1]:9339,tls=off,login=" + login); err != nil || c.TLS != nil {
		t.Errorf("got %+v, %v", c, err)
	}
	for text, want := range map[string]string{
		"leaf1":                            "want NAME=HOST:PORT",
		"=h:1":                             `got the name ""`,
		"leaf1=h":                          "want host:port",
		"leaf1=:1":                         "want host:port",
		"leaf1=h:1,nope=1":                 `no option "nope"`,
		"leaf1=h:1,ca":                     "option ca: want one value",
		"leaf1=h:1,ca=a,ca=b":              "option ca: want one value",
		"leaf1=h:1,tls=on":                 "want tls=off",
		"leaf1=h:1,tls=off,ca=b":           "want one of them",
		"leaf1=h:1,ca=none":                "cannot read the authority",
		"leaf1=h:1,ca=" + junk:             "no certificate in",
		"leaf1=h:1,cert=none":              "cannot read our certificate",
		"leaf1=h:1,login=none":             "cannot read gNMI users",
		"leaf1=h:1,login=" + two:           "got 2 users",
		"leaf1=h:1,login=" + junk:          "line 1: want name:password",
		"leaf1=h:1,tls=off,login=" + login: "in the clear",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter") {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}
