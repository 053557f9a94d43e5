package config

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// A console changes a key of a text that somebody wrote: their comments, their
// order and everything else stay as they are.

// Section is a section of the file, for whoever offers its words.
type Section struct {
	Name string // "master"
	Text string // what it is about: a short sentence
	// Listed: the section stands once for each entry, [[name]], and cannot be set key
	// by key.
	Listed bool
	Keys   []Key
}

// Key is a key of a section.
type Key struct {
	Name    string   // "domain"
	Text    string   // what it is for: a short sentence
	Allowed string   // what may be written, in words
	Default string   // what holds without the key: as TOML, or in words
	Changes string   // when a daemon that serves takes a new value: "live", "at a restart"
	Words   []string // what may be written when that is one of a few words; nil: more
}

// Sections are all that a configuration may have, in the order of docs/CONFIG.md.
func Sections() []Section {
	_, table := defaults()
	sections := make([]Section, len(table))
	for i, s := range table {
		sections[i] = Section{Name: s.name, Text: s.text, Listed: s.entries != nil}
		for _, o := range s.options {
			sections[i].Keys = append(sections[i].Keys, Key{Name: o.key, Text: o.text, Allowed: o.allowed(), Default: o.initially(), Changes: o.change.words, Words: o.choices})
		}
	}
	return sections
}

// initially is what holds without the key.
func (o option) initially() string {
	if o.absent != "" {
		return o.absent
	}
	return o.write()
}

// Value is what a person typed for "section.key", as TOML: quotes may be left out,
// and a list may be words with commas. What may not be written is an error with what
// to do.
func Value(key, typedText string) (string, error) {
	o, err := known(key)
	if err != nil {
		return "", err
	}
	v := typed(strings.TrimSpace(typedText))
	if f := o.read(v); f != nil {
		return "", fmt.Errorf("%s = %s %s (fix: %s)", key, v.show(), f.must, f.fix)
	}
	return o.write(), nil
}

// Known says why "section.key" is none that can be set, with what to do; nil: it can.
func Known(key string) error {
	_, err := known(key)
	return err
}

func known(key string) (o option, err error) {
	_, table := defaults()
	name, k, _ := strings.Cut(key, ".")
	section, found := table.section(name)
	if !found {
		return o, fmt.Errorf("there is no section %s (fix: %s)", clip(name, quotedMost), didYouMean(name, table.names()))
	}
	if section.entries != nil {
		return o, fmt.Errorf("%s cannot be set key by key (fix: write it in the file)", section.header())
	}
	if o, found = section.find(k); !found {
		return o, fmt.Errorf("%s has no key %s (fix: %s)", section.header(), clip(k, quotedMost), (&loader{table: table}).suggest(section, k))
	}
	return o, nil
}

// Set returns text with "section.key" set to what a person typed. A line that has
// the key is changed, else one is added where place puts it.
func Set(text []byte, key, typedText string) ([]byte, error) {
	value, err := Value(key, typedText)
	if err != nil {
		return nil, err
	}
	found, err := find(text, key)
	if err != nil {
		return nil, err
	}
	name, k, _ := strings.Cut(key, ".")
	line := k + " = " + value + "\n"
	switch {
	case found.value != (span{}):
		return splice(text, found.value, value), nil
	case found.section:
		at := found.place(text, name, k)
		return splice(text, span{at, at}, startOfLine(text, at)+line), nil
	case found.dotted > 0:
		return splice(text, span{found.dotted, found.dotted}, startOfLine(text, found.dotted)+name+"."+line), nil
	}
	gap := "\n"
	if len(bytes.TrimSpace(text)) == 0 {
		gap = ""
	}
	return append(bytes.Clone(text), startOfLine(text, len(text))+gap+"["+name+"]\n"+line...), nil
}

// Unset returns text without "section.key": its default holds. A text that does not
// have the key comes back as it is.
func Unset(text []byte, key string) ([]byte, error) {
	found, err := find(text, key)
	if err != nil || found.value == (span{}) {
		return text, err
	}
	if found.inline {
		return nil, fmt.Errorf("%s stands in a table in braces (fix: write its section with a line for each key)", key)
	}
	whole := found.value
	whole.from = bytes.LastIndexByte(text[:whole.from], '\n') + 1
	if end := bytes.IndexByte(text[whole.to:], '\n'); end >= 0 {
		whole.to += end + 1 // with a comment behind the value
	} else {
		whole.to = len(text)
	}
	return splice(text, whole, ""), nil
}

// span is a part of a text.
type span struct{ from, to int }

func splice(text []byte, at span, with string) []byte {
	out := make([]byte, 0, len(text)+len(with))
	out = append(out, text[:at.from]...)
	out = append(out, with...)
	return append(out, text[at.to:]...)
}

// startOfLine is what must stand before a new line at i.
func startOfLine(text []byte, i int) string {
	if i > 0 && text[i-1] != '\n' {
		return "\n"
	}
	return ""
}

// position is where a key stands in a text.
type position struct {
	value   span // of its value; zero: the key is not there
	inline  bool // in a table in braces
	dotted  int  // the end of the last line that has a key of its section with a dot, master.domain, outside of a section
	section bool // the section is there:
	block   span // its lines behind the header
	lines   []keyLine
}

// keyLine are the lines of a key, or of one that is a comment: #domain = 0.
type keyLine struct {
	key string
	at  span
}

// find looks for "section.key".
func find(text []byte, key string) (at position, err error) {
	name, _, _ := strings.Cut(key, ".")
	l := loader{file: "the text", text: text}
	var p unstable.Parser
	p.Reset(text)
	prefix := ""
	for p.NextExpression() {
		e := p.Expression()
		k, _ := l.keyOf(e)
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			if prefix = k; prefix == name {
				at.section, at.block = true, span{endOfLine(text, lastKey(e)), len(text)}
			} else if at.section && at.block.to == len(text) {
				at.block.to = startOfIts(text, lastKey(e))
			}
		case unstable.KeyValue:
			full := join(prefix, k)
			v := valueSpan(text, e)
			if prefix == name {
				at.lines = append(at.lines, keyLine{k, span{startOfIts(text, lastKey(e)), endOfLine(text, v.to)}})
			}
			if prefix == "" && strings.HasPrefix(k, name+".") {
				at.dotted = endOfLine(text, v.to)
			}
			switch {
			case full == key:
				at.value = v
			case full == name && e.Value().Kind == unstable.InlineTable:
				for it := e.Value().Children(); it.Next(); {
					if inner, _ := l.keyOf(it.Node()); join(full, inner) == key {
						at.value, at.inline = valueSpan(text, it.Node()), true
					}
				}
				if !at.inline {
					return at, fmt.Errorf("%s is a table in braces (fix: write it as a section, [%s], with a line for each key)", name, name)
				}
			}
		}
	}
	if p.Error() != nil {
		return at, fmt.Errorf("the text is not TOML: %w (fix: correct that first)", p.Error())
	}
	return at, nil
}

// place is where a new line with key k of a section goes: below the comment that shows
// it, else behind the keys that come before it in the table, else before those that
// come after it.
func (at position) place(text []byte, name, k string) int {
	_, table := defaults()
	section, _ := table.section(name)
	rank := func(key string) int {
		return slices.IndexFunc(section.options, func(o option) bool { return o.key == key })
	}
	var before, after keyLine
	for _, l := range append(at.comments(text, func(key string) bool { return rank(key) >= 0 }), at.lines...) {
		key, _, _ := strings.Cut(l.key, ".")
		switch r := rank(key); {
		case key == k:
			return l.at.to
		case r < rank(k) && (before == keyLine{} || r > rank(before.key) || r == rank(before.key) && l.at.to > before.at.to):
			before = l
		case r > rank(k) && (after == keyLine{} || r < rank(after.key)):
			after = l
		}
	}
	switch {
	case before != keyLine{}:
		return before.at.to
	case after != keyLine{}:
		return aboveItsComment(text, at.block.from, after.at.from)
	}
	return at.block.from
}

// commented is a key that is a comment.
var commented = regexp.MustCompile(`^[ \t]*#[ \t]*([a-z0-9_]+)[ \t]*=`)

// comments are the keys of the section that are comments.
func (at position) comments(text []byte, known func(key string) bool) (list []keyLine) {
	rest := at.lines // in the order of the text
	inside := func(i int) bool {
		for len(rest) > 0 && rest[0].at.to <= i {
			rest = rest[1:]
		}
		return len(rest) > 0 && rest[0].at.from <= i
	}
	for i := at.block.from; i < at.block.to; {
		end := endOfLine(text, i)
		line := text[i:end]
		if bytes.HasPrefix(bytes.TrimLeft(line, "# \t"), []byte("[")) && bytes.HasPrefix(bytes.TrimSpace(line), []byte("#")) && !inside(i) {
			break // a section that is a comment
		}
		if m := commented.FindSubmatch(line); m != nil && known(string(m[1])) && !inside(i) {
			list = append(list, keyLine{string(m[1]), span{i, end}})
		}
		i = end
	}
	return list
}

// aboveItsComment is the begin of the comment that stands right above a line, but not
// before from.
func aboveItsComment(text []byte, from, line int) int {
	for line > from {
		above := bytes.LastIndexByte(text[:line-1], '\n') + 1
		if above < from || !bytes.HasPrefix(bytes.TrimLeft(text[above:line], " \t"), []byte("#")) {
			break
		}
		line = above
	}
	return line
}

// startOfIts is the begin of the line that i stands in.
func startOfIts(text []byte, i int) int { return bytes.LastIndexByte(text[:i], '\n') + 1 }

// lastKey is where the key of a header or of a line ends.
func lastKey(e *unstable.Node) (end int) {
	for it := e.Key(); it.Next(); {
		n := it.Node()
		end = int(n.Raw.Offset + n.Raw.Length)
	}
	return end
}

func endOfLine(text []byte, i int) int {
	if end := bytes.IndexByte(text[i:], '\n'); end >= 0 {
		return i + end + 1
	}
	return len(text)
}

// valueSpan is where the value of a line stands: behind the equals sign, to its end.
func valueSpan(text []byte, e *unstable.Node) span {
	from := lastKey(e)
	from += bytes.IndexByte(text[from:], '=') + 1
	for text[from] == ' ' || text[from] == '\t' {
		from++
	}
	return span{from, endOfValue(text, from)}
}

// endOfValue is the end of the value that begins at i, in a text that is known to
// be TOML.
func endOfValue(text []byte, i int) int {
	depth := 0
	for i < len(text) {
		switch c := text[i]; c {
		case '"', '\'':
			quote := text[i : i+1]
			if bytes.HasPrefix(text[i:], bytes.Repeat(quote, 3)) {
				quote = bytes.Repeat(quote, 3)
			}
			i += len(quote)
			for !bytes.HasPrefix(text[i:], quote) {
				if text[i] == '\\' && c == '"' {
					i++
				}
				i++
			}
			i += len(quote)
			for len(quote) == 3 && i < len(text) && text[i] == c { // quotes before the last three
				i++
			}
			if depth == 0 {
				return i
			}
			continue
		case '[', '{':
			depth++
		case ']', '}':
			if depth == 0 {
				return i // of the table around it
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case '#':
			if depth == 0 {
				return endOfBare(text, i)
			}
			i = endOfLine(text, i)
			continue
		case '\n', ',':
			if depth == 0 {
				return endOfBare(text, i)
			}
		}
		i++
	}
	return endOfBare(text, i)
}

// endOfBare is where a value without quotes ends, without the blanks behind it.
func endOfBare(text []byte, i int) int {
	for i > 0 && (text[i-1] == ' ' || text[i-1] == '\t' || text[i-1] == '\r') {
		i--
	}
	return i
}
