package terminal

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

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
		"controls":                     {"a\x00\x07\x0f\x1c\x9b\xff\xc3\xa9b", "ab"},
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

// Whatever is pasted, the keys are printable ASCII, the editor's control keys, and
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
			if c := rest[0]; c != Enter && (c < ' ' || c > '~') && !strings.ContainsRune(editing, rune(c)) {
				t.Fatalf("%q became %q", sent, got)
			}
			rest = rest[1:]
		}
		if after := string(k.Feed(noon.Add(time.Second), []byte("show"))); after != "show" {
			t.Fatalf("after %q: %q", sent, after)
		}
	})
}
