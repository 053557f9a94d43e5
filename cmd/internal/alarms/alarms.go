// Package alarms turns the reasons that the cores report into alarms that an
// operator reads: one table of code, severity, text and fix, from which every
// face draws. A consequence is not shown while its cause is.
package alarms

import (
	"slices"
	"time"

	"bragi/cmd/internal/status"
)

// Code names an alarm, for scripts and syslog.
type Code string

// Severity orders alarms.
type Severity uint8

// The severities of ITU-T X.733 that are used here.
const (
	Warning Severity = iota
	Minor
	Major
	Critical
)

func (s Severity) String() string { return [...]string{"warning", "minor", "major", "critical"}[s] }

// Kind is a row of the table.
type Kind struct {
	Code     Code
	Severity Severity
	Text     string
	Fix      string
	CausedBy []Code        // while one of these is shown, this one is not
	Patience time.Duration // shown only when it has lasted this long
}

// Raised is an alarm's condition that holds now.
type Raised struct {
	Code   Code
	Detail string
}

// Change is an alarm that was raised or cleared.
type Change struct {
	status.Alarm
	Cleared bool
}

// Set holds which alarms are shown. Not safe for several goroutines.
type Set struct {
	since  map[Code]time.Time // of every condition that holds
	detail map[Code]string
	shown  map[Code]status.Alarm
}

// NewSet returns a set with no alarm.
func NewSet() *Set {
	return &Set{since: map[Code]time.Time{}, detail: map[Code]string{}, shown: map[Code]status.Alarm{}}
}

// Update takes all conditions that hold now and returns what was raised or
// cleared since the last call, cleared ones first.
func (s *Set) Update(now time.Time, raised []Raised) []Change {
	holds := map[Code]bool{}
	for _, r := range raised {
		holds[r.Code] = true
		if _, found := s.since[r.Code]; !found {
			s.since[r.Code] = now
		}
		s.detail[r.Code] = r.Detail
	}
	for code := range s.since {
		if !holds[code] {
			delete(s.since, code)
			delete(s.detail, code)
		}
	}
	var changes []Change
	for i := range Table {
		kind := &Table[i]
		alarm, shown := s.shown[kind.Code]
		since, held := s.since[kind.Code]
		due := held && now.Sub(since) >= kind.Patience && !s.caused(kind)
		switch {
		case shown && !due:
			delete(s.shown, kind.Code)
			changes = append(changes, Change{Alarm: alarm, Cleared: true})
		case shown:
			alarm.Detail = s.detail[kind.Code]
			s.shown[kind.Code] = alarm
		case due:
			alarm = status.Alarm{Code: string(kind.Code), Severity: kind.Severity.String(), Text: kind.Text,
				Detail: s.detail[kind.Code], Fix: kind.Fix, Since: since}
			s.shown[kind.Code] = alarm
			changes = append(changes, Change{Alarm: alarm})
		}
	}
	slices.SortStableFunc(changes, func(a, b Change) int {
		if a.Cleared == b.Cleared {
			return 0
		}
		if a.Cleared {
			return -1
		}
		return 1
	})
	return changes
}

func (s *Set) caused(kind *Kind) bool {
	return slices.ContainsFunc(kind.CausedBy, func(c Code) bool { _, holds := s.since[c]; return holds })
}

// Active are the alarms shown, the gravest first.
func (s *Set) Active() []status.Alarm {
	active := []status.Alarm{}
	for severity := Critical; ; severity-- {
		for _, kind := range Table {
			if alarm, shown := s.shown[kind.Code]; shown && kind.Severity == severity {
				active = append(active, alarm)
			}
		}
		if severity == Warning {
			return active
		}
	}
}
