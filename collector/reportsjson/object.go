package reportsjson

import (
	"encoding/hex"
	"encoding/json"
	"strconv"
)

// object appends a JSON object field by field, in order and without reflection.
type object struct {
	b     []byte
	comma bool
}

func (o *object) key(key string) {
	if o.comma {
		o.b = append(o.b, ',')
	}
	o.comma = true
	if key == "" { // an element of an array
		return
	}
	o.b = append(o.b, '"')
	o.b = append(o.b, key...)
	o.b = append(o.b, '"', ':')
}

func (o *object) open(key string, bracket byte) {
	o.key(key)
	o.b = append(o.b, bracket)
	o.comma = false
}

func (o *object) close(bracket byte) {
	o.b = append(o.b, bracket)
	o.comma = true
}

func (o *object) num(key string, v uint64) {
	o.key(key)
	o.b = strconv.AppendUint(o.b, v, 10)
}

func (o *object) flag(key string, v bool) {
	n := uint64(0)
	if v {
		n = 1
	}
	o.num(key, n)
}

// plain writes a string that needs no escapes.
func (o *object) plain(key, v string) {
	o.key(key)
	o.b = append(append(append(o.b, '"'), v...), '"')
}

func (o *object) text(key, v string) {
	o.key(key)
	quoted, err := json.Marshal(v)
	if err != nil {
		panic("BUG: a string has no JSON form: " + err.Error())
	}
	o.b = append(o.b, quoted...)
}

func (o *object) hex(key string, v []byte) {
	o.key(key)
	o.b = append(o.b, '"')
	o.b = hex.AppendEncode(o.b, v)
	o.b = append(o.b, '"')
}
