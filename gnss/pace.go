package gnss

import (
	"time"

	"bragi/gnss/timescale"
)

// pace is how often messages come: one in so many whole seconds. One in a second is
// assumed until they are slower twice in a row, so that a message that is lost is not
// taken for a pace.
type pace struct {
	last   timescale.Mono
	every  int64 // s; 0: one
	slower int   // in a row

	rare   int // in a row that came too late after the one before
	often  int // in a row that came in time
	rareAt timescale.Mono
	rareBy time.Duration
}

const (
	slowest       = 5                                      // s, the slowest pace that is enough to confirm the count of pulses
	seldomSpacing = slowest*time.Second + spacingTolerance // between messages: too few to confirm it
	seldomOver    = 3                                      // messages in a row that come in time: they are seldom no more
	seldomMost    = time.Minute                            // of messages that still come
)

// hear takes a message without a time that is trusted: the receiver is not one that speaks
// seldom, its sky comes and goes.
func (p *pace) hear(at timescale.Mono) { p.last = at }

// see takes a message.
func (p *pace) see(at timescale.Mono) {
	gap := time.Duration(0)
	if !p.last.IsZero() {
		gap = at.Sub(p.last)
	}
	p.last = at
	if gap <= seldomSpacing || gap > seldomMost {
		p.rare, p.often = 0, p.often+1
		if p.often > seldomOver {
			p.rareAt = timescale.Mono{}
		}
	} else if p.often, p.rare = 0, p.rare+1; p.rare > 1 {
		p.rareAt, p.rareBy = at, gap
	}
	seconds, ok := paced(gap)
	switch {
	case !ok:
		p.slower = 0
	case seconds <= p.seconds():
		p.every, p.slower = seconds, 0
	default:
		if p.slower++; p.slower > 1 {
			p.every, p.slower = seconds, 0
		}
	}
}

// seldom tells that messages come, but too seldom to label the pulses by, or to
// confirm their count.
func (p *pace) seldom(now timescale.Mono) bool {
	return !p.rareAt.IsZero() && now.Sub(p.rareAt) <= max(glitchShown, p.rareBy+seldomSpacing)
}

// paced is the whole seconds between two messages; ok is false where they are not
// near to some, or are too many.
func paced(gap time.Duration) (seconds int64, ok bool) {
	seconds, rest := wholeSeconds(gap)
	return seconds, seconds >= 1 && seconds <= slowest && rest.Abs() <= spacingTolerance
}

func (p *pace) seconds() int64 { return max(p.every, 1) }

// slowed is a limit that is meant for a message a second, for this pace.
func (p *pace) slowed(limit time.Duration) time.Duration { return limit * time.Duration(p.seconds()) }
