package pipeline

import (
	"math"
	"time"

	"bragi/gnss/timescale"
)

// A receiver that holds its position computes the time with it. Where the antenna is
// elsewhere, the time is wrong by the way of light between the two at most. No filter
// sees that, so it is in the bound.

const (
	nsPerMetre = 3.3356
	// placeFalls is the time in which the bound falls to a third once the place is good:
	// the clock follows the pulse slowly.
	placeFalls = 5 * time.Minute
)

// DoubtPlace takes how far the antenna may be from the place that the receiver of [gnss]
// computes its time with, in m.
func (p *Pipeline) DoubtPlace(m float64) { p.DoubtPlaceOf(p.first, m) }

// DoubtPlaceOf takes the same of the receiver of reference i. It is in the bound while that
// one is followed.
func (p *Pipeline) DoubtPlaceOf(i int, m float64) { p.sources[i].placeM = m }

// weighPlace lets the bound follow the doubt: at once upwards, and downwards as the clock
// follows the receiver.
func (p *Pipeline) weighPlace(now timescale.Mono) {
	fallen := p.placeNs
	if !p.placed.IsZero() && p.reference.HasTime(now) {
		fallen *= math.Exp(-now.Sub(p.placed).Seconds() / placeFalls.Seconds())
	}
	p.placed = now
	if p.placeNs = max(p.sources[p.active].placeM*nsPerMetre, fallen); p.placeNs < 1 {
		p.placeNs = 0
	}
	p.servo.DoubtReceiver(p.placeNs + p.doubtNs())
}
