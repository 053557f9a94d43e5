package pipeline

import (
	"time"

	"bragi/gnss/timescale"
)

// Which of several references the clock follows is one pure function, Choose.

// Candidate is a reference as the choice sees it at one moment.
type Candidate struct {
	Priority int // the smallest is preferred; of equal ones the earlier
	// Internal: the oscillator alone. It is always there, and chosen when nothing else is good.
	Internal bool
	// Good: its pulses come, their second is known, and nothing speaks against them.
	Good bool
	// Distrusted: it says itself that it is not to be believed. It is dropped at once: no
	// hold-off for a false sky.
	Distrusted bool
	// Awaited: its pulses miss, but it is followed, does not deny that it has the time, and
	// the clock still waits for the next one. It is better than the oscillator alone.
	Awaited bool
	// Unheard is how long ago bragid went on after a restart, where it was not good since;
	// 0: it was, or there was no restart.
	Unheard time.Duration
	// Odd: the comparison with the others has named it. It is dropped at once, and never
	// chosen but by force.
	Odd bool
	// Lockout: the operator takes it out of the choice.
	Lockout bool
}

// Rules are the operator's.
type Rules struct {
	HoldOff       time.Duration // a failure that is shorter changes nothing
	WaitToRestore time.Duration // how long a reference that failed must be good before it counts again
	Revertive     bool          // go back to a better one; false: stay until the one that is followed fails
}

// SwitchOrder is what the operator orders.
type SwitchOrder uint8

// The orders.
const (
	Automatic SwitchOrder = iota
	Manual                // this one as long as it is good; then the order is over
	Forced                // this one, whatever it is worth, until the order is cleared
)

var switchOrderNames = [...]string{"automatic", "manual", "forced"}

// String is the order's word.
func (o SwitchOrder) String() string { return switchOrderNames[o] }

const (
	// unheardStands is how long a reference stands as it stood before a restart while it
	// was not good since: a pulse and its message come within it.
	unheardStands = 1500 * time.Millisecond
	// unheardOrdered is the same for the operator's order: a serial port may be looked for.
	unheardOrdered = time.Minute
)

func (c Candidate) unheard(most time.Duration) bool { return c.Unheard > 0 && c.Unheard < most }

// Standing is what the choice remembers of a reference.
type Standing struct {
	Counts bool           `json:"counts"`   // it is good, after hold-off and wait-to-restore
	Failed bool           `json:"failed"`   // it counted once, and then failed: wait-to-restore holds for it
	Since  timescale.Mono `json:"since_ns"` // since when it is otherwise than Counts says; zero: it is not
	Fails  int            `json:"fails"`    // how often
}

// Choice is what is selected, and what the next choice must know. It is a value.
type Choice struct {
	// Selected is the reference by its place in the list.
	Selected int            `json:"selected"`
	Since    timescale.Mono `json:"since_ns"`
	Order    SwitchOrder    `json:"order"`
	Ordered  int            `json:"ordered"` // by its place in the list; of no meaning when automatic

	Standings []Standing `json:"standings"`
}

// Choose is the choice at now after was. young: the clock has not locked yet, so
// nothing is lost by another choice and the best one is taken, revertive or not. The
// list has one internal reference at least, and keeps its order.
func Choose(now timescale.Mono, was Choice, list []Candidate, rules Rules, young bool) Choice {
	next := was
	next.Standings = make([]Standing, len(list))
	copy(next.Standings, was.Standings)
	for i, c := range list {
		next.Standings[i] = next.Standings[i].follow(now, c, rules)
	}
	possible := next.Order == Forced || next.usable(list, next.Ordered)
	if next.Order == Manual && !possible && !list[next.Ordered].unheard(unheardOrdered) {
		next.Order = Automatic
	}
	selected := next.Ordered
	if next.Order == Automatic || !possible {
		selected = next.automatic(list, rules, young)
	}
	if len(was.Standings) == 0 || selected != was.Selected {
		next.Selected, next.Since = selected, now
	}
	return next
}

// follow lets the standing of c follow what it is at now.
func (s Standing) follow(now timescale.Mono, c Candidate, rules Rules) Standing {
	good := c.Internal || c.Good && !c.Odd && !c.Lockout
	if good == s.Counts || c.unheard(unheardStands) {
		s.Since = timescale.Mono{}
		return s
	}
	if s.Since.IsZero() {
		s.Since = now
	}
	wait := rules.HoldOff
	switch {
	case good && s.Failed:
		wait = rules.WaitToRestore
	case good, c.Odd, c.Distrusted, c.Lockout:
		wait = 0 // a first start waits for nothing, and what is named was weighed already
	}
	if now.Sub(s.Since) < wait {
		return s
	}
	if !good {
		s.Failed = true
		s.Fails++
	}
	s.Counts, s.Since = good, timescale.Mono{}
	return s
}

// usable tells whether i may be followed at all: it counts, or it is good and waits
// only to be restored.
func (c Choice) usable(list []Candidate, i int) bool {
	if list[i].Odd || list[i].Lockout {
		return false
	}
	return list[i].Internal || c.Standings[i].Counts || list[i].Good
}

// Lost tells whether what is selected is no reference to follow: the oscillator, or what
// the operator forced.
func (c Choice) Lost(list []Candidate) bool {
	s := list[c.Selected]
	alive := c.Standings[c.Selected].Counts || s.Good || s.Awaited
	return s.Internal || !alive || s.Odd && c.Order != Forced
}

// HoldsOff tells that what is selected has failed, that the hold-off runs, and that another
// one could be followed: not where the operator forced it.
func (c Choice) HoldsOff(list []Candidate) bool {
	if s := list[c.Selected]; c.Order == Forced || s.Internal || s.Good || !c.Standings[c.Selected].Counts {
		return false
	}
	for i, other := range list {
		if i != c.Selected && !other.Internal && other.Good && c.Standings[i].Counts {
			return true
		}
	}
	return false
}

// automatic is the choice without an order: the best that counts. Where none does, a
// good one that waits to be restored is better than none: class 6 waits all the same
// (holdover.wait_to_restore). Then the oscillator.
func (c Choice) automatic(list []Candidate, rules Rules, young bool) int {
	best, waiting, awaited, internal := -1, -1, -1, 0
	for i := range list {
		switch {
		case list[i].Internal:
			internal = i
		case list[i].Lockout:
		case c.Standings[i].Counts:
			best = preferred(list, best, i)
		case list[i].Odd:
		case list[i].Good:
			waiting = preferred(list, waiting, i)
		case list[i].Awaited:
			awaited = i
		}
	}
	s := c.Selected
	stays := s < len(list) && !list[s].Internal && !young && !list[s].Lockout
	switch {
	case best < 0 && waiting < 0 && awaited < 0:
		return internal
	case best < 0 && waiting < 0:
		return awaited
	case stays && c.Standings[s].Counts && !rules.Revertive, best < 0 && stays && c.usable(list, s):
		return s
	case best < 0:
		return waiting
	case stays && !rules.Revertive && c.usable(list, s) && !c.Standings[s].Counts:
		return s // it was taken while it waited to be restored, and has been good since
	}
	return best
}

// preferred is the better of two places in the list; -1: none.
func preferred(list []Candidate, have, other int) int {
	if have < 0 || list[other].Priority < list[have].Priority {
		return other
	}
	return have
}
