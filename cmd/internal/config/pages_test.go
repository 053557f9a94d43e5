package config

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "write the pages in docs/ anew")

const (
	referencePage = "../../../docs/CONFIG.md"
	restartPage   = "../../../docs/RESTART.md"
	liveBegins    = "<!-- The live keys: made by go generate ./cmd/internal/config -->\n"
	liveEnds      = "<!-- end of the live keys -->\n"
	pageWidth     = 120
)

// docs/CONFIG.md, the list of live keys in docs/RESTART.md, and the examples in
// configs/ say what the table says.
func TestPagesAgreeWithTheTable(t *testing.T) {
	restart, err := os.ReadFile(restartPage)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(restart), liveBegins)
	_, after, ends := strings.Cut(rest, liveEnds)
	if !begins || !ends {
		t.Fatalf("%s has no list of the live keys", restartPage)
	}
	pages := map[string]string{
		referencePage: reference(),
		restartPage:   before + liveBegins + liveKeys() + liveEnds + after,
	}
	for _, e := range Examples() {
		pages[filepath.Join(examples, e.Name+".toml")] = e.Text()
	}
	for file, want := range pages {
		if *update {
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s does not say what the table says (fix: go generate ./cmd/internal/config)", file)
		}
	}
}

// What the page says of a key is short, and a whole sentence.
func TestEveryKeyIsToldInASentence(t *testing.T) {
	const longest = 120
	_, table := defaults()
	for _, s := range table {
		for _, o := range s.options {
			if utf8.RuneCountInString(o.text) > longest || !strings.HasSuffix(o.text, ".") || o.allowed() == "" || o.change.words == "" {
				t.Errorf("%s.%s: %q, %q, %q", s.name, o.key, o.text, o.allowed(), o.change.words)
			}
		}
	}
}

const preface = `<!-- Made from cmd/internal/config/options.go: go generate ./cmd/internal/config -->
# The configuration

bragid reads one TOML file: ` + "`bragid --config /etc/bragi/bragi.toml`" + `. Examples are in configs/.

- ` + "`bragid --config FILE --check`" + ` reads the file, tells what would run, and does nothing else.
- ` + "`--set section.key=value`" + ` sets a key on the command line. It overrides the file.
- A wrong file is refused as a whole. Each error tells the line and the fix; of many, the first 20 are told.
- A file of more than 64 KiB is refused, and so are more than 16 ` + "`[[reference]]`" + `.
- A key changes live, while clients are served, or at a restart of bragid. ` + "`bragi reload`" + ` takes the live
  changes and names the others (RESTART.md).
- ` + "`bragi config commit FILE`" + ` lets a running bragid take a file's text. With ` + "`--confirm 5m`" + ` bragid takes it back after
  five minutes unless ` + "`bragi config confirm`" + ` comes first. The ten configurations before it are kept beside the
  file, in a folder whose name ends in .previous: ` + "`bragi config rollback 1`" + ` lets the latest one run again.
- Words and durations stand in quotes. The units of a duration are ns, us, ms, s, m, h: ` + "`\"1.5us\"`, `\"1h30m\"`" + `.
`

// reference is the page of all keys.
func reference() string {
	var b strings.Builder
	b.WriteString(preface)
	_, table := defaults()
	for _, s := range table {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n", s.header(), s.text)
		for _, o := range s.options {
			initial := o.initially()
			if o.absent == "" {
				initial = "`" + initial + "`"
			}
			b.WriteString(wrapped(fmt.Sprintf("- **`%s`**: %s", o.key, o.text)))
			b.WriteString(wrapped(fmt.Sprintf("  Default: %s. Allowed: %s. Changes %s.", initial, o.allowed(), o.change.words)))
		}
	}
	return b.String()
}

// liveKeys is a line for each section that has some.
func liveKeys() string {
	var b strings.Builder
	_, table := defaults()
	for _, s := range table {
		var keys []string
		for _, o := range s.options {
			switch words := "`" + o.key + "`"; o.change.words {
			case restart.words:
			case live.words:
				keys = append(keys, words)
			default:
				keys = append(keys, words+" ("+o.change.words+")")
			}
		}
		if keys != nil {
			b.WriteString(wrapped("- `" + s.header() + "`: " + strings.Join(keys, ", ")))
		}
	}
	return b.String()
}

// wrapped is an entry of a list in lines of the page's width.
func wrapped(text string) string {
	var b strings.Builder
	line := text[:len(text)-len(strings.TrimLeft(text, " "))]
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
			line += word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > pageWidth:
			b.WriteString(line + "\n")
			line = "  " + word
		default:
			line += " " + word
		}
	}
	b.WriteString(line + "\n")
	return b.String()
}
