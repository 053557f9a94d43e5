package simulate

import (
	"math"
)

// unseen is what the room does to the phase after the thermometer stuck: until it has been
// still for longer than a good one ever is, a thermometer that sticks shows what air that
// stands still does.
type unseen struct {
	from     int     // second in which it stuck; 0: it has not
	pulse    int     // second of the last pulse
	crystalC float64 // the crystal's, had the air stood still where the thermometer did
	ns       float64 // what the room has made since that nobody was shown
	most     float64 // as much of it as nobody could notice
}

// A good thermometer in this climate is still for 95 s once a day and for 130 s once in three
// weeks (TestAThermometerStandsStill). For standsMost it is once in years.
const standsMost = 180 // s

// second looks at second i. As long as pulses come, only as much counts as the oscillator, a
// thermometer's step and the pulses do by themselves: more shows in them.
func (u *unseen) second(i int, w *world, p *simulated, d *Day) {
	if w.came {
		u.pulse = i
	}
	if w.sensor != ThermometerStuck {
		return
	}
	if u.from == 0 {
		u.from, u.crystalC = i, p.crystalC()
	}
	if i-u.from > standsMost {
		u.most = 0
		return
	}
	witness := d.witness()
	u.crystalC += (w.sensorC - u.crystalC) * (1 - math.Exp(-1/witness.spec.LagS))
	u.ns += d.Crystal.TempcoPPBC * (p.crystalC() - u.crystalC)
	witness.blind, witness.tempcoNs, witness.seenS = false, math.Abs(d.Crystal.TempcoPPBC), float64(u.from-d.poweredAt(u.from))
	if ns := math.Abs(u.ns); i-u.pulse > tailKnown || ns <= witness.discernsNs(float64(i-u.from+1)) {
		u.most = max(u.most, ns)
	}
}
