package config

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What may stand in the place of a text, and how what is quoted from one stays
// short and plain.

// encoding says why bytes are no text that TOML may be in: flaw is nil when they
// are. line is 0 when it is the whole file.
func encoding(text []byte) (line int, f *flaw) {
	lineOf := func(i int) int { return 1 + bytes.Count(text[:i], []byte("\n")) }
	const utf16 = "is UTF-16, not UTF-8"
	saveAs := "save it as UTF-8 without a byte order mark"
	switch nul := bytes.IndexByte(text, 0); {
	case bytes.HasPrefix(text, []byte("\xef\xbb\xbf")):
		return 0, &flaw{"begins with a byte order mark (BOM)", saveAs}
	case bytes.HasPrefix(text, []byte("\xff\xfe\x00\x00")), bytes.HasPrefix(text, []byte("\x00\x00\xfe\xff")):
		return 0, &flaw{"is UTF-32, not UTF-8", saveAs}
	case bytes.HasPrefix(text, []byte("\xff\xfe")), bytes.HasPrefix(text, []byte("\xfe\xff")), len(text) > 1 && nul >= 0 && everySecondIsZero(text):
		return 0, &flaw{utf16, saveAs}
	case nul >= 0:
		return lineOf(nul), &flaw{"has a zero byte: it is no text", "--config names a TOML file"}
	case !utf8.Valid(text):
		at := 0
		for at < len(text) {
			r, n := utf8.DecodeRune(text[at:])
			if r == utf8.RuneError && n == 1 {
				break
			}
			at += n
		}
		return lineOf(at), &flaw{fmt.Sprintf("has the byte 0x%02x, which is no UTF-8", text[at]), saveAs}
	case bytes.IndexByte(text, '\r') >= 0 && bytes.IndexByte(text, '\n') < 0:
		return 0, &flaw{"has lines that end in a carriage return alone", "save it with Unix line ends"}
	}
	return 0, nil
}

// everySecondIsZero tells UTF-16 of a Latin text without a byte order mark.
func everySecondIsZero(text []byte) bool {
	zeros := [2]int{}
	for i, b := range text {
		if b == 0 {
			zeros[i%2]++
		}
	}
	half := len(text) / 2
	return zeros[0] == 0 && zeros[1] > half*9/10 || zeros[1] == 0 && zeros[0] > half*9/10
}

// clip is s in at most most characters, each of which can be seen, without secrets.
func clip(s string, most int) string {
	var b strings.Builder
	n := 0
	for _, r := range Public(s) {
		if n == most {
			b.WriteString("...")
			break
		}
		switch {
		case unicode.IsSpace(r) && r != '\n':
			r = ' '
		case !unicode.IsPrint(r) && r != '\n':
			r = '?'
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}

// The most characters of what is quoted in an error.
const (
	quotedMost  = 60  // a key or a value
	excerptMost = 160 // a line
	whatMost    = 700 // all that is said of a problem: the longest lists a section's keys
)

// syntaxFlaws are what TOML refuses, in words for who wrote it.
var syntaxFlaws = []struct {
	said      string // in the parser's message
	what, fix string // "": the parser's own
}{
	{"is already defined", "this key is set twice", "keep one of the two lines"},
	{"already exists", "this section stands twice", "put all its keys below one header; a line such as master.domain = 0 counts as one"},
	{"too large to fit", "the number is too large", "docs/CONFIG.md tells what each key takes"},
	{"value out of range", "the number is too large", "docs/CONFIG.md tells what each key takes"},
	{"strings must be quoted", "", "put the value in quotes, for example \"1h\""},
	{"leading zeroes", "", "write the number without a zero before it"},
	{"expected '=' after key", "", "key = value"},
	{"nested more than", "brackets stand in brackets without end", "a list of strings has one pair of brackets"},
}

// typographic are quotation marks that TOML does not take.
const typographic = "“”„‟‘’‚«»"

// syntaxWords are a parser's message and the line that it is about, in words.
func syntaxWords(message, line string) (what, fix string) {
	message = strings.TrimPrefix(message, "toml: ")
	if strings.ContainsAny(line, typographic) {
		return "this is not TOML: the quotation marks are typographic", "plain ones: \""
	}
	for _, f := range syntaxFlaws {
		if strings.Contains(message, f.said) {
			if f.what != "" {
				return f.what, f.fix
			}
			return "this is not TOML: " + message, f.fix
		}
	}
	return "this is not TOML: " + message, "section in [brackets], key = value, strings in quotes"
}
