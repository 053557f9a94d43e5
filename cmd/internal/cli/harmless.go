package cli

import (
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Harmless is text without what a terminal takes for an order: a file, or whoever sent the
// text, may have put that into it. Lines, tabs and letters stay, all else is a question mark.
func Harmless(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r != utf8.RuneError && unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}

// HarmlessWriter writes harmless text to w, which is a terminal.
func HarmlessWriter(w io.Writer) io.Writer { return &harmless{out: w} }

type harmless struct {
	out  io.Writer
	rest []byte // of a letter that was cut
}

func (h *harmless) Write(b []byte) (int, error) {
	text := append(h.rest, b...)
	whole := len(text)
	for back := 1; back < utf8.UTFMax && back <= len(text); back++ {
		if c := text[len(text)-back]; utf8.RuneStart(c) {
			if !utf8.FullRune(text[len(text)-back:]) {
				whole -= back
			}
			break
		}
	}
	h.rest = append([]byte(nil), text[whole:]...)
	if _, err := io.WriteString(h.out, Harmless(string(text[:whole]))); err != nil {
		return 0, err
	}
	return len(b), nil
}
