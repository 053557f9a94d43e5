package rpd

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// ErrNoScreen is what Decode returns for a text in which it knows nothing again.
var ErrNoScreen = errors.New("the text holds none of the RPD's screens. " +
	"fix: paste the output of `show ptp clock 0 state`, `show ptp clock 0 statistics` or `show ptp clock 0 config`")

// Decode reads every screen in the text. When a screen is there twice, the later one
// counts.
func Decode(text string) (*Report, error) {
	if len(text) > MaxBytes {
		return nil, fmt.Errorf("the text has more than %d octets (fix: paste only the RPD's screens)", MaxBytes)
	}
	lines := clean(text)
	report := &Report{State: readState(lines), Config: readConfig(lines), Findings: []Finding{}}
	report.Statistics = readStatistics(lines, &report.Findings)
	if report.State == nil && report.Config == nil && report.Statistics == nil {
		return nil, ErrNoScreen
	}
	report.Story = story(report)
	report.judge()
	return report, nil
}

var (
	escapes = regexp.MustCompile(`\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[@-_]`)
	more    = regexp.MustCompile(`(?i)\s*-+ ?more ?-+\s*(?:\x08+\s*\x08*)?`)
	prompt  = regexp.MustCompile(`^[\w.()/:-]+[#>]\s*`)
)

const longestLine = 1000 // no line of a screen is as long

// clean takes off what a terminal adds: escapes, the pager's line, prompts, and the
// carriage return.
func clean(text string) []string {
	text = more.ReplaceAllString(escapes.ReplaceAllString(text, ""), "\n")
	lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n", "\ufeff", "", "\u00a0", " ").Replace(text), "\n")
	for i, line := range lines {
		if len(line) > longestLine {
			lines[i] = ""
			continue
		}
		line = strings.Map(func(r rune) rune {
			switch {
			case r == '\t':
				return ' '
			case r < ' ' || r == 0x7f:
				return -1
			}
			return r
		}, line)
		lines[i] = strings.TrimSpace(prompt.ReplaceAllString(strings.TrimSpace(line), ""))
	}
	return lines
}

// field matches `name : value` anywhere in a line, names apart by the case of their
// letters alone.
func field(name, value string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)(?:^|[^\w-])` + name + `\s*:\s*(` + value + `)`)
}

const (
	aNumber  = `[-+]?\d+`
	aWord    = `[A-Za-z][\w-]*`
	anIPv4   = `\d+\.\d+\.\d+\.\d+`
	anything = `.*\S`
)

var stateFields = struct{ apr, clock, tod, active, stream, master, streamState, offset, path, forward, reverse, freq, hertz *regexp.Regexp }{
	apr: field("apr state", aWord), clock: field("clock state", aWord), tod: field("current tod", anything), active: field("active stream", aNumber),
	stream: regexp.MustCompile(`^=+\s*stream (\d+)\s*:`), master: field("master ip", anIPv4), streamState: field("stream state", aWord),
	offset: field("master offset", aNumber), path: field("path delay", aNumber), forward: field("forward delay", aNumber), reverse: field("reverse delay", aNumber),
	freq: field("freq offset", aNumber), hertz: field("1hz offset", aNumber),
}

func readState(lines []string) *State {
	state, seen := State{}, false
	word := func(line string, f *regexp.Regexp, into *string) {
		if m := f.FindStringSubmatch(line); m != nil {
			*into, seen = m[1], true
		}
	}
	number := func(line string, f *regexp.Regexp, into **int64) {
		if m := f.FindStringSubmatch(line); m != nil {
			if v, err := strconv.ParseInt(m[1], 10, 64); err == nil {
				*into, seen = &v, true
			}
		}
	}
	for _, line := range lines {
		if !strings.Contains(line, ":") {
			continue
		}
		if m := stateFields.apr.FindStringSubmatch(line); m != nil {
			state = State{}
		}
		if m := stateFields.stream.FindStringSubmatch(strings.ToLower(line)); m != nil && !strings.Contains(strings.ToLower(line), "master ip") {
			n, _ := strconv.ParseInt(m[1], 10, 64)
			state.Streams = append(state.Streams, Stream{Number: n})
			continue
		}
		word(line, stateFields.apr, &state.Apr)
		word(line, stateFields.clock, &state.Clock)
		word(line, stateFields.tod, &state.TOD)
		number(line, stateFields.active, &state.Active)
		if len(state.Streams) == 0 {
			continue
		}
		s := &state.Streams[len(state.Streams)-1]
		word(line, stateFields.streamState, &s.State)
		number(line, stateFields.offset, &s.MasterOffset)
		number(line, stateFields.path, &s.PathDelay)
		number(line, stateFields.forward, &s.ForwardDelay)
		number(line, stateFields.reverse, &s.ReverseDelay)
		number(line, stateFields.freq, &s.FreqOffset)
		number(line, stateFields.hertz, &s.FreqOffset1Hz)
		if s.Master == "" {
			word(line, stateFields.master, &s.Master)
		}
	}
	if !seen || state.Apr == "" && state.Clock == "" && len(state.Streams) == 0 {
		return nil
	}
	return &state
}

var configFields = []struct {
	pattern *regexp.Regexp
	number  func(*Config) **int64
}{
	{field("Unicast Duration", aNumber), func(c *Config) **int64 { return &c.UnicastDurationS }},
	{field("Sync Interval", aNumber), func(c *Config) **int64 { return &c.SyncInterval }},
	{field("Announce Interval", aNumber), func(c *Config) **int64 { return &c.AnnounceInterval }},
	{field("Timeout", aNumber), func(c *Config) **int64 { return &c.AnnounceTimeout }},
	{field("Delay-Req Int(?:re|er)val", aNumber), func(c *Config) **int64 { return &c.DelayReqInterval }},
	{field("DSCP", aNumber), func(c *Config) **int64 { return &c.DSCP }},
	{field("COS", aNumber), func(c *Config) **int64 { return &c.COS }},
}

var (
	domainMode   = regexp.MustCompile(`(?i)Domain/Mode\s*:\s*(\d+)\s*/\s*(\w+)`)
	localAddress = field("Local Address", anIPv4)
	profile      = field("Profile", anything)
	configMaster = regexp.MustCompile(`(?i)^=+\s*Stream \d+\s*:.*Master IP\s*:\s*(` + anIPv4 + `)`)
)

func readConfig(lines []string) *Config {
	var config *Config
	for _, line := range lines {
		if m := domainMode.FindStringSubmatch(line); m != nil {
			config = &Config{Mode: m[2]}
			if d, err := strconv.ParseInt(m[1], 10, 64); err == nil {
				config.Domain = &d
			}
			continue
		}
		if config == nil || !strings.Contains(line, ":") {
			continue
		}
		for _, f := range configFields {
			if m := f.pattern.FindStringSubmatch(line); m != nil {
				if v, err := strconv.ParseInt(m[1], 10, 64); err == nil {
					*f.number(config) = &v
				}
			}
		}
		if m := localAddress.FindStringSubmatch(line); m != nil {
			config.LocalAddress = m[1]
		}
		if m := profile.FindStringSubmatch(line); m != nil {
			config.Profile = m[1]
		}
		if m := configMaster.FindStringSubmatch(line); m != nil && !slices.Contains(config.Masters, m[1]) {
			config.Masters = append(config.Masters, m[1])
		}
	}
	return config
}
