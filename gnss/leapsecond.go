package gnss

import (
	"time"

	"bragi/gnss/timescale"
)

// A receiver that says 23:59:60 knows of a leap second. When the table has
// none there, the table is extended on trial; the epochs after midnight keep it
// or throw it out. TAI, which the pulses count, is not touched by either.

// proveLeap takes an epoch that agrees with the count.
func (p *Pairer) proveLeap(e Epoch) {
	b := p.book
	if b.trial != nil && !e.Leap60 {
		if b.proofs++; b.proofs >= agreeToKeepLeap {
			b.learned, b.trial = append(b.learned, *b.trial), nil
			b.observed++
		}
		return
	}
	if !e.Leap60 || b.trial != nil {
		return
	}
	last := e.UTC.Add(-time.Duration(e.UTC.Ns() % nsPerSecond))
	if extended, err := b.table.With(last.Add(time.Second), b.table.OffsetAtUTC(last)+1); err == nil {
		b.try(LeapEvent{last.Add(time.Second), 1}, extended) // else the table has this one, or later ones
	}
}

// try puts a leap second on trial.
func (b *LeapBook) try(e LeapEvent, extended *timescale.LeapSeconds) {
	b.trial, b.table, b.proofs = &e, extended, 0
}

// doubtLeap takes an epoch that contradicts the count while a leap second is on
// trial. If it agrees by the old table, the leap second was false.
func (p *Pairer) doubtLeap(n naming, off int64) int64 {
	b := p.book
	trial := *b.trial
	with := b.table
	b.keep(len(b.learned))
	second, _ := inSecond(b.table, n.epoch)
	if before, _ := p.compare(second, n.epoch.Received); before != 0 {
		b.trial, b.table = &trial, with
		return off
	}
	return 0
}

// silentLeap takes an epoch that contradicts the count by one second. A receiver
// that names no 23:59:60 (or cannot name that 23:59:59 was left out) comes out of
// a leap second like that. If the table has expired and the half year has just
// begun, the leap second is put on trial. off is the count's lead.
func (p *Pairer) silentLeap(n naming, off int64) int64 {
	b := p.book
	if b.trial != nil || off != 1 && off != -1 {
		return off
	}
	c := n.epoch.UTC.Civil()
	midnight := n.epoch.UTC.Add(-time.Duration(n.epoch.UTC.Ns() % (86_400 * nsPerSecond)))
	if c.Day != 1 || c.Month != 1 && c.Month != 7 || n.epoch.UTC.Sub(midnight) > leapGrace || !b.table.Expired(midnight) {
		return off
	}
	extended, err := b.table.With(midnight, b.table.OffsetAtUTC(midnight)+int(off))
	if err != nil {
		return off
	}
	second, _ := inSecond(extended, n.epoch)
	if after, _ := p.compare(second, n.epoch.Received); after != 0 {
		return off
	}
	b.try(LeapEvent{midnight, int(off)}, extended)
	return 0
}

// leapGrace is how soon after midnight a leap second must show.
const leapGrace = 4 * time.Second
