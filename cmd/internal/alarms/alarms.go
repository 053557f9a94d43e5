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
	Code        Code
	Severity    Severity
	Text        string // the title: what is wrong
	Cause       string // what may be behind it
	Consequence string // what it means for the clock and for clients
	Fix         string // what to do
	CausedBy    []Code // while one of these is shown, this one is not
	// The hold-off: it is shown when it has lasted for Patience, and until it has been
	// away for Clear.
	Patience, Clear time.Duration
}

// Raised is an alarm's condition that holds now.
type Raised struct {
	Code   Code
	Detail string
	// Instead is the reference that the time comes from meanwhile: then what is wrong with
	// a receiver is less severe. "": there is none.
	Instead string
}

// severity and consequence are those of the row, less while another reference is followed.
func (k *Kind) severity(instead string) Severity {
	if instead != "" && k.Severity > Minor {
		return k.Severity - 1
	}
	return k.Severity
}

func (k *Kind) consequence(instead string) string {
	if instead != "" {
		return "the time comes from " + instead + "; this receiver is missing, should that one fail"
	}
	return k.Consequence
}

// Change is an alarm that was raised or cleared.
type Change struct {
	status.Alarm
	Cleared bool
	// Cause is, of a cleared one whose condition still holds, the alarm that is shown in
	// its place. "": the condition is over.
	Cause Code
}

// historyLength is how many alarms are remembered.
const historyLength = 500

// Set holds which alarms are shown, and which were. Not safe for several goroutines.
type Set struct {
	held    map[Code]condition
	shown   map[Code]status.Alarm
	history []status.PastAlarm // oldest first
	left    map[Code]bool      // told by the process before, and not yet known to stand or to be over
	settled time.Time          // what does not hold by then is over
}

// settle is how long a process may take until it knows what holds: longer than the hold-off of
// most alarms. One whose hold-off is longer is waited for.
const settle = 10 * time.Second

// condition is one that holds, or has held until a moment ago.
type condition struct {
	since, last time.Time // it held first, and latest
	detail      string
	instead     string
}

// NewSet returns a set with no alarm.
func NewSet() *Set {
	return &Set{held: map[Code]condition{}, shown: map[Code]status.Alarm{}}
}

// Left takes the codes of the alarms that the process before had told: those that do not stand
// soon are cleared, for whoever knows no more than what he was told.
func (s *Set) Left(now time.Time, codes []string) {
	s.left, s.settled = map[Code]bool{}, now.Add(settle)
	for _, code := range codes {
		s.left[Code(code)] = true
	}
}

// over clears what the process before had told and what is over meanwhile.
func (s *Set) over(j judgement) (cleared []Change) {
	for i := range Table {
		kind := &Table[i]
		if !s.left[kind.Code] {
			continue
		}
		switch v := j.of(kind.Code); {
		case v == show:
			delete(s.left, kind.Code)
		case v != pending && !j.now.Before(s.settled):
			delete(s.left, kind.Code)
			cleared = append(cleared, Change{Alarm: status.Alarm{Code: string(kind.Code), Severity: kind.Severity.String(), Text: kind.Text, Cause: kind.Cause,
				Consequence: kind.Consequence, Fix: kind.Fix}, Cleared: true, Cause: j.causeOf(kind.Code)})
		}
	}
	return cleared
}

// Update takes all conditions that hold now and returns what was raised or
// cleared since the last call, cleared ones first.
func (s *Set) Update(now time.Time, raised []Raised) []Change {
	holds := map[Code]bool{}
	for _, r := range raised {
		holds[r.Code] = true
		c, held := s.held[r.Code]
		if !held {
			c.since = now
		}
		c.last, c.detail, c.instead = now, r.Detail, r.Instead
		s.held[r.Code] = c
	}
	for code, c := range s.held {
		kind, known := rows[code]
		if _, shown := s.shown[code]; !holds[code] && (!shown || !known || now.Sub(c.last) >= kind.Clear) {
			delete(s.held, code)
		}
	}
	j := judgement{s, now, map[Code]verdict{}}
	cleared := s.over(j)
	var begun []Change
	for i := range Table {
		kind := &Table[i]
		alarm, shown := s.shown[kind.Code]
		condition := s.held[kind.Code]
		switch due := j.of(kind.Code) == show; {
		case shown && !due:
			delete(s.shown, kind.Code)
			s.ended(kind.Code, now)
			cleared = append(cleared, Change{Alarm: alarm, Cleared: true, Cause: j.causeOf(kind.Code)})
		case shown:
			alarm.Detail, alarm.Severity, alarm.Consequence = condition.detail, kind.severity(condition.instead).String(), kind.consequence(condition.instead)
			s.shown[kind.Code] = alarm
		case due:
			alarm = status.Alarm{Code: string(kind.Code), Severity: kind.severity(condition.instead).String(), Text: kind.Text, Cause: kind.Cause,
				Consequence: kind.consequence(condition.instead), Detail: condition.detail, Fix: kind.Fix, Since: condition.since}
			s.shown[kind.Code] = alarm
			s.began(alarm)
			begun = append(begun, Change{Alarm: alarm})
		}
	}
	return append(cleared, begun...)
}

// verdict is what becomes of an alarm.
type verdict uint8

const (
	absent   verdict = iota // its condition does not hold
	pending                 // it does, but not for long enough
	show                    // it is shown
	silenced                // a cause is shown, or silenced itself
)

// judgement finds the verdicts of one moment; causes come first.
type judgement struct {
	set   *Set
	now   time.Time
	found map[Code]verdict
}

func (j judgement) of(code Code) verdict {
	if v, found := j.found[code]; found {
		return v
	}
	v := j.judge(code)
	j.found[code] = v
	return v
}

// causeOf is the alarm that is shown in the place of a silenced one, "" for one that is
// not silenced.
func (j judgement) causeOf(code Code) Code {
	if j.of(code) != silenced {
		return ""
	}
	for _, cause := range rows[code].CausedBy {
		switch j.of(cause) {
		case show:
			return cause
		case silenced:
			return j.causeOf(cause)
		}
	}
	return ""
}

func (j judgement) judge(code Code) verdict {
	condition, held := j.set.held[code]
	kind, known := rows[code]
	if !held || !known {
		return absent
	}
	_, shown := j.set.shown[code]
	waits := false
	for _, cause := range kind.CausedBy {
		switch j.of(cause) {
		case show, silenced:
			return silenced
		case pending:
			waits = true // it may be the cause: this one is not shown first
		}
	}
	switch {
	case shown:
		return show // a cause that is only pending does not take it away again
	case waits || j.now.Sub(condition.since) < kind.Patience:
		return pending
	}
	return show
}

// rows are those of the table, by code.
var rows = func() map[Code]*Kind {
	m := map[Code]*Kind{}
	for i := range Table {
		m[Table[i].Code] = &Table[i]
	}
	return m
}()

// began and ended write the history.
func (s *Set) began(a status.Alarm) {
	if len(s.history) == historyLength {
		s.history = append(s.history[:0], s.history[1:]...)
	}
	s.history = append(s.history, status.PastAlarm{Alarm: a})
}

func (s *Set) ended(code Code, now time.Time) {
	for i := len(s.history) - 1; i >= 0; i-- {
		if a := &s.history[i]; a.Code == string(code) {
			if a.Cleared == nil {
				a.Cleared = &now
			}
			return
		}
	}
}

// History are the latest alarms, those that stand too, oldest first.
func (s *Set) History() []status.PastAlarm {
	history := append([]status.PastAlarm{}, s.history...)
	for i := range history {
		if alarm, shown := s.shown[Code(history[i].Code)]; shown && history[i].Cleared == nil {
			history[i].Alarm = alarm // with its latest detail
		}
	}
	return history
}

// Forget takes the alarms that stand no more out of the history.
func (s *Set) Forget() {
	s.history = slices.DeleteFunc(s.history, func(a status.PastAlarm) bool { return a.Cleared != nil })
}

// Active are the alarms shown, the gravest first.
func (s *Set) Active() []status.Alarm {
	active := []status.Alarm{}
	for severity := Critical; ; severity-- {
		for _, kind := range Table {
			if alarm, shown := s.shown[kind.Code]; shown && alarm.Severity == severity.String() {
				active = append(active, alarm)
			}
		}
		if severity == Warning {
			return active
		}
	}
}
