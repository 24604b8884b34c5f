package match

import "github.com/telltale-net/telltale/bmv2/device"

// The tests make a rule of matches and use it at once.

func insert(t *Table, ms []device.Match, priority, value int32) error {
	r, err := t.Rule(ms, priority)
	if err != nil {
		return err
	}
	return t.Insert(r, value)
}

func set(t *Table, ms []device.Match, priority, value int32) error {
	r, err := t.Rule(ms, priority)
	if err != nil {
		return err
	}
	return t.Set(r, value)
}

func find(t *Table, ms []device.Match, priority int32) (int32, error) {
	r, err := t.Rule(ms, priority)
	if err != nil {
		return 0, err
	}
	return t.Find(r)
}

func remove(t *Table, ms []device.Match, priority int32) (int32, error) {
	r, err := t.Rule(ms, priority)
	if err != nil {
		return 0, err
	}
	return t.Delete(r)
}
