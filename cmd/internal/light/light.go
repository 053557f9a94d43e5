// Package light decides how the board's LED shines: a face of the Status for who
// stands before the box.
package light

import "bragi/cmd/internal/status"

// Pattern is how the LED shines.
type Pattern uint8

// The patterns. Nothing shines while bragid does not run.
const (
	Off    Pattern = iota
	Steady         // locked, and clients are served
	Slow           // holdover in spec, or on the way to lock
	Fast           // something is wrong
)

func (p Pattern) String() string { return [...]string{"off", "steady", "slow", "fast"}[p] }

// Of is the pattern of a Status. Holdover in spec raises alarms of its own: it
// shines slowly unless something critical stands beside it.
func Of(s status.Status) Pattern {
	stands := func(severity string) bool {
		for _, a := range s.Alarms {
			if a.Severity == severity {
				return true
			}
		}
		return false
	}
	switch {
	case stands("critical"):
		return Fast
	case s.Clock.State == "HOLDOVER":
		return Slow
	case stands("major"):
		return Fast
	case s.Clock.State == "PHASE_ALIGNED" && s.Clock.Serving:
		return Steady
	}
	return Slow
}

// TicksPerSecond is how often Lit is asked.
const TicksPerSecond = 4

// Lit tells whether the LED is on at a tick: slow is a second on and a second off,
// fast changes with each tick.
func (p Pattern) Lit(tick uint64) bool {
	switch p {
	case Steady:
		return true
	case Slow:
		return tick/TicksPerSecond%2 == 0
	case Fast:
		return tick%2 == 0
	}
	return false
}
