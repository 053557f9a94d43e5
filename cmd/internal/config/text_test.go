package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

const simulated = "[board]\nprofile = \"sim\"\n"

// utf16Of is a text in UTF-16, little-endian.
func utf16Of(text string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

// What is no configuration at all, and what hardly can be meant, is told in a line
// that a person can read on any terminal, and an excerpt that fits below it.
func TestWhateverStandsInTheFileIsToldInOneClearLine(t *testing.T) {
	all := ""
	for i := range 256 {
		all += string([]byte{byte(i)})
	}
	long := strings.Repeat("x", SizeLimit/2)
	for _, c := range []struct{ name, text, want string }{
		{"a byte order mark", "\xef\xbb\xbf" + simulated, "begins with a byte order mark"},
		{"UTF-16 with its mark", utf16Of("\ufeff" + simulated), "is UTF-16"},
		{"UTF-16 without a mark", utf16Of(simulated), "is UTF-16"},
		{"UTF-16, big-endian", "\xfe\xff\x00[\x00b", "is UTF-16"},
		{"UTF-32", "\xff\xfe\x00\x00b\x00\x00\x00", "is UTF-32"},
		{"UTF-32, big-endian", "\x00\x00\xfe\xff\x00\x00\x00b", "is UTF-32"},
		{"every byte there is", all, ":1: the file has a zero byte"},
		{"Latin-1", simulated + "# caf\xe9\n", ":3: the file has the byte 0xe9"},
		{"lines of a Macintosh", strings.ReplaceAll(simulated, "\n", "\r"), "carriage return"},
		{"nothing", "", "board.profile is missing"},
		{"a key twice", simulated + "profile = \"sim\"\n", ":3: this key is set twice"},
		{"a section twice", simulated + "[master]\n[master]\n", ":4: this section stands twice"},
		{"a whole number that no machine has", simulated + "[master]\ndscp = 99999999999999999999\n", ":4: the number is too large"},
		{"a number that no machine has", simulated + "[holdover]\nmax_slew = 1e999\n", ":4: the number is too large"},
		{"0.0 for a whole number", simulated + "[master]\ndomain = 0.0\n", ":4: master.domain = 0.0 must be a whole number"},
		{"no number", simulated + "[holdover]\nmax_slew = nan\n", "holdover.max_slew = NaN must be"},
		{"a duration of all times", simulated + "[holdover]\nlearning = \"99999999999999h\"\n", "must be 0s to 720h"},
		{"a long value", simulated + "[master]\nallow = [\"" + long + "\"]\n", "is no IPv4 prefix"},
		{"a long key", simulated + "[master]\n" + long + " = 1\n", "unknown key master.xxx"},
		{"a long section", simulated + "[" + long + "]\n", "unknown section [xxx"},
		{"a long line", simulated + "[master]\n" + long + "\n", "expected '='"},
		{"brackets without end", simulated + "[master]\nallow = " + strings.Repeat("[", SizeLimit/2) + "\n", ":4: "},
		{"a terminal's orders in a value", simulated + "[master]\naddress = \"\\u001b[31m\"\n", "control characters"},
		{"a terminal's orders in a key", simulated + "[master]\nx\x1b[31m = 1\n", ":4: "},
		{"typographic quotes", simulated + "[holdover]\nlearning = “1h”\n", "typographic"},
		{"no quotes", simulated + "[holdover]\nlearning = 1h\n", "strings must be quoted"},
		{"capitals", simulated + "[master]\nDSCP = 1\n", "did you mean dscp?"},
	} {
		_, _, err := Parse("x.toml", []byte(c.text), nil)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "(fix: ") {
			t.Errorf("%s: %.300v, want %q and a fix", c.name, err, c.want)
			continue
		}
		lines := strings.Split(err.Error(), "\n")
		for i, line := range lines {
			if most := []int{1000, excerptMost + 10}[min(i, 1)]; utf8.RuneCountInString(line) > most || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%s: line %d is %d characters, or cannot be seen: %.200q", c.name, i+1, utf8.RuneCountInString(line), line)
			}
		}
		if len(lines) > 2 {
			t.Errorf("%s: %d lines", c.name, len(lines))
		}
	}
}

// What is no file of a text's size is refused at once.
func TestWhateverStandsAtThePathIsRefusedAtOnce(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, err := range []error{unix.Mkfifo(at("fifo"), 0o600), os.Mkdir(at("folder"), 0o700), os.WriteFile(at("huge"), nil, 0o600), os.Truncate(at("huge"), 1<<30)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range [][2]string{{at("fifo"), "is a FIFO"}, {at("folder"), "is a folder"}, {at("huge"), "1073741824 bytes"}, {at("none"), "no such file"}, {"/dev/zero", "is a device"}} {
		began := time.Now()
		_, _, err := Load(c[0], nil)
		if err == nil || !strings.Contains(err.Error(), c[1]) || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "(fix: ") {
			t.Errorf("%s: %v, want one line with %q and a fix", c[0], err, c[1])
		}
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("%s: refused after %v", c[0], took)
		}
	}
}
