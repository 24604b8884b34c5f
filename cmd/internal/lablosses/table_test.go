package lablosses

import (
	"fmt"
	"slices"
	"strings"
)

// table is what was blamed, a row for each kind of trial and observer.
type table struct {
	rows []*row
}

type row struct {
	key   string
	n     int
	found []int // windows until the verdict was right
	right int   // verdicts that were right in the last window
	tied  int   // of the others, those that name the true links, or the same ones of the other spine as well
	least float64
	wrong int
	lost  uint64
}

func newTable() *table { return &table{} }

// add adds a verdict and returns it as a line.
func (t *table) add(x *trial, o *observer, v *verdict) string {
	key := fmt.Sprintf("%-10s %6g %10g %-10s", x.name, x.loss, o.lost, o.name)
	i := slices.IndexFunc(t.rows, func(r *row) bool { return r.key == key })
	if i < 0 {
		i = len(t.rows)
		t.rows = append(t.rows, &row{key: key})
	}
	r := t.rows[i]
	r.n++
	r.lost += x.lost
	r.least += v.least
	r.wrong += v.wrong
	if v.windows > 0 {
		r.found = append(r.found, v.windows)
	}
	truth, bad := slices.Sorted(slices.Values(x.truth)), slices.Sorted(slices.Values(v.bad))
	if slices.Equal(truth, bad) {
		r.right++
	} else if tied(truth, bad) {
		r.tied++
	}
	return fmt.Sprintf("%s seed %d: window %d, %.3f … %.3f, %d wrong, blamed %v, truth %v", key, x.seed, v.windows, v.least, v.most, v.wrong, bad, truth)
}

func (t *table) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%-10s %6s %10s %-10s %4s %8s %6s %6s %8s %8s %11s %9s\n", "fault", "loss", "telemetry", "postcards", "labs", "lost/lab", "right", "tied", "windows", "worst", "probability", "wrong/lab")
	for _, r := range t.rows {
		median, worst := "-", "-"
		if n := len(r.found); n > 0 {
			slices.Sort(r.found)
			median, worst = fmt.Sprint(r.found[(n-1)/2]), fmt.Sprint(r.found[n-1])
		}
		if len(r.found) < r.n {
			worst = "never"
		}
		fmt.Fprintf(&b, "%s %4d %8.0f %5.0f%% %5.0f%% %8s %8s %11.3f %9.2f\n", r.key, r.n, float64(r.lost)/float64(r.n), 100*float64(r.right)/float64(r.n), 100*float64(r.tied)/float64(r.n), median, worst, r.least/float64(r.n), float64(r.wrong)/float64(r.n))
	}
	return b.String()
}

// tied reports whether all true links are blamed, or in place of any the one between the
// same leaf and the other spine, and no others: who sees only the ends of paths cannot
// tell the two apart.
func tied(truth, bad []string) bool {
	other := strings.NewReplacer("spine1", "spine2", "spine2", "spine1")
	for _, l := range truth {
		if !slices.Contains(bad, l) && !slices.Contains(bad, other.Replace(l)) {
			return false
		}
	}
	for _, l := range bad {
		if !slices.Contains(truth, l) && !slices.Contains(truth, other.Replace(l)) {
			return false
		}
	}
	return true
}
