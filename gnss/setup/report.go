package setup

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"bragi/gnss/ubx"
)

// EventKind is what happened.
type EventKind uint8

// The kinds of event.
const (
	Found        EventKind = iota // a u-blox answered
	NotUBlox                      // nobody answered
	StepFailed                    // a setting was refused, ignored or not answered
	Done                          // all settings were said
	SettingsLost                  // the receiver was without power
	SurveyBegun                   // the position is averaged
	Surveyed                      // Event.Position is new: keep it
	FixedMode                     // the position is held
	Moved                         // the antenna is elsewhere than it was surveyed
	Compared                      // it is where it was surveyed: keep Event.Position
)

// Event is something to tell, one line.
type Event struct {
	Kind     EventKind
	Text     string
	Position Position // with Surveyed and Compared
}

// Bad tells whether the event wants a fix.
func (e Event) Bad() bool { return e.Kind == StepFailed || e.Kind == SettingsLost || e.Kind == Moved }

// Outcome is how a step ended.
type Outcome uint8

// The outcomes.
const (
	Kept    Outcome = iota // it was so already
	Set                    // written, acknowledged, read back
	Absent                 // refused, and not needed: this model does not have it
	Refused                // ACK-NAK
	Ignored                // acknowledged, but it reads back otherwise
	Silent                 // no answer
)

// String is the outcome in words.
func (o Outcome) String() string {
	switch o {
	case Kept:
		return "was set"
	case Set:
		return "set"
	case Absent:
		return "not of this model"
	case Refused:
		return "refused"
	case Ignored:
		return "acknowledged, but not kept"
	}
	return "no answer"
}

// Bad tells whether the outcome is a fault.
func (o Outcome) Bad() bool { return o >= Refused }

// Result is a step that was done.
type Result struct {
	Name    string
	Outcome Outcome
	Detail  string
}

// String is the result in words.
func (r Result) String() string { return r.Name + ": " + r.Words() }

// Words is how it ended.
func (r Result) Words() string {
	if r.Detail != "" {
		return r.Detail
	}
	return r.Outcome.String()
}

// Status is the set-up as the operator wants to see it.
type Status struct {
	State   State
	Model   string // "ZED-F9T, TIM 2.20, protocol 29.20"; "" while it is not known
	Version ubx.Version
	Results []Result
	Mode    ModeStatus
}

// Status returns a copy.
func (m *Machine) Status() Status {
	s := Status{State: m.state, Version: m.version, Results: append([]Result(nil), m.results...), Mode: m.mode.status(m)}
	if m.version.Software != "" || m.version.Hardware != "" {
		s.Model = describe(m.version)
	}
	return s
}

// Baud is the rate of the line, which may have been raised; 0 when it is the
// operator's.
func (m *Machine) Baud() int { return m.baud }

// DoubtM is how far the antenna may be from the place that the receiver computes its
// time with, in m, beside what every receiver's may.
func (m *Machine) DoubtM() float64 { return m.mode.doubtM }

// PulseLength is how long the receiver was told to make its pulse, if it took that;
// 0: not known.
func (m *Machine) PulseLength() time.Duration {
	for _, r := range m.results {
		if strings.HasPrefix(r.Name, timePulse) && (r.Outcome == Kept || r.Outcome == Set) {
			return pulseLength * time.Microsecond
		}
	}
	return 0
}

// Problems are the faults that stand, one line each; while a set-up is done
// again, those of the one before too.
func (m *Machine) Problems() []string {
	var list []string
	if m.state != Foreign && (m.state != Watching || m.mode.state == ModeUnknown || m.mode.state == ModeFixing) {
		list = append(list, m.standing...)
	}
	for _, r := range m.results {
		if text := r.String(); r.Outcome.Bad() && !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	if p := m.mode.problem; p != "" && !slices.Contains(list, p) {
		list = append(list, p)
	}
	return list
}

// describe names a receiver.
func describe(v ubx.Version) string {
	name := v.Module
	if name == "" {
		name = "u-blox"
		if g := v.Generation(); g > 0 {
			name = fmt.Sprintf("u-blox %d", g)
		}
	}
	parts := []string{name}
	if v.Firmware != "" {
		parts = append(parts, v.Firmware)
	} else if v.Software != "" {
		parts = append(parts, v.Software)
	}
	if v.Protocol > 0 {
		parts = append(parts, fmt.Sprintf("protocol %d.%02d", v.Protocol/100, v.Protocol%100))
	}
	return strings.Join(parts, ", ")
}
