package holdover

import "bragi/gnss/timescale"

// wholeSecondNs: an error of more is another second. No client that relies on the
// time could follow a slew of it, which would take days.
const wholeSecondNs = 500_000_000

// Relabelled tells that the pulses so far were taken for the wrong second: the clock
// is ahead by seconds more than was thought. What is known of the oscillator stays;
// the time is out of spec until the clock has been stepped and has locked again.
func (c *Clock) Relabelled(now timescale.Mono, seconds int64) {
	if !c.est.valid || seconds == 0 {
		return
	}
	c.begin(now)
	c.life.OriginNs += seconds * 1e9
	c.witness.reset() // it saw the other second
}
