package gnss

import "time"

// A receiver that says 23:59:60 knows of a leap second. When the table has
// none there, the table is extended on trial; the epochs after midnight keep it
// or throw it out. TAI, which the pulses count, is not touched by either.

// proveLeap takes an epoch that agrees with the count.
func (p *Pairer) proveLeap(e Epoch) {
	if p.leapBefore != nil && !e.Leap60 {
		if p.leapProofs++; p.leapProofs >= agreeToKeepLeap {
			p.leapBefore = nil
			p.counter.LeapsObserved++
		}
		return
	}
	if !e.Leap60 || p.leapBefore != nil {
		return
	}
	last := e.UTC.Add(-time.Duration(e.UTC.Ns() % nsPerSecond))
	extended, err := p.leap.With(last.Add(time.Second), p.leap.OffsetAtUTC(last)+1)
	if err != nil {
		return // the table has this one, or later ones
	}
	p.leapBefore, p.leap, p.leapProofs = p.leap, extended, 0
}

// doubtLeap takes an epoch that contradicts the count while a leap second is on
// trial. If it agrees by the old table, the leap second was false.
func (p *Pairer) doubtLeap(n naming, off int64) int64 {
	second := (tai(p.leapBefore, n.epoch).Ns() + nsPerSecond/2) / nsPerSecond
	if before, _ := p.compare(second, n.epoch.Received); before != 0 {
		return off
	}
	p.leap, p.leapBefore = p.leapBefore, nil
	return 0
}
