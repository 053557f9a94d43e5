package timescale

import (
	"fmt"
	"strconv"
	"strings"
)

// ntpToPOSIX is 1900-01-01 to 1970-01-01 in s.
const ntpToPOSIX = 2_208_988_800

// maxLeapFile is far above the file's size, which grows by a line in years.
const maxLeapFile = 256 << 10

// ParseLeapSeconds reads a table in the format of leap-seconds.list (IERS, NIST,
// /usr/share/zoneinfo):
//
//	#@ 3991593600               expiry, s since 1900
//	3692217600  37  # 1 Jan 2017  from this second of UTC on, TAI - UTC is 37 s
//
// It refuses what no table of leap seconds can be.
func ParseLeapSeconds(data []byte) (*LeapSeconds, error) {
	if len(data) > maxLeapFile {
		return nil, fmt.Errorf("timescale: %d bytes are no table of leap seconds", len(data))
	}
	l := &LeapSeconds{}
	expires := false
	for i, line := range strings.Split(string(data), "\n") {
		rest, isExpiry := strings.CutPrefix(line, "#@")
		if !isExpiry {
			rest, _, _ = strings.Cut(line, "#")
		}
		fields := strings.Fields(rest)
		if len(fields) == 0 {
			continue
		}
		numbers := [2]int64{}
		want := 2
		if isExpiry {
			want = 1
		}
		if len(fields) != want {
			return nil, fmt.Errorf("timescale: leap seconds, line %d: %q is no line of leap-seconds.list", i+1, strings.TrimSpace(line))
		}
		for k, f := range fields {
			n, err := strconv.ParseInt(f, 10, 64)
			if err != nil || n < 0 || n > 1<<33 {
				return nil, fmt.Errorf("timescale: leap seconds, line %d: %q is no number of seconds", i+1, f)
			}
			numbers[k] = n
		}
		if isExpiry {
			l.expires, expires = UTC{(numbers[0] - ntpToPOSIX) * nsPerSecond}, true
			continue
		}
		step := leapStep{fromUTC: numbers[0] - ntpToPOSIX, offset: numbers[1]}
		if err := l.judge(step); err != nil {
			return nil, fmt.Errorf("timescale: leap seconds, line %d: %w", i+1, err)
		}
		l.steps = append(l.steps, step)
	}
	switch {
	case len(l.steps) == 0:
		return nil, fmt.Errorf("timescale: no leap second in the table (fix: a file in the format of leap-seconds.list)")
	case !expires:
		return nil, fmt.Errorf("timescale: the table of leap seconds has no expiry, a line that begins with #@")
	case l.expires.Sub(l.Last()) < 0:
		return nil, fmt.Errorf("timescale: the table of leap seconds expires %v, before its last entry", l.expires)
	}
	return l, nil
}

// judge refuses a step that cannot follow those before it.
func (l *LeapSeconds) judge(s leapStep) error {
	c := UTC{s.fromUTC * nsPerSecond}.Civil()
	if s.fromUTC%secPerDay != 0 || c.Day != 1 {
		return fmt.Errorf("%v is not the first of a month", UTC{s.fromUTC * nsPerSecond})
	}
	if len(l.steps) == 0 {
		if s.offset != builtin.steps[0].offset || s.fromUTC != builtin.steps[0].fromUTC {
			return fmt.Errorf("the table begins with %d s at %v, not with 10 s at 1972-01-01", s.offset, UTC{s.fromUTC * nsPerSecond})
		}
		return nil
	}
	last := l.steps[len(l.steps)-1]
	if change := s.offset - last.offset; s.fromUTC <= last.fromUTC || change != 1 && change != -1 {
		return fmt.Errorf("%d s at %v cannot follow %d s at %v", s.offset, UTC{s.fromUTC * nsPerSecond}, last.offset, UTC{last.fromUTC * nsPerSecond})
	}
	return nil
}
