package config

import (
	"fmt"
	"math"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"bragi/cmd/internal/syslog"
)

// value is a value as TOML decoded it; raw is how it stood on the command line.
type value struct {
	v   any
	raw string
	cli bool
}

// flaw says what a value must be and how to write it.
type flaw struct {
	must string // "must be 0 to 127"
	fix  string
}

// field is a field of one Config, and what may be written into it.
type field struct {
	pointer any                 // to the field; nil: the key has none
	read    func(v value) *flaw // puts a value into it, or says what is wrong with the value
	write   func() string       // its value as TOML
	reset   func()              // puts the default
	allowed func() string       // what may be written, in words
	schema  map[string]any      // what may be written, as a JSON schema
	choices []string            // what may be written, as TOML, when that is one of a few words; nil: more
	absent  string              // what holds without the key, in words; "": the default as TOML
}

// otherwise tells in words what holds without the key, where the default alone
// does not.
func (f field) otherwise(words string) field {
	f.absent = words
	return f
}

// bind makes the field at a pointer. A table is made at each start: words that
// cost something are made when they are asked for.
func bind[T any](at *T, initial T, allowed func() string, read func(value) (T, *flaw), write func(T) string) field {
	return field{
		pointer: at,
		read: func(v value) *flaw {
			x, f := read(v)
			if f == nil {
				*at = x
			}
			return f
		},
		write:   func() string { return write(*at) },
		reset:   func() { *at = initial },
		allowed: allowed,
		schema:  map[string]any{"type": "string"},
	}
}

// described gives a field another schema than any string.
func (f field) described(schema map[string]any) field {
	f.schema = schema
	return f
}

// oneOf is the schema of a few values.
func oneOf[T any](values []T) map[string]any { return map[string]any{"enum": values} }

// within is the schema of a number.
func within[T any](kind string, low, high T) map[string]any {
	return map[string]any{"type": kind, "minimum": low, "maximum": high}
}

// aList is the schema of a list of strings.
var aList = map[string]any{"type": "array", "items": map[string]any{"type": "string"}}

func words(s string) func() string { return func() string { return s } }

// show is a value as an error quotes it.
func (v value) show() string {
	switch x := v.v.(type) {
	case string:
		return strconv.Quote(clip(x, quotedMost))
	case float64:
		text := strconv.FormatFloat(x, 'g', -1, 64)
		if !strings.ContainsAny(text, ".eIN") {
			text += ".0" // what was no whole number is told as none
		}
		return text
	case []any:
		return "[...]"
	case map[string]any:
		return "a table"
	default:
		return fmt.Sprint(x)
	}
}

// asText is a string; on the command line quotes may be left out.
func (v value) asText() (string, bool) {
	if s, ok := v.v.(string); ok {
		return s, true
	}
	return v.raw, v.cli
}

// text is any string that ok accepts; fix says which.
func text(at *string, initial, fix string, ok func(string) bool) field {
	return bind(at, initial, words(fix), func(v value) (string, *flaw) {
		s, isText := v.asText()
		switch {
		case !isText:
			return "", &flaw{"must be a string in quotes", fix}
		case strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }):
			return "", &flaw{"must not hold control characters", fix}
		case !ok(s):
			return "", &flaw{"is not possible", fix}
		}
		return s, nil
	}, strconv.Quote)
}

// word is one of the choices; later lists those that another version will know.
func word(at *string, initial string, choices []string, later ...string) field {
	return named(at, initial, choices, func(s string) (string, error) { return s, nil }, later...)
}

// named is a word that another package reads.
func named[T any](at *T, initial T, choices []string, parse func(string) (T, error), later ...string) field {
	allowed := func() string { return quoted(choices) }
	f := bind(at, initial, allowed, func(v value) (none T, f *flaw) {
		s, isText := v.asText()
		fix := "one of " + allowed()
		if !isText {
			return none, &flaw{"must be a string in quotes", fix}
		}
		for _, w := range choices {
			if s != w {
				continue
			}
			if x, err := parse(s); err == nil {
				return x, nil
			}
		}
		for _, w := range later {
			if s == w {
				return none, &flaw{"is not supported by this version", fix}
			}
		}
		if near := nearest(s, choices); near != "" && near != s {
			return none, &flaw{"is not known", fmt.Sprintf("did you mean %q? %s", near, fix)}
		}
		return none, &flaw{"is not known", fix}
	}, func(x T) string { return strconv.Quote(fmt.Sprint(x)) })
	f.choices = quotes(choices)
	return f.described(oneOf(choices))
}

func quotes(words []string) []string {
	q := make([]string, len(words))
	for i, w := range words {
		q[i] = strconv.Quote(w)
	}
	return q
}

func quoted(words []string) string { return strings.Join(quotes(words), ", ") }

// meaning is something that may be written, a string or an int64, and the value
// that it stands for.
type meaning[T any] struct {
	written any
	value   T
}

// choice is one of a few values that are not all words.
func choice[T comparable](at *T, initial T, must, fix string, choices ...meaning[T]) field {
	f := bind(at, initial, words(fix), func(v value) (T, *flaw) {
		for _, c := range choices {
			if v.v == c.written {
				return c.value, nil
			}
		}
		return initial, &flaw{must, fix}
	}, func(x T) string {
		for _, c := range choices {
			if c.value == x {
				return value{v: c.written}.show()
			}
		}
		return ""
	})
	var written []any
	for _, c := range choices {
		f.choices = append(f.choices, value{v: c.written}.show())
		written = append(written, c.written)
	}
	return f.described(oneOf(written))
}

// choiceOf is one of a few whole numbers.
func choiceOf(at *int, initial int, must, fix string, numbers ...int) field {
	choices := make([]meaning[int], len(numbers))
	for i, n := range numbers {
		choices[i] = meaning[int]{int64(n), n}
	}
	return choice(at, initial, must, fix, choices...)
}

// whole is a whole number within limits.
func whole[T ~int | ~uint8 | ~uint16 | ~uint64](at *T, initial T, low, high int64, fix string) field {
	allowed := func() string { return fmt.Sprintf("%d to %d", low, high) }
	return bind(at, initial, allowed, func(v value) (T, *flaw) {
		n, ok := v.v.(int64)
		if !ok || n < low || n > high {
			return 0, &flaw{"must be a whole number from " + allowed(), fix}
		}
		return T(n), nil
	}, func(n T) string { return fmt.Sprint(n) }).described(within("integer", low, high))
}

// number is a number within limits.
func number(at *float64, initial, low, high float64, fix string) field {
	allowed := func() string { return fmt.Sprintf("%g to %g", low, high) }
	return bind(at, initial, allowed, func(v value) (float64, *flaw) {
		x := math.NaN()
		switch n := v.v.(type) {
		case float64:
			x = n
		case int64:
			x = float64(n)
		}
		if !(x >= low && x <= high) {
			return 0, &flaw{"must be a number from " + allowed(), fix}
		}
		return x, nil
	}, func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }).described(within("number", low, high))
}

// onByDefault is true unless the file says false.
func onByDefault(at *bool) field { return boolean(at, true) }

// offByDefault is false unless the file says true.
func offByDefault(at *bool) field { return boolean(at, false) }

func boolean(at *bool, initial bool) field {
	f := bind(at, initial, words("true, false"), func(v value) (bool, *flaw) {
		b, ok := v.v.(bool)
		if !ok {
			return false, &flaw{"must be true or false", "without quotes"}
		}
		return b, nil
	}, strconv.FormatBool)
	f.choices = []string{"true", "false"}
	return f.described(map[string]any{"type": "boolean"})
}

// never is what the word "never" is read as, where a duration may be that.
const never = time.Duration(-1)

// forever is the limit of a duration that has none.
const forever = time.Duration(math.MaxInt64)

// duration is a Go duration within limits.
func duration(at *time.Duration, initial, low, high time.Duration, example string) field {
	allowed := func() string { return rangeText(low, high) }
	return bind(at, initial, allowed, func(v value) (time.Duration, *flaw) {
		return readDuration(v, low, high, fmt.Sprintf("for example %q", example))
	}, func(d time.Duration) string { return strconv.Quote(durationText(d)) })
}

// durationOrNever is a duration, or the word "never".
func durationOrNever(at *time.Duration, initial, low, high time.Duration, example string) field {
	allowed := func() string { return rangeText(low, high) + `, or "never"` }
	return bind(at, initial, allowed, func(v value) (time.Duration, *flaw) {
		if s, _ := v.asText(); s == "never" {
			return never, nil
		}
		return readDuration(v, low, high, fmt.Sprintf(`for example %q, or "never"`, example))
	}, func(d time.Duration) string {
		if d < 0 {
			return `"never"`
		}
		return strconv.Quote(durationText(d))
	})
}

func readDuration(v value, low, high time.Duration, fix string) (time.Duration, *flaw) {
	s, isText := v.asText()
	if !isText {
		return 0, &flaw{"must be a duration in quotes", fix}
	}
	d, err := time.ParseDuration(s)
	if err != nil && durationPattern.MatchString(s) {
		err, d = nil, forever // more than a duration can be
		if strings.HasPrefix(s, "-") {
			d = -forever
		}
		if low == -forever && high == forever {
			return 0, &flaw{"is more than 292 years", fix}
		}
	}
	if err != nil {
		return 0, &flaw{"is no duration", fix + "; units are ns, us, ms, s, m, h"}
	}
	if d < low || d > high {
		return 0, &flaw{"must be " + rangeText(low, high), fix}
	}
	return d, nil
}

// durationPattern is the form of a duration, however long it is.
var durationPattern = regexp.MustCompile(`^[-+]?([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+$`)

func rangeText(low, high time.Duration) string {
	if high == forever {
		return "any duration"
	}
	return durationText(low) + " to " + durationText(high)
}

// durationText is a duration as an operator writes it: "1.5us", "4h".
func durationText(d time.Duration) string {
	s := strings.Replace(d.String(), "µ", "u", 1)
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// texts is a list of strings; on the command line also one, or several with
// commas.
func (v value) texts() ([]string, bool) {
	list, ok := v.v.([]any)
	if !ok {
		if s, isText := v.asText(); isText && v.cli {
			if s == "" {
				return []string{}, true
			}
			return strings.Split(s, ","), true
		}
		return nil, false
	}
	out := make([]string, 0, len(list))
	for _, x := range list {
		s, isText := x.(string)
		if !isText {
			return nil, false
		}
		out = append(out, s)
	}
	return out, true
}

// list is a list of strings that parse reads one by one. Without the key it is
// nil.
func list[T any](at *[]T, example string, parse func(string) (T, *flaw)) field {
	fix := "for example " + example
	return bind(at, nil, words("a list, "+fix), func(v value) ([]T, *flaw) {
		texts, ok := v.texts()
		if !ok {
			return nil, &flaw{"must be a list of strings", fix}
		}
		out := make([]T, 0, len(texts))
		for _, s := range texts {
			x, f := parse(s)
			if f != nil {
				if f.fix == "" {
					f.fix = fix
				}
				return nil, f
			}
			out = append(out, x)
		}
		return out, nil
	}, func(l []T) string {
		texts := make([]string, len(l))
		for i, x := range l {
			texts[i] = strconv.Quote(fmt.Sprint(x))
		}
		return "[" + strings.Join(texts, ", ") + "]"
	}).described(aList)
}

// prefixes is a list of IPv4 prefixes or addresses.
func prefixes(at *[]netip.Prefix) field {
	return list(at, `["10.0.0.0/8", "192.0.2.7"]`, func(s string) (netip.Prefix, *flaw) {
		s = strings.TrimSpace(s)
		p, err := netip.ParsePrefix(s)
		if a, addrErr := netip.ParseAddr(s); err != nil && addrErr == nil {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil || !p.Addr().Is4() {
			return p, &flaw{must: fmt.Sprintf("has %q, which is no IPv4 prefix", clip(s, quotedMost))}
		}
		if p != p.Masked() {
			return p, &flaw{fmt.Sprintf("has %q, which has bits beyond its length", clip(s, quotedMost)), fmt.Sprintf("%q, or %q", p.Masked(), netip.PrefixFrom(p.Addr(), 32))}
		}
		return p, nil
	})
}

// nameMost is how long a client's name may be, in characters.
const nameMost = 40

func expected(at *[]Expected) field {
	return list(at, `["10.6.0.12 RPD node 12"]`, func(s string) (e Expected, wrong *flaw) {
		address, name, _ := strings.Cut(strings.TrimSpace(s), " ")
		a, err := netip.ParseAddr(address)
		if err != nil || !a.Is4() {
			return e, &flaw{must: fmt.Sprintf("has %q, which does not begin with an IPv4 address", clip(s, quotedMost))}
		}
		e = Expected{a, strings.TrimSpace(name)}
		printable := !strings.ContainsFunc(e.Name, func(r rune) bool { return !unicode.IsPrint(r) })
		if n := utf8.RuneCountInString(e.Name); n == 0 || n > nameMost || !printable {
			return e, &flaw{must: fmt.Sprintf("has %q, which has no name of 1 to %d printable characters behind the address", clip(s, quotedMost), nameMost)}
		}
		return e, nil
	})
}

// hostPattern is a host's name or address, with a port or without.
var hostPattern = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$`)

// opinion is one of two words, or a list of NTP servers.
func opinion(at *[]string) field {
	f := list(at, `["ntp1.example.net", "192.0.2.7"]`, func(s string) (string, *flaw) {
		if s == OpinionAuto || s == OpinionOff || !hostPattern.MatchString(s) {
			return "", &flaw{must: fmt.Sprintf("has %q, which is no server", clip(s, quotedMost))}
		}
		return s, nil
	})
	servers, write := f.read, f.write
	f.read = func(v value) *flaw {
		switch s, isText := v.asText(); {
		case isText && (s == OpinionAuto || s == OpinionOff):
			*at = []string{s}
			return nil
		case isText && !v.cli:
			return &flaw{"is not known", `"auto", "off" or a list of NTP servers`}
		}
		if f := servers(v); f != nil {
			return f
		}
		if len(*at) == 0 {
			*at = []string{OpinionOff}
		}
		return nil
	}
	f.write = func() string {
		if len(*at) == 1 && ((*at)[0] == OpinionAuto || (*at)[0] == OpinionOff) {
			return strconv.Quote((*at)[0])
		}
		return write()
	}
	f.reset = func() { *at = []string{OpinionAuto} }
	f.schema = map[string]any{"anyOf": []any{oneOf([]string{OpinionAuto, OpinionOff}), aList}}
	f.allowed = words(`"auto", "off", or a list of NTP servers, for example ["ntp1.example.net", "192.0.2.7"]`)
	return f
}

// userPattern is a user's name or number.
var userPattern = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_.-]{0,31}\$?|[0-9]{1,10})$`)

// users is a list of users of the machine.
func users(at *[]string) field {
	return list(at, `["anna", "1001"]`, func(s string) (string, *flaw) {
		if !userPattern.MatchString(s) {
			return "", &flaw{must: fmt.Sprintf("has %q, which is no name or number of a user", s)}
		}
		return s, nil
	})
}

// targets is a list of syslog servers.
func targets(at *[]string) field {
	return list(at, `["udp://10.1.1.1:514", "tls://loghost.example.net"]`, func(s string) (string, *flaw) {
		if _, err := syslog.ParseTarget(s); err != nil {
			return "", &flaw{must: fmt.Sprintf("has %q, which is no target", clip(s, quotedMost))}
		}
		return s, nil
	})
}
