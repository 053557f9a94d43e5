// Package ios reads the configuration of an ASR900 grandmaster (Cisco IOS), and
// writes the lines that its clients, a cBR8 and its RPDs, need for bragi.
package ios

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// MaxBytes is the largest text that Import reads.
const MaxBytes = 16 << 20

// Import is what became of a configuration.
type Import struct {
	Taken    []Key  `json:"taken"`
	Ignored  []Line `json:"ignored"`  // means nothing to bragi; Text says why
	Errors   []Line `json:"errors"`   // unknown, or contradictory
	Warnings []Line `json:"warnings"` // the line is read, and its operator should know something
	Others   int    `json:"others"`   // lines of commands that have nothing to do with a clock
}

// Key is a key of bragi's configuration, its value in TOML, and where it comes from.
type Key struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	Line  int    `json:"line"`
	From  string `json:"from"`
}

// Line is a line of the text, counted from 1, and what is said of it.
type Line struct {
	Line int    `json:"line"`
	From string `json:"from"`
	Text string `json:"text"`
}

type reader struct {
	Import
	block      string // the command that opened the block: "ptp clock", "interface", "others", or ""
	name       string // of the interface, whole and in small letters
	transport  string // the interface that the master's port serves from
	at         Key    // where transport was told
	role       string // of the clock port
	addresses  map[string]Key
	references int               // receivers of the list of inputs
	clock      int               // the line of the first "ptp clock"; 0: none yet
	other      bool              // inside a further "ptp clock"
	dropped    map[string][]Line // further addresses of an interface
	line       int
	from       string
}

// Read imports a configuration. A line's comment begins with <<< or !.
func Read(text string) (*Import, error) {
	if len(text) > MaxBytes {
		return nil, fmt.Errorf("the configuration has more than %d octets (fix: keep its lines about the clock)", MaxBytes)
	}
	r := &reader{addresses: map[string]Key{}, dropped: map[string][]Line{}, Import: Import{Taken: []Key{}, Ignored: []Line{}, Errors: []Line{}, Warnings: []Line{}}}
	for raw := range strings.Lines(text) {
		r.line++
		r.read(raw)
	}
	r.finish()
	return &r.Import, nil
}

func (r *reader) read(raw string) {
	line, _, _ := strings.Cut(raw, "<<<")
	indented := len(line) > 0 && (line[0] == ' ' || line[0] == '\t')
	words := strings.FieldsFunc(strings.TrimPrefix(line, "\ufeff"), func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) })
	r.from = strings.Join(words, " ")
	if len(words) == 0 || strings.HasPrefix(words[0], "!") || prompt.MatchString(r.from) {
		return
	}
	if len(r.from) > longestLine {
		r.from = r.from[:longestLine] + "..."
		r.error("The line is too long. fix: remove it.")
		return
	}
	lower := strings.Fields(strings.ToLower(r.from))
	if lower[0] == "no" && r.takesBack(lower[1:]) {
		if !indented {
			r.block = "others"
		}
		r.error("The line takes something back, and bragi reads what a configuration is. fix: remove this line, and what it takes back.")
		return
	}
	for _, rule := range rules {
		values, matches := rule.match(lower)
		if !matches || rule.within != "" && rule.within != r.block {
			continue
		}
		if rule.opens != "" {
			r.block = rule.opens
			if r.other = r.block == "ptp clock" && r.clock > 0; r.other {
				r.error(fmt.Sprintf("Line %d says `ptp clock` already: bragi has one clock, and takes the first block. fix: keep one of the two.", r.clock))
				return
			}
			if r.block == "ptp clock" {
				r.clock = r.line
			}
		}
		if r.other && rule.within == "ptp clock" {
			r.ignore("It is of a further `ptp clock`, which is not taken.")
			return
		}
		rule.do(r, values)
		return
	}
	if r.block == "interface" || r.block == "others" && (indented || !opens(lower[0])) {
		r.Others++
		return
	}
	if !indented && opens(lower[0]) {
		r.block = "others"
		r.Others++
		return
	}
	r.error("bragi does not know this line. fix: remove it, or set what it means in bragi's own configuration.")
}

// takesBack tells whether a line is about the clock, without its "no".
func (r *reader) takesBack(words []string) bool {
	return slices.ContainsFunc(rules, func(u rule) bool {
		_, matches := u.match(words)
		return matches && strings.Contains(u.pattern, " ") && u.within != "interface" && (u.within == "" || u.within == r.block)
	})
}

const longestLine = 200

var prompt = regexp.MustCompile(`^[\w.-]+(?:\([\w-]+\))?[#>]`)

func (r *reader) error(text string) { r.Errors = append(r.Errors, Line{r.line, r.from, text}) }
func (r *reader) ignore(text string) {
	r.Ignored = append(r.Ignored, Line{r.line, r.from, text})
}
func (r *reader) warn(text string) { r.Warnings = append(r.Warnings, Line{r.line, r.from, text}) }

func (r *reader) take(key, value string) {
	for i, k := range r.Taken {
		if k.Key == key {
			if k.Value != value {
				r.error(fmt.Sprintf("Line %d says %s = %s already. fix: keep one of the two.", k.Line, key, k.Value))
			}
			r.Taken[i] = k
			return
		}
	}
	r.Taken = append(r.Taken, Key{key, value, r.line, r.from})
}

// finish joins what stands in several lines.
func (r *reader) finish() {
	if r.transport == "" {
		return
	}
	r.line, r.from = r.at.Line, r.at.From
	if address, found := r.addresses[r.transport]; found {
		r.line, r.from = address.Line, address.From
		r.take("master.address", fmt.Sprintf("%q", address.Value))
		for _, l := range r.dropped[r.transport] {
			r.line, r.from = l.Line, l.From
			r.warn(l.Text)
		}
		return
	}
	r.error(fmt.Sprintf("The text holds no `ip address` of the interface %s. fix: add its block, or set master.address yourself.", r.transport))
}

// Speaks tells whether a line of the text is about a clock, or is none that bragi knows.
func (i *Import) Speaks() bool { return len(i.Taken)+len(i.Ignored)+len(i.Errors)+len(i.Warnings) > 0 }

// TOML is what was taken, as a part of bragi's configuration. Each line names its
// source.
func (i *Import) TOML() string {
	var b strings.Builder
	var tables []string
	lines := map[string]string{}
	for _, k := range i.Taken {
		at := strings.LastIndex(k.Key, ".")
		table, key := k.Key[:at], k.Key[at+1:]
		if lines[table] == "" {
			tables = append(tables, table)
		}
		lines[table] += fmt.Sprintf("%-28s # line %d: %s\n", key+" = "+k.Value, k.Line, k.From)
	}
	for _, table := range tables {
		head := "[" + table + "]"
		if list, _, entry := strings.Cut(table, "."); entry {
			head = "[[" + list + "]]"
		}
		b.WriteString(head + "\n" + lines[table])
	}
	return b.String()
}

// interfaceName is the whole name of an interface in small letters: lo1588 and
// Loopback1588 are one.
func interfaceName(words ...string) string {
	name := strings.ToLower(strings.Join(words, ""))
	at := strings.IndexFunc(name, unicode.IsDigit)
	if at < 0 {
		at = len(name)
	}
	kind, number := name[:at], name[at:]
	for _, whole := range []string{"loopback", "gigabitethernet", "tengigabitethernet", "vlan", "bdi", "port-channel", "fastethernet"} {
		if len(kind) >= 2 && strings.HasPrefix(whole, kind) {
			return whole + number
		}
	}
	return kind + number
}

func (r *reader) address(values []string) {
	if r.block != "interface" {
		return
	}
	address, err := netip.ParseAddr(values[0])
	if err != nil || !address.Is4() {
		r.error("This is no IPv4 address. fix: correct it.")
		return
	}
	first, found := r.addresses[r.name]
	switch {
	case slices.Contains(values[1:], "secondary"):
		r.drop("It is a secondary address, and bragi serves at one address. fix: point the clients to the primary one.")
	case !found:
		r.addresses[r.name] = Key{Value: address.String(), Line: r.line, From: r.from}
	case first.Value != address.String():
		r.drop(fmt.Sprintf("Line %d gives this interface the address %s already. fix: keep one of the two.", first.Line, first.Value))
	}
}

// drop keeps a line of this interface, to be told when the master serves from it.
func (r *reader) drop(text string) {
	r.dropped[r.name] = append(r.dropped[r.name], Line{r.line, r.from, text})
}
