package rehearsal

import (
	"fmt"
	"math"
	"strings"

	"bragi/master/twin"
	"bragi/master/unicast"
)

// The judging over several masters: of those that are not followed, and of each change
// from one to another.

// judgeCandidate looks at a master that only announces. failed: it was followed, and left
// because it failed: that it is silent now is nothing new.
func (r *Report) judgeCandidate(failed bool) {
	if r.Counts["announce"] == 0 {
		r.judgeGrants()
		return
	}
	r.judgeAnnounce()
	if n := r.Counts["cancels"]; n > 0 {
		r.find(aWarning, "CANCELLED", cancelAction, "The master took back %s.", counted(n, "grant"))
	}
	if g := r.Grants[flowNames[unicast.Announce]]; !failed && g.Grants > 0 && r.Rates[flowNames[unicast.Announce]] == 0 && r.RunS > ratesAfterS {
		r.find(aWarning, "SILENT_STANDBY", "A master of bragi sends Announce alone only to whom it trusts: name this client's address in its master.trusted.",
			"Announce was granted, and has stopped: the client cannot change to this master.")
	}
}

// judgeMasters looks at the other masters, and at the changes between them. What is
// wrong with a master that is not followed is no error yet.
func (r *Report) judgeMasters() {
	for i, m := range r.Masters {
		for _, f := range m.findings {
			if f.Severity == anError {
				f.Severity = aWarning
			}
			f.Text = "The master " + m.Address + ", which was not followed at the end: " + f.Text
			r.Findings = append(r.Findings, f)
		}
		for _, other := range r.Masters[:i] {
			if m.Identity != "" && clockOf(m.Port) == clockOf(other.Port) {
				r.find(anError, "ONE_IDENTITY", "Give each master a clock identity of its own: clients take the two for one clock.",
					"The masters %s and %s have one clock identity (%s).", other.Address, m.Address, clockOf(m.Port))
			}
		}
	}
	for _, s := range r.Switches {
		r.judgeSwitch(s)
	}
}

// judgeSwitch looks at a change of master: at what the client changed to, and at what
// this did to the time. Two masters agree within the limit of a twin.
func (r *Report) judgeSwitch(s SwitchReport) {
	change := fmt.Sprintf("The change from %s (%s) to %s (%s) after %.0f s (%s)", s.From, standing(s.FromClass, s.FromFlags), s.To, standing(s.ToClass, s.ToFlags), s.AtS, s.Why)
	worse := true
	switch {
	case !traceable(s.ToClass) || !s.ToFlags.TimeTraceable || !s.ToFlags.PTPTimescale:
		r.find(anError, "SWITCH_WORSE", "Do not let clients change to this master before it is locked: modems go offline when its time moves.",
			"%s is to a master whose time nobody may follow.", change)
	case s.ToClass > s.FromClass:
		r.find(aWarning, "SWITCH_WORSE", "Find out why that master has no GNSS: bragi show alarms.", "%s is to a master that is in holdover.", change)
	default:
		worse = false
	}
	if s.MovedNs == nil {
		r.find(aWarning, "SWITCHED", "Let it run longer (--for) to see what the change does to the time.", "%s was at the end.", change)
		return
	}
	switch moved := math.Abs(float64(*s.MovedNs)); {
	case moved > max(r.phaseLimitNs, float64(twin.Limit)):
		r.find(anError, "SWITCH_STEP", "Find out which of the two is wrong. Do not let clients change while they differ: modems go offline at such a step.",
			"%s moved the time by %s.", change, Moved(*s.MovedNs))
	case moved > float64(twin.Limit):
		r.find(aWarning, "SWITCH_STEP", "Two masters in spec are never further apart than 3 us. Software stamps may be the cause: bragi show twin at a master tells it better.",
			"%s moved the time by %s: the two do not agree.", change, Moved(*s.MovedNs))
	case worse:
		r.find(aNote, "SWITCHED", "This is true today. A master in holdover, or without a source, drifts away.", "%s moved the time by %s.", change, Moved(*s.MovedNs))
	default:
		r.find(aNote, "SWITCHED", "Nothing to do: the two agree.", "%s moved the time by %s.", change, Moved(*s.MovedNs))
	}
}

// traceable: the class of a master in spec.
func traceable(class uint8) bool { return class == 6 || class == 7 }

// standing is a master's class, and what keeps clients from its time.
func standing(class uint8, f Flags) string {
	text := fmt.Sprintf("class %d", class)
	if !f.PTPTimescale {
		text += ", an arbitrary timescale (ARB)"
	}
	if !f.TimeTraceable {
		text += ", not traceable"
	}
	return text
}

// Moved is by how much a time moved, in words; positive: ahead.
func Moved(ns int64) string {
	switch size := max(ns, -ns); {
	case size < 1_000_000:
		return fmt.Sprintf("%+.3f us", float64(ns)/1e3)
	case size < 1_000_000_000:
		return fmt.Sprintf("%+.3f ms", float64(ns)/1e6)
	}
	return fmt.Sprintf("%+.6f s", float64(ns)/1e9)
}

// clockOf is the clockIdentity of a portIdentity's text.
func clockOf(port string) string {
	return port[:max(0, strings.LastIndexByte(port, '-'))]
}
