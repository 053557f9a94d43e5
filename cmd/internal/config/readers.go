package config

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
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

// reader puts a value into the configuration, or says what is wrong with it.
type reader func(c *Config, v value) *flaw

// show is a value as an error quotes it.
func (v value) show() string {
	switch x := v.v.(type) {
	case string:
		return strconv.Quote(x)
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

// text is any string that ok accepts (nil: all).
func text(field func(*Config) *string, fix string, ok func(string) bool) reader {
	return func(c *Config, v value) *flaw {
		s, isText := v.asText()
		if !isText {
			return &flaw{"must be a string in quotes", fix}
		}
		if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return &flaw{"must not hold control characters", fix}
		}
		if ok != nil && !ok(s) {
			return &flaw{"is not possible", fix}
		}
		*field(c) = s
		return nil
	}
}

// word is one of the choices; later lists those that another version will know.
func word(field func(*Config) *string, choices []string, later ...string) reader {
	fix := "one of " + quoted(choices)
	return func(c *Config, v value) *flaw {
		s, isText := v.asText()
		if !isText {
			return &flaw{"must be a string in quotes", fix}
		}
		for _, w := range choices {
			if s == w {
				*field(c) = s
				return nil
			}
		}
		for _, w := range later {
			if s == w {
				return &flaw{"is not supported by this version", fix}
			}
		}
		if near := nearest(s, choices); near != "" {
			return &flaw{"is not known", fmt.Sprintf("did you mean %q? %s", near, fix)}
		}
		return &flaw{"is not known", fix}
	}
}

// parsed is a word that another package reads.
func parsed[T any](field func(*Config) *T, choices []string, parse func(string) (T, error)) reader {
	var chosen string
	check := word(func(*Config) *string { return &chosen }, choices)
	return func(c *Config, v value) *flaw {
		if f := check(c, v); f != nil {
			return f
		}
		s, _ := v.asText()
		t, err := parse(s)
		if err != nil {
			return &flaw{"is not known", "one of " + quoted(choices)}
		}
		*field(c) = t
		return nil
	}
}

func quoted(words []string) string {
	q := make([]string, len(words))
	for i, w := range words {
		q[i] = strconv.Quote(w)
	}
	return strings.Join(q, ", ")
}

// whole is a whole number within limits.
func whole[T ~int | ~uint8 | ~uint16 | ~uint64](field func(*Config) *T, low, high int64, fix string) reader {
	return func(c *Config, v value) *flaw {
		n, ok := v.v.(int64)
		if !ok || n < low || n > high {
			return &flaw{fmt.Sprintf("must be a whole number from %d to %d", low, high), fix}
		}
		*field(c) = T(n)
		return nil
	}
}

// number is a number within limits.
func number(field func(*Config) *float64, low, high float64, fix string) reader {
	return func(c *Config, v value) *flaw {
		var f float64
		switch x := v.v.(type) {
		case float64:
			f = x
		case int64:
			f = float64(x)
		default:
			f = math.NaN()
		}
		if !(f >= low && f <= high) {
			return &flaw{fmt.Sprintf("must be a number from %g to %g", low, high), fix}
		}
		*field(c) = f
		return nil
	}
}

// boolean is true or false.
func boolean(field func(*Config) *bool) reader {
	return func(c *Config, v value) *flaw {
		b, ok := v.v.(bool)
		if !ok {
			return &flaw{"must be true or false", "without quotes"}
		}
		*field(c) = b
		return nil
	}
}

// neverDuration is what `"never"` is read as.
const neverDuration = -1

// duration is a Go duration within limits; with never, also that word.
func duration(field func(*Config) *time.Duration, low, high time.Duration, example string, never bool) reader {
	return func(c *Config, v value) *flaw {
		fix := fmt.Sprintf("for example %q", example)
		if never {
			fix += `, or "never"`
		}
		s, isText := v.asText()
		if never && s == "never" {
			*field(c) = neverDuration
			return nil
		}
		if !isText {
			return &flaw{"must be a duration in quotes", fix}
		}
		d, err := time.ParseDuration(s)
		if err != nil {
			return &flaw{"is no duration", fix + "; units are ns, us, ms, s, m, h"}
		}
		if d < low || d > high {
			return &flaw{fmt.Sprintf("must be %v to %v", low, high), fix}
		}
		*field(c) = d
		return nil
	}
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

// prefixes is a list of IPv4 prefixes or addresses.
func prefixes(field func(*Config) *[]netip.Prefix) reader {
	const fix = `for example ["10.0.0.0/8", "192.0.2.7"]`
	return func(c *Config, v value) *flaw {
		list, ok := v.texts()
		if !ok {
			return &flaw{"must be a list of strings", fix}
		}
		out := make([]netip.Prefix, 0, len(list))
		for _, s := range list {
			s = strings.TrimSpace(s)
			p, err := netip.ParsePrefix(s)
			if a, addrErr := netip.ParseAddr(s); err != nil && addrErr == nil {
				p, err = netip.PrefixFrom(a, a.BitLen()), nil
			}
			if err != nil || !p.Addr().Is4() {
				return &flaw{fmt.Sprintf("has %q, which is no IPv4 prefix", s), fix}
			}
			if p != p.Masked() {
				return &flaw{fmt.Sprintf("has %q, which has bits beyond its length", s), fmt.Sprintf("%q, or %q", p.Masked(), netip.PrefixFrom(p.Addr(), 32))}
			}
			out = append(out, p)
		}
		*field(c) = out
		return nil
	}
}

// unsupported refuses a key whose feature this version lacks, unless its value
// asks for nothing.
func unsupported(nothing func(v any) bool, fix string) reader {
	return func(_ *Config, v value) *flaw {
		if nothing(v.v) {
			return nil
		}
		return &flaw{"is not supported by this version", fix}
	}
}
