package terminal

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"
)

var noon = time.Unix(43_200, 0)

func TestKeysAreTold(t *testing.T) {
	for name, c := range map[string]struct{ sent, want string }{
		"words":                        {"show clock\r", "show clock\r"},
		"a line feed is an Enter":      {"a\nb", "a\rb"},
		"a pair is one Enter":          {"a\r\nb", "a\rb"},
		"arrows":                       {"\x1b[A\x1bOB\x1b[C\x1b[D", "\x1b[A\x1b[B\x1b[C\x1b[D"},
		"Home and End of all kinds":    {"\x1b[H\x1b[1~\x1bOF\x1b[4~\x1b[3~", "\x1b[H\x1b[H\x1b[F\x1b[F\x1b[3~"},
		"by words":                     {"\x1bb\x1b[1;5C", "\x1b[1;3D\x1b[1;3C"},
		"a title":                      {"a\x1b]0;you are owned\x07b", "ab"},
		"a title with its other end":   {"a\x1b]0;you are owned\x1b\\b", "ab"},
		"a device's answer":            {"a\x1b[?62;c\x1bP0$r1m\x1b\\b", "ab"},
		"colours":                      {"\x1b[1;31mred\x1b[0m", "red"},
		"controls":                     {"a\x00\x07\x0f\x1c\x9bb", "ab"},
		"another letter is refused":    {"a\xe9b\xc3\xa9", "a\ab\a\a"},
		"a paste in brackets":          {"\x1b[200~show\x1b[201~", "show"},
		"a sequence without an end":    {"a\x1b[\rb", "ab"},
		"a function key":               {"\x1b[15~\x1bOP", ""},
		"interrupt, end, suspend stay": {"\x03\x04\x1a", "\x03\x04\x1a"},
	} {
		var k Keys
		if got := string(k.Feed(noon, []byte(c.sent))); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		k = Keys{}
		var single []byte // the same, byte by byte
		for i := range len(c.sent) {
			single = append(single, k.Feed(noon, []byte{c.sent[i]})...)
		}
		if string(single) != c.want {
			t.Errorf("%s, byte by byte: %q, want %q", name, single, c.want)
		}
	}
}

func TestATerminalOfUTF8HasAllLetters(t *testing.T) {
	for name, c := range map[string]struct{ sent, want string }{
		"letters":                   {"Zürich 東京 µs", "Zürich 東京 µs"},
		"controls of two bytes":     {"a\u009b31mb\u0085c", "a31mbc"},
		"a lone byte of a control":  {"a\x9bb", "ab"},
		"an order to the next text": {"a\u202eb", "a\ab"},
		"no UTF-8":                  {"a\xffb\xe9c", "a\ab\ac"},
		"a letter that is cut":      {"a\xe6\x9d\r", "a\a\r"},
		"too long for its letter":   {"a\xc0\xafb", "a\a\ab"},
	} {
		k := Keys{UTF8: true}
		var single []byte
		for i := range len(c.sent) {
			single = append(single, k.Feed(noon, []byte{c.sent[i]})...)
		}
		k = Keys{UTF8: true}
		if got := string(k.Feed(noon, []byte(c.sent))); got != c.want || string(single) != c.want {
			t.Errorf("%s: %q, byte by byte %q, want %q", name, got, single, c.want)
		}
	}
}

// What can be typed comes as it was typed, or the refusal is told in its place.
func TestNoLetterIsLostSilently(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := Keys{UTF8: rapid.Bool().Draw(t, "UTF-8")}
		sent := rapid.StringOf(rapid.RuneFrom([]rune("ab c/"), unicode.L, unicode.S)).Draw(t, "sent")
		if got := string(k.Feed(noon, []byte(sent))); got != sent && !strings.Contains(got, "\a") {
			t.Fatalf("%q became %q", sent, got)
		}
	})
}

func TestTheLocaleTellsTheCharacterSet(t *testing.T) {
	for _, c := range []struct {
		all, ctype, lang string
		want             bool
	}{{"", "", "", false}, {"", "", "C.UTF-8", true}, {"C", "", "de_DE.utf8", false}, {"", "de_DE.UTF-8", "C", true}, {"", "", "de_DE@euro", false}} {
		t.Setenv("LC_ALL", c.all)
		t.Setenv("LC_CTYPE", c.ctype)
		t.Setenv("LANG", c.lang)
		if SpeaksUTF8() != c.want {
			t.Errorf("%+v", c)
		}
	}
}

// The Escape key alone takes nothing of what is typed later.
func TestEscapeAloneTakesNothing(t *testing.T) {
	var k Keys
	k.Feed(noon, []byte("\x1b"))
	if got := string(k.Feed(noon.Add(time.Second), []byte("show"))); got != "show" {
		t.Errorf("%q", got)
	}
}

func TestATerminalTellsItsSize(t *testing.T) {
	var k Keys
	if got := k.Feed(noon, []byte("sh\x1b[24;80Row")); string(got) != "show" || k.Told() != (Size{Columns: 80, Rows: 24}) {
		t.Errorf("%q, %v", got, k.Told())
	}
	k.Feed(noon, []byte("\x1b[99999999999;0R"))
	if k.Told() != (Size{Columns: 80, Rows: 24}) {
		t.Errorf("a size that cannot be: %v", k.Told())
	}
}

// Whatever is pasted, the keys are printable ASCII, the editor's control keys, refusals, and
// the few sequences that x/term reads; and what comes after the paste is read again.
func TestPastedControlCharactersAreHarmless(t *testing.T) {
	known := []string{"\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "\x1b[H", "\x1b[F", "\x1b[3~", "\x1b[1;3C", "\x1b[1;3D"}
	rapid.Check(t, func(t *rapid.T) {
		var k Keys
		sent := rapid.SliceOfN(rapid.SampledFrom([]byte("\x1b\x1b[]O;?0123~AZR\x07\\\x00\x9b\xffPshow \r\n\x18")), 0, 400).Draw(t, "sent")
		got := k.Feed(noon, sent)
		rest := got
		for len(rest) > 0 {
			if rest[0] == 0x1b {
				i := slices.IndexFunc(known, func(s string) bool { return bytes.HasPrefix(rest, []byte(s)) })
				if i < 0 {
					t.Fatalf("%q became %q", sent, got)
				}
				rest = rest[len(known[i]):]
				continue
			}
			if c := rest[0]; c != Enter && c != Refused && (c < ' ' || c > '~') && !strings.ContainsRune(editing, rune(c)) {
				t.Fatalf("%q became %q", sent, got)
			}
			rest = rest[1:]
		}
		if after := string(k.Feed(noon.Add(time.Second), []byte("show"))); after != "show" {
			t.Fatalf("after %q: %q", sent, after)
		}
	})
}
