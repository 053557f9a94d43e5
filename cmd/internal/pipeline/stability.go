package pipeline

import (
	"time"

	"bragi/gnss/timescale"
	"bragi/holdover/stability"
)

// Stability is TDEV and MTIE of the pulse against the clock, in ns, of the pulses that
// were believed in LOCKED.
type Stability struct {
	Rows   []stability.SlidingRow
	Pulses uint64 // since the start
}

// stabilityEvery is how often that is computed anew.
const stabilityEvery = 30 * time.Second

// steadiness is what it is made from.
type steadiness struct {
	sliding stability.Sliding
	pulses  uint64
	made    timescale.Mono
	latest  *Stability
}

// add takes the clock less the pulse of a second, in ns.
func (s *steadiness) add(second timescale.TAI, ns float64) {
	s.pulses++
	s.sliding.Add(second.Ns()/int64(time.Second), ns)
}

// at is what is known at now; it is not changed later.
func (s *steadiness) at(now timescale.Mono) *Stability {
	if s.latest == nil || now.Sub(s.made) >= stabilityEvery {
		s.made, s.latest = now, &Stability{s.sliding.Rows(), s.pulses}
	}
	return s.latest
}
