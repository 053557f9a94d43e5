package cli

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Whatever a text is made of, and however it is cut into writes, a terminal takes none of it
// for an order, and no letter is lost.
func TestWhatIsWrittenToATerminalIsHarmless(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.RuneFrom([]rune("ab ü東\n\t\x1b[]\x07\r\x7f\u009b\u202e"))).Draw(t, "text")
		cuts := []byte(text)
		var out strings.Builder
		w := HarmlessWriter(&out)
		for len(cuts) > 0 {
			n := rapid.IntRange(1, len(cuts)).Draw(t, "cut")
			if wrote, err := w.Write(cuts[:n]); wrote != n || err != nil {
				t.Fatal(wrote, err)
			}
			cuts = cuts[n:]
		}
		got := out.String()
		if strings.ContainsAny(got, "\x1b\x07\r\x7f\u009b\u202e") || got != Harmless(text) || strings.Count(got, "ü") != strings.Count(text, "ü") {
			t.Fatalf("%q became %q", text, got)
		}
	})
}
