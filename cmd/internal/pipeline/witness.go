package pipeline

import (
	"math"

	"bragi/gnss/timescale"
)

// ask fills in how far each reading is from where the clock's own memory expects it, and
// returns how well that is known. One that an odd reference steers by force, or has steered, is no witness.
func (p *Pipeline) ask(m timescale.Mono, list []reading) (widthNs float64) {
	if p.swayed() || !p.led.IsZero() {
		return 0
	}
	x, width, ok := p.foretold(m)
	if !ok {
		if x, width, ok = p.remembersSecond(m, list); !ok {
			return 0
		}
	}
	for k := range list {
		s := &p.sources[list[k].i]
		pulse, _ := s.newest()
		level, _ := s.compared.level()
		if list[k].i == p.active {
			level = 0
		}
		offset := float64(p.offsetNs(pulse)) + pulse.CorrectionNs + level - float64(p.buildNs)
		list[k].FromClockNs = x - offset
	}
	return width
}

// foretold is the clock's error at m by its memory from before the trouble: from when the
// references last agreed. Of a reference that has never agreed the clock knows only if it had
// been locked for a while when that came.
func (p *Pipeline) foretold(m timescale.Mono) (errorNs, widthNs float64, ok bool) {
	since := timescale.Mono{}
	for i := range p.sources {
		c := &p.sources[i].compared
		if i == p.active || c.at != m || c.odd != "" || c.outside == 0 {
			continue
		}
		from := c.close
		if from.IsZero() {
			if !c.newcomer {
				return 0, 0, false
			}
			from = c.first
		}
		if since.IsZero() || from.Before(since) {
			since = from
		}
	}
	if since.IsZero() {
		since = m
	}
	return p.servo.Foretold(m, since)
}

// remembersSecond is the clock's error where a reference that agreed before has another second
// now: the clock knows its own second after any lock, until it follows another one.
func (p *Pipeline) remembersSecond(m timescale.Mono, list []reading) (errorNs, widthNs float64, ok bool) {
	report := p.servo.Report(m)
	if !report.EverLocked || !(report.BoundNs < knownSecondNs) {
		return 0, 0, false
	}
	for _, r := range list {
		if c := &p.sources[r.i].compared; r.i != p.active && math.Abs(r.AheadNs) > anotherSecondNs {
			if c.n < buildLevels {
				return 0, 0, false
			}
			ok = true
		}
	}
	return report.ErrorNs, report.BoundNs, ok
}

// forgive counts how long a reference that was named has agreed again: with all that are not
// named, or with so many that they outvote the others, or with the clock where it is alone.
func (p *Pipeline) forgive(now timescale.Mono, r reading, list []reading) {
	c := &p.sources[r.i].compared
	protests := false
	limit := p.cfg.LimitNs/2 + r.UncertaintyNs
	agrees, compared, friends, believed, forced, apart := true, false, 1, false, c.swayed, 0.0
	for _, o := range list {
		if o.i == r.i {
			continue
		}
		near := math.Abs(o.AheadNs-r.AheadNs) <= limit+o.UncertaintyNs
		if near {
			friends++
			forced = forced || p.sources[o.i].compared.swayed
		}
		if p.sources[o.i].compared.odd == "" {
			compared = true
			agrees = agrees && near
			believed = believed || near
			apart = max(apart, math.Abs(o.AheadNs-r.AheadNs))
		}
	}
	switch {
	case !compared:
		agrees = !p.swayed() && p.led.IsZero() && p.clockAgrees(now, r, limit, c.wrongNs/2)
	case len(list) <= 2 || 2*friends <= len(list) || forced: // who is followed by force though odd has no vote
	case believed:
		agrees = true // a dispute of the others does not outvote them
	case c.oddBy != "" && c.oddBy != byOperator && !p.distrusted(now, &p.sources[r.i]):
		protests = true
	}
	if c.protests++; !protests {
		c.protests = 0
	}
	if c.agrees++; c.agrees == 1 {
		c.joined = c.swayed && r.i == p.active && p.taken == p.handed
	}
	if !agrees {
		if c.agrees = 0; compared {
			c.wrongNs = apart
		}
	}
	if c.agrees >= pardonAfter {
		if c.joined && c.swayed && c.wrongNs > p.joined.ns {
			p.joined = joined{ns: c.wrongNs, at: now}
		}
		c.pardon()
		c.agreed = true
	}
}

// clockAgrees tells that the served clock says no other time than r, which may differ by limitNs,
// and that it would tell one that is off by more than mostNs. A clock that does not know agrees
// with nobody.
func (p *Pipeline) clockAgrees(now timescale.Mono, r reading, limitNs, mostNs float64) bool {
	report := p.servo.Report(now)
	pulse, _ := p.sources[r.i].newest()
	off := float64(p.offsetNs(pulse)) + pulse.CorrectionNs - float64(p.buildNs) - report.ErrorNs
	return math.Abs(off) <= min(limitNs+report.BoundNs, mostNs) && report.BoundNs <= mostNs
}

// swayed tells that an odd reference steers the clock by force, or has, and that it has not locked to
// another one since.
func (p *Pipeline) swayed() bool {
	for i := range p.sources {
		if p.sources[i].compared.swayed {
			return true
		}
	}
	return false
}

// sway keeps that the clock follows an odd one by force: it is no witness of that one until it
// has locked to another one again.
func (p *Pipeline) sway(now timescale.Mono) {
	c := &p.sources[p.active].compared
	switch {
	case c.odd != "" && p.choice.Order == Forced && !p.taken.IsZero() && p.taken == p.handed:
		c.swayed = true
	case c.odd == "" && p.servo.Locked():
		for i := range p.sources {
			p.sources[i].compared.swayed = false
		}
	}
}

// astray keeps that an odd one has steered the clock by force: pardoned or not, the clock is a witness
// again only when it has been locked for newcomerLock since, with no order, no dispute and one that is
// not odd.
func (p *Pipeline) astray(now timescale.Mono) {
	switch {
	case p.swayed():
		p.led = now
	case p.led.IsZero():
	case !p.servo.Locked(), p.choice.Order != Automatic, p.sources[p.active].compared.odd != "", p.dispute.times > 0:
		p.led = now
	case now.Sub(p.led) >= newcomerLock:
		p.led = timescale.Mono{}
	}
}
