package config

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"bragi/cmd/internal/file"
)

// fill is head, as many of what each makes as a configuration may hold, and tail.
func fill(head, tail string, each func(i int) string) []byte {
	var b strings.Builder
	b.WriteString(head)
	for i := 0; ; i++ {
		more := each(i)
		if b.Len()+len(more)+len(tail) > SizeLimit {
			return []byte(b.String() + tail)
		}
		b.WriteString(more)
	}
}

// A file that is larger than any that somebody writes is refused in one line.
func TestALargeFileIsRefusedInOneLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.toml")
	for _, size := range []int{SizeLimit, SizeLimit + 1} {
		text := []byte(base + strings.Repeat("#", size-len(base)))
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, ofFile := Load(path, nil)
		_, _, ofText := Parse("x.toml", text, nil)
		for _, err := range []error{ofFile, ofText} {
			switch {
			case size <= SizeLimit && err != nil:
				t.Errorf("%d bytes: %v", size, err)
			case size > SizeLimit && (!errors.Is(err, file.ErrTooLarge) || !strings.Contains(err.Error(), "(fix: shorten it to 64 KiB") || strings.Contains(err.Error(), "\n")):
				t.Errorf("%d bytes: %v", size, err)
			}
		}
	}
	for _, e := range Examples() {
		if n := len(e.Text()); n > SizeLimit/3 {
			t.Errorf("%s has %d bytes", e.Name, n)
		}
	}
}

// Of many faults the first are told, with their lines, and the others are counted.
func TestOfManyFaultsTheFirstAreTold(t *testing.T) {
	for faults, last := range map[int]string{toldMost: "    wrong_20 = 1", toldMost + 1: "and 1 more fault", 1000: "and 980 more faults"} {
		var b strings.Builder
		b.WriteString(base)
		for i := range faults {
			fmt.Fprintf(&b, "wrong_%d = 1\n", i+1)
		}
		_, _, err := Parse("x.toml", []byte(b.String()), nil)
		if err == nil {
			t.Fatalf("%d faults are none", faults)
		}
		lines := strings.Split(err.Error(), "\n")
		if want := min(2*toldMost+1, 2*faults); len(lines) != want || lines[len(lines)-1] != last {
			t.Errorf("%d faults are %d lines, the last %q; want %d and %q", faults, len(lines), lines[len(lines)-1], want, last)
		}
		for i := range toldMost {
			if at := fmt.Sprintf("config: x.toml:%d: unknown key holdover.wrong_%d ", 7+i, i+1); !strings.HasPrefix(lines[2*i], at) {
				t.Errorf("%q, want %q", lines[2*i], at)
			}
		}
	}
}

// Too many references are one fault, whatever is in them.
func TestThereAreFewReferences(t *testing.T) {
	for n, told := range map[int]bool{referencesMost: false, referencesMost + 1: true, 3000: true} {
		for how, text := range map[string]string{
			"x.toml:23: ": base + strings.Repeat("[[reference]]\n", n),
			"x.toml:1: ":  "reference = [{}" + strings.Repeat(",{}", n-1) + "]\n" + base,
		} {
			_, _, err := Parse("x.toml", []byte(text), nil)
			want := fmt.Sprintf("there are %d references, more than 16 (fix: leave some out)", n)
			if err == nil || strings.Contains(err.Error(), want) != told {
				t.Errorf("%d: %v", n, err)
			}
			if problems := (Problems)(nil); told && (!errors.As(err, &problems) || len(problems) != 1 || !strings.Contains(err.Error(), how)) {
				t.Errorf("%d references: %v, want %s", n, err, how)
			}
		}
	}
}

// Whatever fills a file, no key costs a look at the whole of it: then thousands of keys
// would take gigabytes.
func TestAFullFileIsReadInLittleMemory(t *testing.T) {
	const most = 64 << 20
	line := func(i int) string { return fmt.Sprintf("%d=1\n", i) }
	for what, text := range map[string][]byte{
		"keys":                    fill(base, "", line),
		"sections":                fill(base, "", func(i int) string { return fmt.Sprintf("[%d]\n", i) }),
		"references":              fill(base, "", func(int) string { return "[[reference]]\n" }),
		"keys of a reference":     fill(base+"[[reference]]\n", "", line),
		"keys of one line":        fill("master={a=1", "}\n", func(i int) string { return fmt.Sprintf(",%d=1", i) }),
		"keys of a deep section":  fill("["+strings.Repeat("a.", SizeLimit/4)+"a]\n", "", line),
		"keys of a long section":  fill("["+strings.Repeat("a", SizeLimit/2)+"]\n", "", line),
		"a deep key":              fill("", "a=1\n", func(int) string { return "a." }),
		"clients that are twice":  fill(base+"[master]\nexpected=[\"a=10.0.0.1\"", "]\n", func(i int) string { return fmt.Sprintf(",\"a%d=10.0.0.1\"", i) }),
		"trusted that are not in": fill(base+"[master]\nallow=[\"10.0.0.0/8\"]\ntrusted=[\"10.0.0.1\"", "]\n", func(i int) string { return fmt.Sprintf(",\"11.0.%d.%d\"", i/256, i%256) }),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := Parse("x.toml", text, nil)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: nothing is wrong", what)
			continue
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > most {
			t.Errorf("%s: %d bytes of text take %d of memory", what, len(text), took)
		}
		if n := strings.Count(err.Error(), "\n"); n > 2*toldMost {
			t.Errorf("%s: %d lines", what, n+1)
		}
	}
}

// A prefix lies in a set when it lies in one of its prefixes as a whole.
func TestWhatASetOfPrefixesHas(t *testing.T) {
	for _, c := range []struct {
		set, of string
		has     bool
	}{
		{"10.0.0.0/8", "10.1.0.0/16", true},
		{"10.0.0.0/8", "10.0.0.0/8", true},
		{"10.1.2.3/8", "10.9.9.9/32", true},
		{"10.0.0.0/8", "10.0.0.0/7", false},
		{"10.0.0.0/8", "11.0.0.0/8", false},
		{"0.0.0.0/0", "192.0.2.7/32", true},
	} {
		if has := coverOf([]netip.Prefix{netip.MustParsePrefix(c.set)}).has(netip.MustParsePrefix(c.of)); has != c.has {
			t.Errorf("%s in %s: %t", c.of, c.set, has)
		}
	}
	if coverOf(nil).has(netip.MustParsePrefix("10.0.0.0/8")) {
		t.Error("an empty set has a prefix")
	}
}
