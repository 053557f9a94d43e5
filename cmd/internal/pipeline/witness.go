package pipeline

import (
	"math"
	"time"

	"bragi/gnss"
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
		level := s.compared.usual()
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
	var since, at timescale.Mono
	moved := false
	for i := range p.sources {
		c := &p.sources[i].compared
		if i == p.active || c.at != m || c.odd != "" || c.outside == 0 && c.calm.At == m {
			continue
		}
		from, known := c.calm.before(m)
		switch {
		case c.calm.At.IsZero() && c.newcomer:
			from = c.first
		case c.calm.At.IsZero():
			return 0, 0, false
		case !known:
			moved = true
		}
		if since.IsZero() || from.Before(since) {
			since = from
		}
		if at.IsZero() || c.calm.At.Before(at) {
			at = c.calm.At
		}
	}
	if since.IsZero() {
		since = m
	}
	if !moved {
		if errorNs, widthNs, ok = p.servo.Foretold(m, since); ok || at.IsZero() {
			return errorNs, widthNs, ok
		}
	}
	errorNs, widthNs, ok = p.servo.Foretold(m, at)
	return errorNs, coarsely*widthNs + p.taughtNs(m.Sub(at)), ok
}

const (
	// coarsely is how many times its width a memory is wrong at most that was being taught.
	coarsely = 3
	// taughtSeconds is how long one that runs away needs at least, until it differs by more than the limit:
	// what runs faster is named or disputed before the clock has learned its speed.
	taughtSeconds = 5
)

// taughtNs is how far off a memory is at most, after age, that one which ran away by less than the limit has
// taught: its time is off by less than some limits, and its speed by a limit each taughtSeconds. That is too
// coarse for a microsecond, and knows a millisecond, or a second.
func (p *Pipeline) taughtNs(age time.Duration) float64 {
	return p.cfg.LimitNs * (farLimits + age.Seconds()/taughtSeconds)
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
	off, moves := 0.0, 0.0
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
			if ahead := o.AheadNs - r.AheadNs; !compared || math.Abs(ahead) < math.Abs(off) {
				off = ahead
			}
			compared = true
			agrees = agrees && near
			believed = believed || near
			apart = max(apart, math.Abs(o.AheadNs-r.AheadNs))
		}
	}
	switch {
	case !compared:
		pulse, _ := p.sources[r.i].newest()
		agrees = !p.swayed() && p.led.IsZero() && p.clockAgrees(now, pulse, limit, c.wrongNs/2)
		off, moves = p.offClock(now, pulse), p.servo.Report(now).BoundNs // the clock may move, too
	case len(list) <= 2 || 2*friends <= len(list) || forced: // who is followed by force though odd has no vote
	case believed:
		agrees = true // a dispute of the others does not outvote them
	case c.oddBy != "" && c.oddBy != byOperator && !p.distrusted(now, &p.sources[r.i]):
		protests = true
	}
	if c.protests++; !protests {
		c.protests = 0
	}
	if c.agrees == 0 {
		c.joined = c.swayed && r.i == p.active && p.taken == p.handed
	}
	c.stands(now, off, moves)
	if !agrees {
		if c.agrees = 0; compared {
			c.wrongNs = apart
		}
	}
	if wait := p.pardonWait(); time.Duration(c.agrees)*time.Second > wait {
		if c.joined && c.swayed && c.wrongNs > p.joined.ns {
			p.joined = joined{ns: c.wrongNs, at: now}
		}
		c.pardon()
		c.agreed = true
		if r.i < len(p.choice.Standings) {
			p.choice.Standings[r.i].Since = now.Add(-wait) // it has waited to be restored meanwhile
		}
	}
}

// pardonWait is how long one that was named must agree again, in time and in frequency. One that
// drifts is right in passing.
func (p *Pipeline) pardonWait() time.Duration { return max(pardonFor, p.rules().WaitToRestore) }

// offClock is how far the served clock, where it believes to be, is ahead of a pulse.
func (p *Pipeline) offClock(now timescale.Mono, pulse gnss.Pulse) float64 {
	return float64(p.offsetNs(pulse)) + pulse.CorrectionNs - float64(p.buildNs) - p.servo.Report(now).ErrorNs
}

// clockAgrees tells that the served clock says no other time than the pulse, which may differ by limitNs,
// and that it would tell one that is off by more than mostNs. A clock that does not know agrees
// with nobody.
func (p *Pipeline) clockAgrees(now timescale.Mono, pulse gnss.Pulse, limitNs, mostNs float64) bool {
	report := p.servo.Report(now)
	return math.Abs(p.offClock(now, pulse)) <= min(limitNs+report.BoundNs, mostNs) && report.BoundNs <= mostNs
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
