package gnss

import (
	"fmt"
	"time"

	"bragi/gnss/timescale"
)

// edgeSense tells the edge that begins a pulse from the one that ends it, where the
// input stamps both: a pulse is shorter than the pause after it, so that the edge
// after the longer wait begins it. That holds of an inverted level too. Where an
// input stamps one edge only, nothing can be told.
type edgeSense struct {
	last    timescale.Mono
	gap     time.Duration  // before the last edge
	pairs   int            // waits in a row that make a second with the one before
	odd     int            // others in a row
	width   time.Duration  // the shorter of the two waits; 0: not known
	both    bool           // both edges are stamped, and it is known which one begins the pulse
	falling bool           // the edge that begins it falls, where the input tells
	evenAt  timescale.Mono // when the pulse was last as long as its pause
	fellAt  timescale.Mono // when an edge last was told to fall
}

const (
	// pairsToTell is how many waits tell which edge is which, two a second: before
	// anything can label the pulses, which takes three seconds. While they have a label
	// already, a minute of them: a second train may be a fault of the line.
	pairsToTell         = 3
	pairsToTellLabelled = 120
	oddToForget         = 6
	edgeTolerance       = 10 * time.Millisecond
	// evenTolerance is how near to half a second a pulse is as long as its pause.
	evenTolerance = 20 * time.Millisecond
	evenShown     = 5 * time.Second
)

// takes tells whether an edge may begin a pulse. labelled: pulses have a label;
// expected is how long the receiver was told to make the pulse; 0: not known.
func (s *edgeSense) takes(e timescale.Edge, labelled bool, expected time.Duration) bool {
	gap := e.Mono.Sub(s.last)
	if !s.last.IsZero() && gap < sameStampWithin {
		return true // the same edge again, or one that comes too late: the Pairer's to judge
	}
	if e.Falling {
		s.fellAt = e.Mono
	}
	before := s.gap
	s.last, s.gap = e.Mono, gap
	short, pair := min(gap, before), (gap+before-time.Second).Abs() <= edgeTolerance && before >= sameStampWithin
	even := pair && (gap-before).Abs() <= 2*evenTolerance
	switch {
	case !pair, s.pairs > 0 && (short-s.width).Abs() > edgeTolerance:
		s.pairs = 0
		if s.odd++; s.odd >= oddToForget {
			s.both, s.width = false, 0
		}
	case even:
		s.odd = 0
		s.evenAt, s.both, s.pairs = e.Mono, false, 0
	default:
		s.pairs++
		s.odd = 0
	}
	if pair {
		s.width = short
	}
	need := pairsToTell
	if labelled {
		need = pairsToTellLabelled
	}
	begins := gap > time.Second/2
	if s.pairs >= need && s.fits(expected) {
		s.both = true
	}
	if begins {
		s.falling = e.Falling
	}
	switch {
	case s.both:
		return pair && begins
	case s.untold(e.Mono) && !labelled:
		return false
	}
	return !e.Falling
}

// fits tells whether the pulse is as long as the receiver was told to make it.
func (s *edgeSense) fits(expected time.Duration) bool {
	return expected == 0 || s.width == 0 || (s.width-expected).Abs() <= edgeTolerance
}

// untold: the pulse is as long as its pause, and the input does not tell which of its
// edges rises.
func (s *edgeSense) untold(now timescale.Mono) bool {
	lately := func(m timescale.Mono) bool { return !m.IsZero() && now.Sub(m) < evenShown }
	return lately(s.evenAt) && !lately(s.fellAt)
}

// troubles is what is wrong with the edges at now.
func (s *edgeSense) troubles(now timescale.Mono, expected time.Duration) []Trouble {
	var list []Trouble
	if s.untold(now) {
		list = append(list, Trouble{ReasonEdgeUntold, "an edge each half second: nothing tells the one that begins the second"})
	}
	if s.pairs >= pairsToTell && !s.fits(expected) {
		list = append(list, Trouble{ReasonPulseLength, fmt.Sprintf("%v, the receiver was told %v", s.width.Round(time.Millisecond), expected)})
	}
	return list
}

// EdgeStatus is what is known of the edge that is stamped.
type EdgeStatus struct {
	Verified bool          // both edges are seen, and the one that begins the pulse is used
	Falling  bool          // that one falls: the level is inverted; where the input tells
	Length   time.Duration // of the pulse; 0: not known
}

// String is it in words.
func (s EdgeStatus) String() string {
	switch {
	case !s.Verified:
		return "the pulse's edge is not verified"
	case s.Falling:
		return fmt.Sprintf("its falling edge begins it, %v long", s.Length.Round(time.Millisecond))
	}
	return fmt.Sprintf("its edge is verified, %v long", s.Length.Round(time.Millisecond))
}

func (s *edgeSense) status() EdgeStatus { return EdgeStatus{s.both, s.both && s.falling, s.width} }
