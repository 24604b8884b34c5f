package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/telltale-net/telltale/bmv2/differ"
)

// diffPrinter prints the first differences and counts them all.
type diffPrinter struct {
	w       io.Writer
	most    int
	printed int
	classes map[string]int
}

func (d *diffPrinter) print(diff *differ.Difference) error {
	d.classes[diff.Class()]++
	if d.printed++; d.printed > d.most {
		return nil
	}
	if _, err := io.WriteString(d.w, describe(diff)); err != nil {
		return fmt.Errorf("cannot print a difference: %w", err)
	}
	return nil
}

// describe says what differs, or what BMv2 died of, in full.
func describe(diff *differ.Difference) string {
	var b strings.Builder
	switch {
	case diff.Update != nil:
		fmt.Fprintf(&b, "DIFFERENT write: %v\n  model: %s\n  BMv2:  %s\n", diff.Update, answer(diff.Model), answer(diff.JudgeAnswer))
	case diff.State != "":
		fmt.Fprintf(&b, "DIFFERENT state: %s\n", diff.State)
	default:
		if diff.Died != nil {
			fmt.Fprintf(&b, "EXCLUDED packet %d, port %d: %x\n  BMv2 died: %v\n", diff.Packet, diff.Port, diff.Data, diff.Died)
		} else {
			fmt.Fprintf(&b, "DIFFERENT packet %d, port %d: %x\n", diff.Packet, diff.Port, diff.Data)
		}
		sideBySide(&b, diff.OnlyModel, diff.OnlyJudge)
		b.WriteString("  the model's walk:\n")
		for _, s := range diff.Steps {
			fmt.Fprintf(&b, "    %v\n", s)
		}
	}
	return b.String()
}

func answer(err error) string {
	if err == nil {
		return "accepted"
	}
	return err.Error()
}

// sideBySide prints what only BMv2 and what only the model sent, sixteen bytes a line
// with what differs marked. Bytes of the model with undefined bits are dots.
func sideBySide(b *strings.Builder, model, judge []differ.Output) {
	for i := range max(len(model), len(judge)) {
		var m, j *differ.Output
		if i < len(model) {
			m = &model[i]
		}
		if i < len(judge) {
			j = &judge[i]
		}
		fmt.Fprintf(b, "  %-50s   %s\n", "expected (BMv2): "+heading(j), "seen (model): "+heading(m))
		const line = 16
		for at := 0; at < max(length(j), length(m)); at += line {
			l, r := bytesOf(j, at, line), bytesOf(m, at, line)
			var undef []byte
			if m != nil && m.Undef != nil {
				undef = m.Undef[min(at, len(m.Undef)):min(at+line, len(m.Undef))]
			}
			mark := " "
			if !equalWhere(l, r, undef) {
				mark = "≠"
			}
			fmt.Fprintf(b, "  %4d  %-44s %s %s\n", at, spaced(l, nil), mark, spaced(r, undef))
		}
	}
}

// equalWhere compares bits that are not undefined.
func equalWhere(a, b, undef []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		diff := a[i] ^ b[i]
		if undef != nil {
			diff &^= undef[i]
		}
		if diff != 0 {
			return false
		}
	}
	return true
}

func heading(o *differ.Output) string {
	if o == nil {
		return "nothing"
	}
	return fmt.Sprintf("port %d, %d bytes", o.Port, len(o.Data))
}

func length(o *differ.Output) int {
	if o == nil {
		return 0
	}
	return len(o.Data)
}

func bytesOf(o *differ.Output, at, n int) []byte {
	if o == nil || at >= len(o.Data) {
		return nil
	}
	return o.Data[at:min(at+n, len(o.Data))]
}

// spaced is hexadecimal in groups of two bytes.
func spaced(b, undef []byte) string {
	var s strings.Builder
	for i, v := range b {
		if i > 0 && i%2 == 0 {
			s.WriteByte(' ')
		}
		if undef != nil && undef[i] != 0 {
			s.WriteString("..")
		} else {
			fmt.Fprintf(&s, "%02x", v)
		}
	}
	return s.String()
}

// diffResult is a comparison's summary in JSON.
type diffResult struct {
	Program string `json:"program,omitempty"` // in a folder
	differ.Summary
	Seconds float64        `json:"seconds"`
	Seed    uint64         `json:"seed"`
	Kinds   map[string]int `json:"kinds"` // of differences and deaths
	Error   string         `json:"error,omitempty"`
}

func (d *diffPrinter) summary(sum *differ.Summary, took time.Duration, f *diffFlags) error {
	if f.format == "json" {
		if err := printJSON(d.w, diffResult{Summary: *sum, Seconds: took.Seconds(), Seed: f.seed, Kinds: d.classes}); err != nil {
			return err
		}
	} else {
		var b strings.Builder
		kinds := slices.Collect(maps.Keys(d.classes))
		slices.SortFunc(kinds, func(x, y string) int {
			return cmp.Or(cmp.Compare(d.classes[y], d.classes[x]), cmp.Compare(x, y))
		})
		const most = 20
		for i, k := range kinds {
			if i == most {
				fmt.Fprintf(&b, "… and %d more kinds\n", len(kinds)-most)
				break
			}
			fmt.Fprintf(&b, "%d × %s\n", d.classes[k], k)
		}
		fmt.Fprintf(&b, "%s, seed %d: %d differences; %.1f s\n", counts(sum), f.seed, sum.Differences, took.Seconds())
		for _, line := range details(sum) {
			fmt.Fprintf(&b, "%s\n", line)
		}
		if _, err := io.WriteString(d.w, b.String()); err != nil {
			return fmt.Errorf("cannot print the result: %w", err)
		}
	}
	if sum.Differences > 0 {
		return errWrong
	}
	return nil
}

// counts says what became of all packets.
func counts(sum *differ.Summary) string {
	excluded := 0
	for _, n := range sum.Excluded {
		excluded += n
	}
	return fmt.Sprintf("%d packets: %d compared, %d undefined, %d excluded, %d different", sum.Packets, sum.Compared, sum.Undefined, excluded, sum.Different)
}

// details says what else was counted, a line each.
func details(sum *differ.Summary) (out []string) {
	add := func(when bool, format string, args ...any) {
		if when {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	add(true, "%d entries; %d packets left BMv2; of %d bits compared %d are undefined", sum.Updates, sum.Out, sum.Bits, sum.UndefinedBits)
	add(true, "in the end: %d entities, %d counters and registers, %d digests are the same; %d counters and registers are undefined",
		sum.Entities, sum.Cells-sum.UndefinedCells, sum.Digests, sum.UndefinedCells)
	add(true, "reached by %d packets looked at: %v", sum.Looked, sum.Covered)
	add(sum.Refused > 0, "%d entries refused by both", sum.Refused)
	add(sum.Unsupported > 0, "%d entries that BMv2 has no support for", sum.Unsupported)
	add(sum.Misfits > 0, "%d undefined packets were treated as no model did", sum.Misfits)
	add(sum.Strays > 0, "%d undefined packets saw in BMv2 what earlier ones had left", sum.Strays)
	for _, r := range slices.Sorted(maps.Keys(sum.Excluded)) {
		add(true, "%d packets excluded: %s", sum.Excluded[r], r)
	}
	add(sum.Died > 0, "BMv2 died %d times, %d times for no packet that could be found", sum.Died, sum.Unexplained)
	add(len(sum.Unread) > 0, "not read from BMv2: %s", strings.Join(sum.Unread, ", "))
	return out
}
