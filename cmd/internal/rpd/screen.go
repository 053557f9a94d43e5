package rpd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// ErrNoScreen is what Decode returns for a text in which it knows nothing again.
var ErrNoScreen = errors.New("the text holds none of the RPD's screens. " +
	"fix: paste the output of `show ptp clock 0 state`, `show ptp clock 0 statistics` or `show ptp clock 0 config`")

var errCovered = errors.New("something stands in front of the lines of the RPD's screens, so that none can be read. fix: paste the screens without it")

// Decode reads every screen in the text, in a time that grows as the text does. When a
// screen is there twice, the later one counts. It ends early, with ctx's error, when ctx
// is done.
func Decode(ctx context.Context, text string) (*Report, error) {
	if len(text) > MaxBytes {
		return nil, fmt.Errorf("the text has more than %d octets (fix: paste only the RPD's screens)", MaxBytes)
	}
	report, unread := &Report{}, unread{}
	lines, heads := clean(text, unread)
	if heads.covered > 0 && heads.bare == 0 {
		return nil, errCovered
	}
	for _, step := range []func(){
		func() { report.State = readState(lines, unread) },
		func() { report.Config = readConfig(lines, unread) },
		func() { report.Statistics = readStatistics(lines, unread) },
		func() { report.Findings, report.Story = unread.findings(), story(report) },
		report.judge,
	} {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		step()
	}
	if report.State == nil && report.Config == nil && report.Statistics == nil {
		return nil, ErrNoScreen
	}
	return report, nil
}

// unread are the lines that cannot be read, by their number from 0.
type unread map[int]string

func (u unread) add(line int, what string) { u[line] = what }

const mostUnread = 10 // findings of lines that cannot be read

// findings tells of them, neighbours at once.
func (u unread) findings() []Finding {
	list, lines := []Finding{}, slices.Sorted(maps.Keys(u))
	const action = "Paste this screen again, from a wider terminal, without anything in front of its lines."
	for i := 0; i < len(lines); {
		if len(list) == mostUnread {
			return append(list, Finding{Code: "GARBLED", Severity: "warning", Action: action, Text: fmt.Sprintf("%d more lines cannot be read.", len(lines)-i)})
		}
		first := i
		for i++; i < len(lines) && lines[i] == lines[i-1]+1; i++ {
		}
		text := fmt.Sprintf("Line %d cannot be read: %.60q.", lines[first]+1, u[lines[first]])
		if i-first > 1 {
			text = fmt.Sprintf("Lines %d to %d cannot be read. The first: %.60q.", lines[first]+1, lines[i-1]+1, u[lines[first]])
		}
		list = append(list, Finding{Code: "GARBLED", Severity: "warning", Text: text, Action: action})
	}
	return list
}

var (
	escapes = regexp.MustCompile(`\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[@-_]`)
	more    = regexp.MustCompile(`(?i)\s*-+ ?more ?-+\s*(?:\x08+\s*\x08*)?`)
	prompt  = regexp.MustCompile(`^[\w.()/:-]+[#>]\s*`)
	quote   = regexp.MustCompile(`^(?: *[>|] ?)+`)
	// stamp is the time that a terminal program or a log writes in front of each line.
	stamp = regexp.MustCompile(`^(?:\[[^\]]{5,40}\]|<[^>]{5,40}>|(?:[A-Z][a-z]{2} +)*(?:\d{1,2} )?(?:\d{4}[-/.]\d\d[-/.]\d\d[T ])?\d{1,2}:\d\d:\d\d(?:[.,:]\d+)?(?:Z|[-+]\d\d:?\d\d)?(?: [AP]M)?)(?: ?[:>|-](?: |$)|:? +|$)`)
	// begins is how a part of a screen begins. Nothing else stands in front of it.
	begins = regexp.MustCompile(`(?:(?i:apr state|domain/mode)\s*:|==+\s*(?i:stream)\s+\d|(?:AprState|ClockState|BstPktStrm|StepTime|AdjustTime)\s+\d+\s*:|(?i:streamId\s+msgType)\b)`)
	// asks is a prompt with the command for a screen.
	asks = regexp.MustCompile(`^[\w.()/:-]+[#>]\s*show\s+ptp\b`)
)

const longestLine = 8000 // no line of a screen is as long, whatever the terminal's width

// line is one line of the text without what a terminal adds.
type line struct {
	text         string
	afterPrompt  bool // it was typed
	begun, ended bool // a space stood in front of it, behind it
}

// clean takes off what a terminal adds: escapes, the pager's line, marks of a quotation,
// times, prompts, and the carriage return. What it cannot take off is told.
func clean(text string, unread unread) (lines []line, heads struct{ bare, covered int }) {
	text = more.ReplaceAllString(escapes.ReplaceAllString(text, ""), "\n")
	raw := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n", "\ufeff", "", "\u00a0", " ").Replace(text), "\n")
	lines = make([]line, len(raw))
	stamped, leads := false, []string(nil)
	for i, l := range raw {
		if len(l) > longestLine {
			unread.add(i, l)
			raw[i] = ""
			continue
		}
		l = strings.Map(func(r rune) rune {
			switch {
			case r == '\t':
				return ' '
			case r < ' ' || r == 0x7f:
				return -1
			}
			return r
		}, l)
		l = l[len(quote.FindString(l)):]
		lines[i].begun, lines[i].ended = strings.HasPrefix(l, " "), strings.HasSuffix(l, " ")
		raw[i] = strings.TrimSpace(l)
		if at := begins.FindStringIndex(raw[i]); at != nil && at[0] > 0 {
			if before := raw[i][:at[0]]; len(leads) == 0 || len(leads) == 1 && leads[0] != before {
				leads = append(leads, before)
			}
		}
		// A time may also be the rest of an entry that was cut: it counts only where one stands in front of a screen's begin.
		if !stamped {
			rest := raw[i][len(stamp.FindString(raw[i])):]
			at := begins.FindStringIndex(rest)
			stamped = len(rest) < len(raw[i]) && (at != nil && at[0] == 0 || asks.MatchString(rest))
		}
	}
	for i, l := range raw {
		if stamped {
			l = l[len(stamp.FindString(l)):]
		} else if len(leads) == 1 { // the same words in front of each line
			l = strings.TrimPrefix(strings.TrimPrefix(l, leads[0]), strings.TrimSpace(leads[0]))
		}
		typed := prompt.FindString(l)
		lines[i].text, lines[i].afterPrompt = strings.TrimSpace(l[len(typed):]), typed != ""
		if at := begins.FindStringIndex(lines[i].text); at != nil && at[0] > 0 {
			unread.add(i, l)
			heads.covered++
		} else if at != nil {
			heads.bare++
		}
	}
	return lines, heads
}

// field matches `name : value` anywhere in a line, names apart by the case of their
// letters alone. The value may be missing.
func field(name, value string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)(?:^|[^\w-])` + name + `\s*:\s*(` + value + `)`)
}

const (
	aWord    = `\S*`
	anything = `.*`
)

var (
	wholeWord = regexp.MustCompile(`^[A-Za-z][\w-]*$`)
	anIPv4    = regexp.MustCompile(`^\d+\.\d+\.\d+\.\d+$`)
	anyText   = regexp.MustCompile(`.`)
	named     = regexp.MustCompile(`^[\w /,-]*[A-Za-z]\s*:|^[-=]{2,}`) // begins with the name of a field, or a head
	goesOn    = regexp.MustCompile(`^(?:[02-9.]|1(?:[^Hh]|$))`)        // the rest of a number; no name but 1Hz begins so
	letters   = regexp.MustCompile(`^[\w-]+$`)
)

// largest is the largest size of a number: differences of two do not overflow.
const largest = 4e18

func parseNumber(text string) (int64, bool) {
	v, err := strconv.ParseInt(text, 10, 64)
	return v, err == nil && v <= largest && v >= -largest
}

// fields reads the fields of one screen, line by line.
type fields struct {
	lines  []line
	unread unread
	i      int // the line
	seen   bool
}

// value is what stands behind a field's name. A value that is not of its kind, or that
// the terminal may have cut at the end of the line, is told and not taken.
func (f *fields) value(pattern, kind *regexp.Regexp) (string, bool) {
	text := f.lines[f.i].text
	at := pattern.FindStringSubmatchIndex(text)
	if at == nil {
		return "", false
	}
	f.seen = true
	value := text[at[2]:at[3]]
	rest := strings.TrimSuffix(strings.TrimSpace(value), ",")
	if !kind.MatchString(rest) || at[3] == len(text) && f.cut(kind) {
		f.unread.add(f.i, text)
		return "", false
	}
	return rest, true
}

// cut tells whether the next line goes on with the value at the end of this one.
func (f *fields) cut(kind *regexp.Regexp) bool {
	if f.i+1 >= len(f.lines) || f.lines[f.i+1].afterPrompt {
		return false
	}
	next := f.lines[f.i+1].text
	switch kind {
	case wholeWord:
		return letters.MatchString(next)
	case anyText:
		return next != "" && !named.MatchString(next)
	}
	return goesOn.MatchString(next)
}

func (f *fields) word(pattern, kind *regexp.Regexp, into *string) {
	if v, found := f.value(pattern, kind); found {
		*into = v
	}
}

var aNumber = regexp.MustCompile(`^[-+]?\d+$`)

func (f *fields) number(pattern *regexp.Regexp, into **int64) {
	text, found := f.value(pattern, aNumber)
	if !found {
		return
	}
	v, fits := parseNumber(text)
	if !fits {
		f.unread.add(f.i, f.lines[f.i].text)
		return
	}
	*into = &v
}

// unnamed tells of a line inside a screen of fields that names none: a cut one.
func (f *fields) unnamed() {
	if l := f.lines[f.i]; l.text != "" && !l.afterPrompt && !named.MatchString(l.text) {
		f.unread.add(f.i, l.text)
	}
}

// ends tells whether a screen of fields ends before this line.
func ends(l line) bool {
	return l.text == "" || l.afterPrompt || historyHead.MatchString(l.text) || tableHead.MatchString(l.text)
}

var stateFields = struct{ apr, clock, tod, active, stream, master, streamState, offset, path, forward, reverse, freq, hertz *regexp.Regexp }{
	apr: field("apr state", aWord), clock: field("clock state", aWord), tod: field("current tod", anything), active: field("active stream", aWord),
	stream: regexp.MustCompile(`^=+\s*stream (\d+)\s*:`), master: field("master ip", aWord), streamState: field("stream state", aWord),
	offset: field("master offset", aWord), path: field("path delay", aWord), forward: field("forward delay", aWord), reverse: field("reverse delay", aWord),
	freq: field("freq offset", aWord), hertz: field("1hz offset", aWord),
}

func readState(lines []line, unread unread) *State {
	state, f, inside := State{}, fields{lines: lines, unread: unread}, false
	for i, line := range lines {
		f.i = i
		if inside = inside && !ends(line); inside {
			f.unnamed()
		}
		if !strings.Contains(line.text, ":") {
			continue
		}
		if stateFields.apr.MatchString(line.text) {
			state, inside = State{}, true
		}
		if m := stateFields.stream.FindStringSubmatch(strings.ToLower(line.text)); m != nil && !strings.Contains(strings.ToLower(line.text), "master ip") {
			inside = true
			n, fits := parseNumber(m[1])
			if !fits {
				unread.add(i, line.text)
			}
			state.Streams = append(state.Streams, Stream{Number: n})
			continue
		}
		f.word(stateFields.apr, wholeWord, &state.Apr)
		f.word(stateFields.clock, wholeWord, &state.Clock)
		f.word(stateFields.tod, anyText, &state.TOD)
		f.number(stateFields.active, &state.Active)
		if len(state.Streams) == 0 {
			continue
		}
		s := &state.Streams[len(state.Streams)-1]
		f.word(stateFields.streamState, wholeWord, &s.State)
		f.number(stateFields.offset, &s.MasterOffset)
		f.number(stateFields.path, &s.PathDelay)
		f.number(stateFields.forward, &s.ForwardDelay)
		f.number(stateFields.reverse, &s.ReverseDelay)
		f.number(stateFields.freq, &s.FreqOffset)
		f.number(stateFields.hertz, &s.FreqOffset1Hz)
		if s.Master == "" {
			f.word(stateFields.master, anIPv4, &s.Master)
		}
	}
	if !f.seen || state.Apr == "" && state.Clock == "" && len(state.Streams) == 0 {
		return nil
	}
	return &state
}

var configFields = []struct {
	pattern *regexp.Regexp
	number  func(*Config) **int64
}{
	{field("Unicast Duration", aWord), func(c *Config) **int64 { return &c.UnicastDurationS }},
	{field("Sync Interval", aWord), func(c *Config) **int64 { return &c.SyncInterval }},
	{field("Announce Interval", aWord), func(c *Config) **int64 { return &c.AnnounceInterval }},
	{field("Timeout", aWord), func(c *Config) **int64 { return &c.AnnounceTimeout }},
	{field("Delay-Req Int(?:re|er)val", aWord), func(c *Config) **int64 { return &c.DelayReqInterval }},
	{field("DSCP", aWord), func(c *Config) **int64 { return &c.DSCP }},
	{field("COS", aWord), func(c *Config) **int64 { return &c.COS }},
}

var (
	domainMode   = regexp.MustCompile(`(?i)Domain/Mode\s*:\s*(\d+)\s*/\s*(\w+)`)
	localAddress = field("Local Address", aWord)
	profile      = field("Profile", anything)
	configMaster = regexp.MustCompile(`(?i)^=+\s*Stream \d+\s*:.*Master IP\s*:\s*(\S*)`)
)

func readConfig(lines []line, unread unread) *Config {
	var config *Config
	f, inside, known := fields{lines: lines, unread: unread}, false, map[string]bool{}
	for i, line := range lines {
		f.i = i
		if inside = inside && !ends(line); inside {
			f.unnamed()
		}
		if m := domainMode.FindStringSubmatch(line.text); m != nil {
			config, inside = &Config{Mode: m[2]}, true
			clear(known)
			if d, fits := parseNumber(m[1]); fits {
				config.Domain = &d
			} else {
				unread.add(i, line.text)
			}
			if i+1 < len(lines) && !lines[i+1].afterPrompt && letters.MatchString(lines[i+1].text) {
				config.Mode = ""
				unread.add(i, line.text)
			}
			continue
		}
		if config == nil || !strings.Contains(line.text, ":") {
			continue
		}
		for _, c := range configFields {
			f.number(c.pattern, c.number(config))
		}
		f.word(localAddress, anIPv4, &config.LocalAddress)
		f.word(profile, anyText, &config.Profile)
		master := ""
		if f.word(configMaster, anIPv4, &master); master != "" && !known[master] {
			known[master] = true
			config.Masters = append(config.Masters, master)
		}
	}
	return config
}
