package gnss

import (
	"math"
	"time"

	"bragi/gnss/timescale"
	"bragi/gnss/ubx"
)

// ubxState is what the Decoder keeps of UBX.
type ubxState struct {
	group ubxGroup
	// Groups since each message came; above ubxMemory the receiver sends none.
	sincePVT, sinceUTC, sinceGPS int

	leap    aged[int] // the count that the receiver vouches for
	pulse   aged[ubx.PulseTime]
	late    bool // TIM-TP comes after the messages that complete an epoch: wait for it
	survey  aged[ubx.Survey]
	clock   aged[ubx.NavClock]
	sats    aged[bool]
	version ubx.Version

	lastEpoch timescale.Mono // Received of the last epoch from UBX
	lastUTC   timescale.UTC
	silent    int // groups of sentences since then
}

// ubxGroup is what the messages with one iTOW said.
type ubxGroup struct {
	open     bool
	given    bool
	iTOW     uint32
	received timescale.Mono
	told     bool          // TIM-TP told the pulse after this epoch
	pulse    ubx.PulseTime // what it told

	pvt                                       ubx.PVT
	utc                                       ubx.TimeUTC
	gps                                       ubx.TimeGPS
	sol                                       ubx.NavSol
	status                                    ubx.NavStatus
	hasPVT, hasUTC, hasGPS, hasSol, hasStatus bool
}

const (
	ubxMemory = 3
	weekMs    = 7 * 86_400_000
	weekS     = 7 * 86_400
	// gpsEpoch is 1980-01-06T00:00:00 UTC, a Sunday, in s since 1970.
	gpsEpoch = 315_964_800
	weekTurn = 1024 // the weeks that GPS's ten bits tell apart

	// timeGoodNs: with a time so certain a receiver has the time, even where its
	// masks of dilution and accuracy refuse the position.
	timeGoodNs = 1000
	// timeBadNs: with one so uncertain the second itself is in doubt.
	timeBadNs = 100_000_000
	// ubxRulesFor is how long after an epoch from UBX the sentences only confirm.
	ubxRulesFor = 2500 * time.Millisecond
)

// openUBX is the group of this iTOW: the current one, or a new one.
func (d *Decoder) openUBX(iTOW uint32, f Frame, emit func(Epoch)) *ubxGroup {
	g := &d.ubx.group
	if g.open && g.iTOW == iTOW && f.Received.Sub(g.received) < namedAgain {
		return g
	}
	d.closeUBX(emit)
	*g = ubxGroup{open: true, iTOW: iTOW, received: f.Received}
	u := &d.ubx
	u.sincePVT, u.sinceUTC, u.sinceGPS = min(u.sincePVT+1, ubxMemory+1), min(u.sinceUTC+1, ubxMemory+1), min(u.sinceGPS+1, ubxMemory+1)
	d.conflict = max(d.conflict-1, 0)
	return g
}

// closeUBX ends the group and gives out its epoch, if it named a time and
// nothing was given out yet.
func (d *Decoder) closeUBX(emit func(Epoch)) {
	g := &d.ubx.group
	if g.open && !g.given && g.names() && (g.hasFix() || d.talksUBX(g)) {
		d.ubx.late = d.ubx.late && g.told
		d.giveUBX(emit)
	}
	g.open = false
}

// names tells whether the group names an instant, hasFix whether it tells of the
// fix.
func (g *ubxGroup) names() bool  { return g.hasPVT || g.hasUTC || g.hasGPS || g.hasSol }
func (g *ubxGroup) hasFix() bool { return g.hasPVT || g.hasSol || g.hasStatus }

// talksUBX tells whether UBX alone names instants: a receiver may send its time in
// UBX and its fix in sentences, which then are the better word.
func (d *Decoder) talksUBX(g *ubxGroup) bool {
	return d.epoch.Talker == talkerUBX || d.lastEpoch.IsZero() || g.received.Sub(d.lastEpoch).Abs() > ubxRulesFor
}

// tryUBX gives out the epoch as soon as nothing better is to come: NAV-PVT is
// complete; without it TIMEUTC and a fix, without that TIMEGPS and a fix.
func (d *Decoder) tryUBX(emit func(Epoch)) {
	g, u := &d.ubx.group, &d.ubx
	d.notePulse()
	if g.given {
		return
	}
	fix := g.hasFix()
	ready := false
	switch {
	case g.hasPVT:
		// A date before the floor may be a week that rolled over: GPS's week tells.
		at, _, ok := g.pvtTime()
		ready = ok && at.Sub(d.cfg.Floor) >= 0 || u.sinceGPS > ubxMemory
	case u.sincePVT <= ubxMemory:
	case g.hasUTC:
		ready = fix && (g.utc.UTCValid || u.sinceGPS > ubxMemory || g.hasGPS)
	case u.sinceUTC <= ubxMemory:
	case g.hasGPS:
		ready = fix
	case u.sinceGPS > ubxMemory:
		ready = g.hasSol
	}
	if ready && u.late && !g.told {
		return // TIM-TP belongs to this epoch and comes after it
	}
	if ready {
		d.giveUBX(emit)
	}
}

// fixType is the fix of the group, and whether the receiver stands by it.
func (g *ubxGroup) fixType() (fix int, ok bool) {
	switch {
	case g.hasPVT:
		return g.pvt.FixType, g.pvt.FixOK
	case g.hasStatus:
		return g.status.FixType, g.status.FixOK
	case g.hasSol:
		return g.sol.FixType, g.sol.FixOK
	}
	return ubx.FixNone, false
}

// accuracy is the receiver's estimate of its time accuracy in ns.
func (d *Decoder) accuracy() Maybe[int64] {
	g := &d.ubx.group
	switch {
	case g.hasPVT && g.pvt.TAccNs != ubx.Unknown32:
		return Some(int64(g.pvt.TAccNs))
	case g.hasUTC && g.utc.TAccNs != ubx.Unknown32:
		return Some(int64(g.utc.TAccNs))
	case g.hasGPS && g.gps.TAccNs != ubx.Unknown32:
		return Some(int64(g.gps.TAccNs))
	}
	if c := d.ubx.clock.fresh(g.received); c.Known && c.Value.TAccNs != ubx.Unknown32 {
		return Some(int64(c.Value.TAccNs))
	}
	return Maybe[int64]{}
}

func (d *Decoder) giveUBX(emit func(Epoch)) {
	g := &d.ubx.group
	g.given = true
	e := Epoch{Received: g.received, Talker: talkerUBX, SatsUsed: d.used.fresh(g.received), HDOP: d.hdop.fresh(g.received), TAccNs: d.accuracy()}
	fix, fixOK := g.fixType()
	fixOK = fixOK || e.TAccNs.Known && e.TAccNs.Value <= timeGoodNs
	switch {
	case fix == ubx.FixDeadReckoning:
		e.Why = append(e.Why, ReasonEstimated)
	case fix < ubx.Fix2D || fix > ubx.FixTime || !fixOK:
		e.Why = append(e.Why, ReasonNoFix)
	case fix == ubx.Fix2D:
		e.Fix = Fix2D
	case fix == ubx.FixTime:
		e.Fix = FixTime
	default:
		e.Fix = Fix3D
	}
	e.Why = d.ubxInstant(&e, e.Why)
	if e.TAccNs.Known && e.TAccNs.Value > timeBadNs {
		e.Why = append(e.Why, ReasonTimeAccuracy)
	}
	if d.conflict > 0 {
		e.Why = append(e.Why, ReasonConflict)
	}
	e.Trusted = len(e.Why) == 0
	d.ubx.lastEpoch, d.ubx.lastUTC, d.ubx.silent = e.Received, e.UTC, 0
	d.give(e, emit)
}

// ubxInstant fills in the epoch's instant and leap count and tells what speaks
// against it. UTC as the receiver says it counts when the receiver vouches for
// its leap count, or when that agrees with the table; else GPS time and the
// table's.
func (d *Decoder) ubxInstant(e *Epoch, why []Reason) []Reason {
	g := &d.ubx.group
	utc, leap60, vouched, ok := g.utcTime()
	if ok && utc.Sub(d.cfg.Floor) >= 0 {
		leapS, told := g.impliedLeap(utc, leap60)
		vouched = vouched && told || d.vouched(leapS, g.received)
		switch {
		case !told:
		case d.book.Plausible(utc, leapS) && (vouched || leapS == d.book.LeapS(utc)):
			e.UTC, e.Leap60, e.LeapS, e.LeapSource = utc, leap60, Some(leapS), LeapFromTable
			if vouched {
				e.LeapSource = LeapFromReceiver
				d.book.TellCount(utc, leapS)
			}
			at := timescale.TAIFromNs(utc.Ns() + int64(leapS+gpsToTAI)*nsPerSecond)
			if leap60 {
				at = at.Add(time.Second)
			}
			e.TAI = Some(at)
			return d.plausibleDate(e, why)
		case vouched:
			e.UTC, e.Leap60 = utc, leap60
			d.book.TellCount(utc, leapS)
			return append(why, ReasonLeapFault)
		}
	}
	if gps, has := g.gpsTime(d.floorTAI); has {
		e.Scale, e.TAI = ScaleGPS, Some(gps)
		e.UTC, e.Leap60 = d.book.table.ToUTC(gps)
		e.LeapS, e.LeapSource = Some(d.book.LeapS(e.UTC)), LeapFromTable
		if l := d.ubx.leap.held(g.received); l.Known {
			switch {
			case l.Value == e.LeapS.Value:
				e.LeapSource = LeapFromReceiver
			case d.book.Plausible(e.UTC, l.Value):
				e.UTC, e.Leap60 = timescale.UTCFromNs(gps.Ns()-int64(l.Value+gpsToTAI)*nsPerSecond), false
				e.LeapS, e.LeapSource = l, LeapFromReceiver
				d.book.TellCount(e.UTC, l.Value)
			default:
				d.book.TellCount(e.UTC, l.Value)
				why = append(why, ReasonLeapFault)
			}
		}
		return d.plausibleDate(e, why)
	}
	e.UTC, e.Leap60 = utc, leap60
	if !ok {
		return append(why, ReasonNoTime)
	}
	if utc.Sub(d.cfg.Floor) < 0 {
		return append(why, ReasonBeforeFloor)
	}
	return append(why, ReasonLeapUnknown)
}

// vouched tells whether the receiver stands by a leap count.
func (d *Decoder) vouched(leapS int, now timescale.Mono) bool {
	l := d.ubx.leap.held(now)
	return l.Known && l.Value == leapS
}

// held is the value while the receiver repeats it now and then.
func (a *aged[T]) held(now timescale.Mono) Maybe[T] {
	if !recent(a, now) {
		return Maybe[T]{}
	}
	return Some(a.value)
}

func (d *Decoder) plausibleDate(e *Epoch, why []Reason) []Reason {
	switch {
	case e.UTC.Sub(d.cfg.Floor) < 0:
		return append(why, ReasonBeforeFloor)
	case e.UTC.Civil().Year > d.floorYear+plausibleYears:
		return append(why, ReasonImplausible)
	}
	return why
}

func (g *ubxGroup) pvtTime() (u timescale.UTC, leap60, ok bool) {
	v := &g.pvt
	if !v.DateValid || !v.TimeValid {
		return u, false, false
	}
	return ubxCivil(v.Year, v.Month, v.Day, v.Hour, v.Minute, v.Second, v.Nano)
}

// utcTime is what the receiver says that UTC is, and whether it vouches for the
// leap count in it.
func (g *ubxGroup) utcTime() (u timescale.UTC, leap60, vouched, ok bool) {
	if g.hasPVT {
		if u, leap60, ok = g.pvtTime(); ok {
			return u, leap60, g.pvt.FullyResolved || g.hasUTC && g.utc.UTCValid, true
		}
	}
	if v := &g.utc; g.hasUTC && (v.UTCValid || v.TOWValid && v.WeekValid) {
		u, leap60, ok = ubxCivil(v.Year, v.Month, v.Day, v.Hour, v.Minute, v.Second, v.Nano)
		return u, leap60, v.UTCValid, ok
	}
	return u, false, false, false
}

// ubxCivil joins a date, a time of day and the nanoseconds to be added, which may
// be negative, to the nearest millisecond: what is finer is the receiver's clock
// against its own epoch.
func ubxCivil(year, month, day, hour, minute, second int, nano int32) (u timescale.UTC, leap60, ok bool) {
	u, leap60, ok = instant(date{year, month, day}, timeOfDay{hour, minute, second, 0})
	if !ok || nano <= -nsPerSecond || nano >= nsPerSecond {
		return u, false, false
	}
	off := int64(math.Round(float64(nano)/1e6)) * 1e6
	if leap60 && off < 0 {
		leap60 = false // 23:59:60 less something is 23:59:59
		off += nsPerSecond
		u = u.Add(-time.Second)
	}
	return timescale.UTCFromNs(u.Ns() + off), leap60, true
}

// impliedLeap is the leap count by which iTOW and the UTC beside it differ. ok is
// false where they differ by no whole seconds.
func (g *ubxGroup) impliedLeap(u timescale.UTC, leap60 bool) (leapS int, ok bool) {
	ms := (u.Ns()/1e6 - gpsEpoch*1000) % weekMs
	if leap60 {
		ms += 1000
	}
	diff := (int64(g.iTOW) - ms) % weekMs
	switch {
	case diff > weekMs/2:
		diff -= weekMs
	case diff < -weekMs/2:
		diff += weekMs
	}
	leap := math.Round(float64(diff) / 1000)
	return int(leap), math.Abs(float64(diff)-leap*1000) <= 50 && math.Abs(leap) <= 255
}

// gpsTime is the instant by week and time of week, the week unwrapped with the
// floor.
func (g *ubxGroup) gpsTime(floor timescale.TAI) (at timescale.TAI, ok bool) {
	var week int
	var fTOW int32
	switch {
	case g.hasGPS && g.gps.TOWValid && g.gps.WeekValid:
		week, fTOW = g.gps.Week, g.gps.FTOWNs
	case g.hasSol && g.sol.TOWValid && g.sol.WeekValid:
		week, fTOW = g.sol.Week, g.sol.FTOWNs
	default:
		return at, false
	}
	if week < 0 || g.iTOW >= weekMs {
		return at, false
	}
	ms := int64(g.iTOW) + int64(math.Round(float64(fTOW)/1e6))
	return unwrapWeek(week, ms, floor), true
}

// unwrapWeek is the first instant not before the floor whose GPS week differs
// from week by whole turns of the ten-bit counter: a receiver whose firmware is
// older than a turn gives a week that is 1,024 too small.
func unwrapWeek(week int, ms int64, floor timescale.TAI) timescale.TAI {
	at := timescale.TAIFromNs((gpsEpoch+gpsToTAI)*nsPerSecond + int64(week)*weekS*nsPerSecond + ms*1e6)
	if short := floor.Sub(at); short > 0 {
		const turn = weekTurn * weekS * time.Second
		at = at.Add((short + turn - 1) / turn * turn)
	}
	return at
}

// timeLS takes NAV-TIMELS. The two valid bits are independent. A count that was
// written into the firmware is no word of the sky, valid or not.
func (d *Decoder) timeLS(v ubx.TimeLS, now timescale.Mono) {
	if v.LeapValid && v.Source != ubx.LeapFromFirmware {
		d.ubx.leap.set(v.LeapS, now)
	}
	last := d.epoch
	if !last.Trusted || now.Sub(last.Received) > ubxRulesFor {
		return
	}
	if !v.EventValid {
		d.leapEvent = Maybe[LeapEvent]{}
		d.book.TellNothing(last.UTC)
		return
	}
	if v.Change == 0 || v.InS <= 0 {
		d.leapEvent = Maybe[LeapEvent]{}
		d.book.TellEvent(last.UTC, nil)
		return
	}
	// The event is at the end of a UTC day; InS counts to it in GPS seconds.
	const day = 86_400 * nsPerSecond
	at := last.UTC.Ns() + int64(v.InS)*nsPerSecond
	midnight := (at + day/2) / day * day
	if off := time.Duration(at - midnight); off.Abs() > 5*time.Second {
		return
	}
	event := LeapEvent{timescale.UTCFromNs(midnight), v.Change}
	d.leapEvent = Some(event)
	d.book.TellEvent(last.UTC, &event)
}
