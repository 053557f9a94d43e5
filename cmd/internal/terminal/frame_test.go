package terminal

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

// A line that stays is not written again: a screen with one number that changes costs
// tens of bytes, which a line of 9600 baud carries in a fraction of a second.
func TestAFrameWritesOnlyWhatChanged(t *testing.T) {
	var out strings.Builder
	f := NewFrame(&out)
	size := Size{Columns: 80, Rows: 24}
	screen := func(number string) string {
		return "Time error  " + number + "\n" + strings.Repeat("a line that stays as it is\n", 20)
	}
	if err := f.Draw(screen("1"), Beginning, size); err != nil {
		t.Fatal(err)
	}
	first := out.Len()
	out.Reset()
	if err := f.Draw(screen("2"), Beginning, size); err != nil {
		t.Fatal(err)
	}
	if again := out.Len(); again > 40 || first < 500 || !strings.Contains(out.String(), "Time error  2") {
		t.Errorf("first %d bytes, then %d: %q", first, again, out.String())
	}
	out.Reset()
	if err := f.Draw(screen("2"), Beginning, size); err != nil || out.Len() > 0 {
		t.Errorf("nothing changed: %q, %v", out.String(), err)
	}
}

// What is taller than the terminal says so; another size draws anew; a screen that
// shrinks leaves nothing behind.
func TestAFrameFitsTheTerminal(t *testing.T) {
	var out strings.Builder
	f := NewFrame(&out)
	f.Draw(strings.Repeat("line\n", 50), Beginning, Size{40, 10}) //nolint:errcheck // a Builder
	if got := out.String(); !strings.Contains(got, "(42 more lines") || strings.Count(got, "line\x1b") != 8 {
		t.Errorf("%q", got)
	}
	out.Reset()
	f.Draw("one\n", Beginning, Size{40, 10}) //nolint:errcheck // likewise
	if got := out.String(); strings.Count(got, "\x1b[K") != 9 {
		t.Errorf("what was below stays: %q", got)
	}
	out.Reset()
	f.Draw("one\n", Beginning, Size{80, 24}) //nolint:errcheck // likewise
	if got := out.String(); !strings.HasPrefix(got, "\x1b[H\x1b[2J") {
		t.Errorf("another size: %q", got)
	}
}

// Of a text whose newest line is its last one, the last lines are kept; what says how many
// are left out is whole on a narrow terminal too.
func TestAFrameKeepsTheEndThatIsAskedFor(t *testing.T) {
	text := ""
	for i := range 231 {
		text += fmt.Sprintf("line %d\n", i)
	}
	for columns, more := range map[int]string{80: "; a larger terminal shows them)", 40: ": enlarge the terminal)", 20: " lines)"} {
		for kept, wanted := range map[End][]string{Beginning: {"line 0\x1b", "(223 more"}, Newest: {"line 230", "(223 older"}} {
			var out strings.Builder
			NewFrame(&out).Draw(text, kept, Size{columns, 10}) //nolint:errcheck // a Builder
			for _, w := range append(wanted, more) {
				if !strings.Contains(out.String(), w) {
					t.Errorf("%d columns, newest %v: no %q in %q", columns, kept, w, out.String())
				}
			}
			if strings.Contains(out.String(), "line 8\x1b") {
				t.Errorf("%d columns, newest %v: the middle is shown: %q", columns, kept, out.String())
			}
		}
	}
}

func TestAFrameIsDrawnOnATerminalOfAnySize(t *testing.T) {
	f := NewFrame(io.Discard)
	for columns := range 201 {
		for rows := range 30 {
			for _, text := range []string{"", "one\n", strings.Repeat("a line\n", 40)} {
				for _, kept := range []End{Beginning, Newest} {
					if err := f.Draw(text, kept, Size{columns, rows}); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
}
