package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"bragi/cmd/internal/file"
)

// SizeLimit is the most bytes that a configuration may have: the examples, which show
// every key with its comment, have less than a third of it.
const SizeLimit = 64 << 10

// shorten is the fix of a configuration that has more.
const shorten = "shorten it to 64 KiB; configs/ has examples"

// TooLarge is the error of a text with more bytes than SizeLimit; name is where it is from.
func TooLarge(name string) error {
	return fmt.Errorf("config: %s has more than %d bytes: %w (fix: %s)", name, SizeLimit, file.ErrTooLarge, shorten)
}

// Load reads the file at path, overrides what sets name ("section.key=value", a TOML value
// or a bare string), and judges the whole. The error is Problems when the
// configuration is wrong.
func Load(path string, sets []string) (*Config, []Warning, error) {
	text, err := ReadText(path)
	if err != nil {
		return nil, nil, err
	}
	return Parse(path, text, sets)
}

// CheckEncoding tells why a text is none that a configuration may be in.
func CheckEncoding(name string, text []byte) error {
	if line, f := encoding(text); f != nil {
		return Problems{{File: name, Line: line, What: "the file " + f.must, Fix: f.fix}}
	}
	return nil
}

// ReadText is the file's text, whatever it says.
func ReadText(path string) ([]byte, error) {
	text, err := file.Read(path, SizeLimit)
	if errors.Is(err, file.ErrTooLarge) {
		return nil, fmt.Errorf("config: %w (fix: %s)", err, shorten)
	}
	if err != nil {
		return nil, fmt.Errorf("config: %w (fix: name a file that can be read; configs/ has examples)", err)
	}
	return text, nil
}

// Parse is Load of a text that was read; name is the file's in errors.
func Parse(name string, text []byte, sets []string) (*Config, []Warning, error) {
	if len(text) > SizeLimit {
		return nil, nil, TooLarge(name)
	}
	cfg, table := defaults()
	cfg.File = name
	l := loader{file: name, text: text, cfg: cfg, table: table}
	settings := l.commandLine(sets)
	tree := map[string]any{}
	if line, f := encoding(text); f != nil {
		l.fail(place{file: name, line: line}, "the file "+f.must, f.fix)
	} else if err := toml.Unmarshal(text, &tree); err != nil {
		l.syntax(err)
	} else {
		l.lines()
		for key, s := range l.flatten(tree) {
			// The command line goes before the file, also before what is wrong there.
			if _, overridden := settings[key]; !overridden {
				settings[key] = s
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		l.apply(key, settings[key])
	}
	if len(l.problems) > 0 {
		l.problems.sort()
		return nil, nil, l.problems
	}
	l.judge()
	if len(l.problems) > 0 {
		l.problems.sort()
		return nil, nil, l.problems
	}
	return l.cfg, l.warnings, nil
}

// loader is one run of Parse.
type loader struct {
	file     string
	text     []byte
	whole    string // the text again, for the excerpts, which share it
	ends     []int  // of the text's lines; nil: not looked for yet
	cfg      *Config
	table    table          // its fields are cfg's
	line     map[string]int // of each key and section; an entry of [[reference]] is "reference.0"
	problems Problems
	warnings []Warning
}

// setting is a value and where it was set.
type setting struct {
	value
	at place
}

func (l *loader) fail(at place, what, fix string) {
	l.problems = append(l.problems, at.problem(what, fix))
}

// at is the place of line n of the file.
func (l *loader) at(n int) place {
	p := place{file: l.file, line: n}
	if ends := l.lineEnds(); n > 0 && n <= len(ends) {
		from := 0
		if n > 1 {
			from = ends[n-2] + 1
		}
		if l.whole == "" {
			l.whole = string(l.text)
		}
		p.excerpt = l.whole[from:ends[n-1]]
	}
	return p
}

// lineEnds is where each line of the text ends. The text is looked through once: there
// may be as many keys as lines.
func (l *loader) lineEnds() []int {
	if l.ends == nil {
		for i, c := range l.text {
			if c == '\n' {
				l.ends = append(l.ends, i)
			}
		}
		l.ends = append(l.ends, len(l.text))
	}
	return l.ends
}

// lineOf is the number of the line that byte i stands in.
func (l *loader) lineOf(i int) int {
	n, _ := slices.BinarySearch(l.lineEnds(), i)
	return n + 1
}

// syntax tells what TOML did not understand.
func (l *loader) syntax(err error) {
	var d *toml.DecodeError
	n := 0
	if errors.As(err, &d) {
		n, _ = d.Position()
	}
	at := l.at(n)
	what, fix := syntaxWords(err.Error(), at.excerpt)
	l.fail(at, what, fix)
}

// prefixMost is longer than the name of any section: nobody asks for the line of a key
// in a longer one, and each key would be kept with all of it.
const prefixMost = 64

// lines finds the line of each key. The text is known to be TOML.
func (l *loader) lines() {
	l.line = map[string]int{}
	var p unstable.Parser
	p.Reset(l.text)
	prefix, tables := "", map[string]int{}
	for p.NextExpression() {
		e := p.Expression()
		key, n := l.keyOf(e)
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			prefix = key
			if e.Kind == unstable.ArrayTable {
				prefix = fmt.Sprintf("%s.%d", key, tables[key])
				tables[key]++
			}
			l.note(prefix, n)
		case unstable.KeyValue:
			if len(prefix) <= prefixMost {
				full := join(prefix, key)
				l.note(full, n)
				l.inline(full, e.Value())
			}
		}
	}
}

// inline notes the keys of inline tables.
func (l *loader) inline(prefix string, v *unstable.Node) {
	if v.Kind != unstable.InlineTable || len(prefix) > prefixMost {
		return
	}
	for it := v.Children(); it.Next(); {
		if n := it.Node(); n.Kind == unstable.KeyValue {
			key, line := l.keyOf(n)
			l.note(join(prefix, key), line)
			l.inline(join(prefix, key), n.Value())
		}
	}
}

// levelsMost is how deep the keys are that are asked for: reference.0.kind.
const levelsMost = 3

// note writes down the first line of a key and of the sections that it is in.
func (l *loader) note(key string, line int) {
	write := func(key string) {
		if _, known := l.line[key]; !known {
			l.line[key] = line
		}
	}
	for i, levels := 0, 1; i < len(key) && levels < levelsMost; i++ {
		if key[i] == '.' {
			write(key[:i])
			levels++
		}
	}
	write(key)
}

func (l *loader) keyOf(e *unstable.Node) (key string, line int) {
	var b strings.Builder
	for it := e.Key(); it.Next(); {
		n := it.Node()
		if line == 0 {
			line = l.lineOf(int(n.Raw.Offset))
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.Write(n.Data)
	}
	return b.String(), line
}

func join(prefix, key string) string {
	if prefix == "" {
		return key
	}
	return prefix + "." + key
}

// flatten turns the tree into "section.key"; sections that are none are told.
func (l *loader) flatten(tree map[string]any) map[string]setting {
	out := map[string]setting{}
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		at := l.at(l.line[name])
		section, known := l.table.section(name)
		if section.entries != nil {
			l.references(tree[name])
			continue
		}
		body, isTable := tree[name].(map[string]any)
		switch {
		case !known && isTable:
			l.fail(at, fmt.Sprintf("unknown section [%s]", clip(name, quotedMost)), l.sectionLike(name))
		case !known:
			l.fail(at, fmt.Sprintf("key %s stands outside a section", clip(name, quotedMost)), l.home(name))
		case !isTable:
			l.fail(at, fmt.Sprintf("%s must be a section", name), fmt.Sprintf("[%s] on a line of its own", name))
		}
		if !known || !isTable {
			continue
		}
		for _, k := range slices.Sorted(maps.Keys(body)) {
			key := join(name, k)
			out[key] = setting{value{v: body[k]}, l.at(l.line[key])}
		}
	}
	return out
}

// commandLine reads the --set arguments; the last of a key counts.
func (l *loader) commandLine(sets []string) map[string]setting {
	out := map[string]setting{}
	for _, s := range sets {
		at := place{excerpt: s}
		key, raw, found := strings.Cut(s, "=")
		key, raw = strings.TrimSpace(key), strings.TrimSpace(raw)
		if !found || strings.Count(key, ".") != 1 {
			l.fail(at, "must be section.key=value", "for example --set master.domain=24")
			continue
		}
		name, _, _ := strings.Cut(key, ".")
		if s, _ := l.table.section(name); s.entries != nil {
			l.fail(at, s.header()+" cannot be set from the command line", "write it in the file")
			continue
		}
		out[key] = setting{typed(raw), at}
	}
	return out
}

// typed is a value as a person types it outside of a file: TOML, or a string
// without its quotes.
func typed(raw string) value {
	v := value{v: raw, raw: raw, cli: true}
	tree := map[string]any{}
	if toml.Unmarshal([]byte("v = "+raw), &tree) == nil && len(tree) == 1 {
		v.v = tree["v"]
	}
	return v
}

// apply puts a setting into the configuration.
func (l *loader) apply(key string, s setting) {
	name, k, _ := strings.Cut(key, ".")
	section, known := l.table.section(name)
	if !known {
		l.fail(s.at, fmt.Sprintf("unknown section %s", clip(name, quotedMost)), didYouMean(name, l.table.names()))
		return
	}
	o, known := section.find(k)
	if !known {
		l.fail(s.at, fmt.Sprintf("unknown key %s", clip(key, quotedMost)), l.suggest(section, k))
		return
	}
	if l.put(o, key, s) {
		l.cfg.where[key] = s.at
	}
}

// put reads a value into the field of an option.
func (l *loader) put(o option, key string, s setting) bool {
	f := o.read(s.value)
	if f != nil {
		l.fail(s.at, fmt.Sprintf("%s = %s %s", key, s.show(), f.must), f.fix)
	}
	return f == nil
}

// suggest names the key that was meant, or those that there are.
func (l *loader) suggest(s section, key string) string {
	if near := nearest(key, s.keys()); near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	if home := l.owner(key); home != "" {
		return "it belongs to " + home
	}
	return fmt.Sprintf("%s has %s", s.header(), strings.Join(s.keys(), ", "))
}

// sectionLike names the section that was meant, or those that there are.
func (l *loader) sectionLike(typed string) string {
	if meant, known := l.table.section(nearest(typed, l.table.names())); known {
		return fmt.Sprintf("did you mean %s?", meant.header())
	}
	return "one of " + strings.Join(l.table.names(), ", ")
}

// home is the section that a key outside of one belongs to.
func (l *loader) home(key string) string {
	if home := l.owner(key); home != "" {
		return "it belongs to " + home
	}
	return "put it under one of " + strings.Join(l.table.names(), ", ")
}

// owner is the header of the first section that has the key, "" when none has.
func (l *loader) owner(key string) string {
	for _, s := range l.table {
		if _, has := s.find(key); has {
			return s.header()
		}
	}
	return ""
}

// didYouMean names the word that was meant, or those that there are.
func didYouMean(typed string, list []string) string {
	if near := nearest(typed, list); near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	return "one of " + strings.Join(list, ", ")
}

// referencesMost is how many entries [[reference]] may have.
const referencesMost = 16

// references reads [[reference]].
func (l *loader) references(v any) {
	wrong := func() {
		l.fail(l.at(l.line["reference"]), "reference must be a list of tables", "[[reference]], with two brackets")
	}
	list, ok := v.([]any)
	if !ok {
		wrong()
		return
	}
	if len(list) > referencesMost {
		first, separate := l.line[fmt.Sprintf("reference.%d", referencesMost)]
		if !separate {
			first = l.line["reference"]
		}
		l.fail(l.at(first), fmt.Sprintf("there are %d references, more than %d", len(list), referencesMost), "leave some out")
		return
	}
	for i, entry := range list {
		prefix := fmt.Sprintf("reference.%d", i)
		body, ok := entry.(map[string]any)
		if !ok {
			wrong()
			return
		}
		var r Reference
		s := section{options: r.options()}
		for _, o := range s.options {
			o.reset()
		}
		r.Priority += i
		for _, k := range slices.Sorted(maps.Keys(body)) {
			at := l.at(l.line[join(prefix, k)])
			if o, known := s.find(k); known {
				l.cfg.where[join(prefix, k)] = at
				l.put(o, join("reference", k), setting{value{v: body[k]}, at})
			} else {
				l.fail(at, fmt.Sprintf("unknown key reference.%s", clip(k, quotedMost)), didYouMean(k, s.keys()))
			}
		}
		if _, named := body["kind"]; !named {
			l.fail(l.at(l.line[prefix]), "this reference has no kind", `kind = "gnss", "pps" or "internal"`)
		}
		_, r.delaySet = body["pps_delay"]
		_, r.uncertaintySet = body["pps_uncertainty"]
		l.cfg.where[prefix] = l.at(l.line[prefix])
		l.cfg.References = append(l.cfg.References, r)
	}
}
