package timescale

import (
	"fmt"
	"slices"
	"time"
)

// LeapSeconds is a table of TAI - UTC. It is not changed once made, so it may
// be shared.
//
//	TAI = UTC + offset, the offset being whole seconds since 1972: 10 then, 37 from 2017-01-01
//	inserted leap second: 23:59:59, 23:59:60, 00:00:00; UTC as POSIX counts it has no value for 23:59:60,
//	so it is written as 23:59:59 with leap60 true
//	before 1972, when UTC was steered by fractions, the offset is clamped to 10
type LeapSeconds struct {
	steps   []leapStep
	expires UTC
}

type leapStep struct {
	fromUTC int64 // POSIX seconds: the first second with this offset
	offset  int64 // TAI - UTC in s
}

// builtinSteps is TAI - UTC by IERS Bulletin C, as also in IANA's
// leap-seconds.list: year, month (the step is at 00:00:00 UTC of its first
// day), offset in s.
var builtinSteps = [...][3]int{
	{1972, 1, 10}, {1972, 7, 11}, {1973, 1, 12}, {1974, 1, 13}, {1975, 1, 14}, {1976, 1, 15}, {1977, 1, 16},
	{1978, 1, 17}, {1979, 1, 18}, {1980, 1, 19}, {1981, 7, 20}, {1982, 7, 21}, {1983, 7, 22}, {1985, 7, 23},
	{1988, 1, 24}, {1990, 1, 25}, {1991, 1, 26}, {1992, 7, 27}, {1993, 7, 28}, {1994, 7, 29}, {1996, 1, 30},
	{1997, 7, 31}, {1999, 1, 32}, {2006, 1, 33}, {2009, 1, 34}, {2012, 7, 35}, {2015, 7, 36}, {2017, 1, 37},
}

// builtinExpires is the date up to which the table above was known to be
// complete when it was taken over (leap-seconds.list of tzdata 2026f: "File
// expires on 28 June 2027"). Afterwards the table is still used; whoever shows
// alarms warns.
var builtinExpires = UTC{daysSince1970(2027, 6, 28) * secPerDay * nsPerSecond}

var builtin = func() *LeapSeconds {
	l := &LeapSeconds{expires: builtinExpires}
	for _, s := range builtinSteps {
		l.steps = append(l.steps, leapStep{fromUTC: daysSince1970(s[0], s[1], 1) * secPerDay, offset: int64(s[2])})
	}
	return l
}()

// Builtin is the table that the program was built with.
func Builtin() *LeapSeconds { return builtin }

// Expires is the instant up to which the table is known to be complete.
func (l *LeapSeconds) Expires() UTC { return l.expires }

// Same tells whether two tables say the same.
func (l *LeapSeconds) Same(other *LeapSeconds) bool {
	return l.expires == other.expires && slices.Equal(l.steps, other.steps)
}

// Expired tells whether a leap second before u may be missing in the table.
func (l *LeapSeconds) Expired(u UTC) bool { return u.utcNs >= l.expires.utcNs }

// LeapPossible tells whether a leap second may have come from `from` on until `to`:
// by ITU-R TF.460 they come at the end of June or December before any other month.
func LeapPossible(from, to UTC) bool {
	c := from.Civil()
	begins := func(year, month int) UTC { return UTC{daysSince1970(year, month, 1) * secPerDay * nsPerSecond} }
	next := begins(c.Year+1, 1)
	for _, at := range [...]UTC{begins(c.Year, 7), begins(c.Year, 1)} {
		if at.utcNs >= from.utcNs {
			next = at
		}
	}
	return to.utcNs >= next.utcNs
}

// OffsetAtUTC is TAI - UTC in s at u. In 23:59:60 it is what it was in
// 23:59:59.
func (l *LeapSeconds) OffsetAtUTC(u UTC) int {
	sec, _ := floorDiv(u.utcNs, nsPerSecond)
	return int(l.stepAt(func(s leapStep) bool { return s.fromUTC <= sec }).offset)
}

// OffsetAtTAI is TAI - UTC in s at t: what currentUtcOffset says then.
func (l *LeapSeconds) OffsetAtTAI(t TAI) int {
	sec, _ := floorDiv(t.taiNs, nsPerSecond)
	return int(l.stepAt(func(s leapStep) bool { return s.fromUTC+s.offset <= sec }).offset)
}

// ToTAI is the TAI of u.
func (l *LeapSeconds) ToTAI(u UTC) TAI {
	return TAI{u.utcNs + int64(l.OffsetAtUTC(u))*nsPerSecond}
}

// ToTAILeap is the TAI of 23:59:60 plus fraction, given as 23:59:59 plus
// fraction. It does not ask whether the table has a leap second there.
func (l *LeapSeconds) ToTAILeap(u UTC) TAI { return l.ToTAI(u).Add(time.Second) }

// ToUTC is the UTC of t. In an inserted leap second u is in 23:59:59 and
// leap60 is true.
func (l *LeapSeconds) ToUTC(t TAI) (u UTC, leap60 bool) {
	offset := l.OffsetAtTAI(t)
	u = UTC{t.taiNs - int64(offset)*nsPerSecond}
	// In the leap second the old offset leads to 00:00:00 of the next day,
	// where the new one holds already.
	if l.OffsetAtUTC(u) > offset {
		return UTC{u.utcNs - nsPerSecond}, true
	}
	return u, false
}

// Upcoming is the first leap second after u: at is 00:00:00 after it, change
// is +1 for one inserted (23:59:60), -1 for one deleted (no 23:59:59).
func (l *LeapSeconds) Upcoming(u UTC) (at UTC, change int, ok bool) {
	sec, _ := floorDiv(u.utcNs, nsPerSecond)
	for i := 1; i < len(l.steps); i++ {
		if s := l.steps[i]; s.fromUTC > sec {
			return UTC{s.fromUTC * nsPerSecond}, int(s.offset - l.steps[i-1].offset), true
		}
	}
	return UTC{}, 0, false
}

// With is the table with one more leap second: from midnight on TAI - UTC is
// offset. It refuses what cannot be: no first day of a month at 00:00:00, not
// after the table's last step, a change other than one second.
func (l *LeapSeconds) With(midnight UTC, offset int) (*LeapSeconds, error) {
	last := l.steps[len(l.steps)-1]
	change := int64(offset) - last.offset
	c := midnight.Civil()
	switch {
	case c.Day != 1 || midnight.utcNs%(secPerDay*nsPerSecond) != 0:
		return nil, fmt.Errorf("timescale: no leap second can end at %v: not the first of a month", midnight)
	case midnight.utcNs <= last.fromUTC*nsPerSecond:
		return nil, fmt.Errorf("timescale: leap second at %v is not after the table's last", midnight)
	case change != 1 && change != -1:
		return nil, fmt.Errorf("timescale: TAI - UTC cannot go from %d s to %d s at %v", last.offset, offset, midnight)
	}
	n := &LeapSeconds{expires: l.expires, steps: make([]leapStep, 0, len(l.steps)+1)}
	n.steps = append(append(n.steps, l.steps...), leapStep{fromUTC: midnight.utcNs / nsPerSecond, offset: int64(offset)})
	if n.expires.utcNs < midnight.utcNs {
		n.expires = midnight
	}
	return n, nil
}

// stepAt is the last step for which in holds; the first step also holds for
// what was before it.
func (l *LeapSeconds) stepAt(in func(leapStep) bool) leapStep {
	for i := len(l.steps) - 1; i > 0; i-- {
		if in(l.steps[i]) {
			return l.steps[i]
		}
	}
	return l.steps[0]
}

// Last is when the table's last offset began.
func (l *LeapSeconds) Last() UTC { return UTC{l.steps[len(l.steps)-1].fromUTC * nsPerSecond} }
