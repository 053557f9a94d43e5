package gnss

import (
	"time"

	nmea "github.com/adrianmo/go-nmea"

	"bragi/gnss/timescale"
)

// group is what the sentences with one time of day said.
type group struct {
	open     bool
	tod      timeOfDay
	received timescale.Mono
	checked  bool
	talker   string
	given    bool // its Epoch was given out

	rmc, zda         bool
	valid            bool // RMC status A
	mode             byte // RMC mode indicator, 0 for none
	rmcDate, zdaDate date
	hasRMCDate       bool
	quality          quality
	timeOnly         bool // PUBX,00 says that only time is solved for
	sats             Maybe[int]
	counted          string // talker whose satellites are in sats
}

// quality is what GGA or GNS says of the fix, better being more.
type quality uint8

const (
	qualityUnknown   quality = iota
	qualityNone              // no fix
	qualityEstimated         // dead reckoning, by hand, simulated
	qualityFix
)

// ggaQuality: 0 none, 1 GPS, 2 differential, 3 PPS, 4 and 5 RTK, 6 estimated, 7
// by hand, 8 simulated.
func ggaQuality(s string) quality {
	switch s {
	case "0":
		return qualityNone
	case nmea.GPS, nmea.DGPS, nmea.PPS, nmea.RTK, nmea.FRTK, "9": // 9: SBAS on some receivers
		return qualityFix
	case nmea.EST, "7", "8":
		return qualityEstimated
	}
	return qualityUnknown
}

// gnsQuality: the best of the constellations counts.
func gnsQuality(s string) quality {
	q := qualityUnknown
	for i := 0; i < len(s); i++ {
		q = max(q, modeQuality(s[i]))
	}
	return q
}

// modeQuality reads NMEA's mode indicator.
func modeQuality(m byte) quality {
	switch m {
	case 'A', 'D', 'P', 'R', 'F':
		return qualityFix
	case 'E', 'M', 'S':
		return qualityEstimated
	case 'N':
		return qualityNone
	}
	return qualityUnknown
}

// namedAgain is how long after its first message a time that is named once more is named
// anew: the receiver's clock stands still.
const namedAgain = 1500 * time.Millisecond

// open is the group of this time of day: the current one, or a new one.
func (d *Decoder) open(tod timeOfDay, f Frame, emit func(Epoch)) *group {
	checked := f.Kind == FrameNMEA
	if d.group.open && d.group.tod == tod && d.group.checked == checked && f.Received.Sub(d.group.received) < namedAgain {
		return &d.group
	}
	d.closeGroup(emit)
	d.group = group{open: true, tod: tod, received: f.Received, checked: checked}
	d.sinceRMC = min(d.sinceRMC+1, groupsWithoutRMC+1)
	d.ubx.silent = min(d.ubx.silent+1, groupsWithoutUBX+1)
	d.conflict = max(d.conflict-1, 0)
	return &d.group
}

// closeGroup ends the current group, and gives out its epoch if it has a date
// and nothing was given out yet.
func (d *Decoder) closeGroup(emit func(Epoch)) {
	if d.group.open && !d.group.given && (d.group.rmc || d.group.zda) {
		d.giveGroup(emit)
	}
	d.group.open = false
}

// complete gives out the epoch of a receiver that sends no RMC, once date and
// fix are known.
func (d *Decoder) complete(emit func(Epoch)) {
	g := &d.group
	if !g.given && g.zda && g.quality != qualityUnknown && d.sinceRMC > groupsWithoutRMC {
		d.giveGroup(emit)
	}
}

// compareDates lets RMC and ZDA confirm each other.
func (d *Decoder) compareDates(g *group) {
	if !g.rmc || !g.zda || !g.hasRMCDate || !g.valid {
		return
	}
	d.conflict = 0
	if g.rmcDate != g.zdaDate {
		d.conflict = groupsOfConflict
	}
}

func (d *Decoder) giveGroup(emit func(Epoch)) {
	g := &d.group
	g.given = true
	e := Epoch{Received: g.received, Talker: g.talker, SatsUsed: g.sats}
	if !e.SatsUsed.Known {
		e.SatsUsed = d.used.fresh(g.received)
	}
	e.HDOP = d.hdop.fresh(g.received)

	q := g.fixQuality()
	if q == qualityFix && g.timeOnly {
		e.Fix = FixTime
	} else if q == qualityFix {
		e.Fix = Fix2D
		if m := d.mode.fresh(g.received); m.Known && m.Value == 3 {
			e.Fix = Fix3D
		}
	}
	switch q {
	case qualityFix:
	case qualityEstimated:
		e.Why = append(e.Why, ReasonEstimated)
	default:
		e.Why = append(e.Why, ReasonNoFix)
	}
	if !g.checked {
		e.Why = append(e.Why, ReasonNoChecksum)
	}
	e.Why = d.instant(&e, e.Why)
	e.Why = d.sentenceLeap(&e, e.Why)
	if d.conflict > 0 {
		e.Why = append(e.Why, ReasonConflict)
	}
	if len(e.Why) == 0 && !d.confirmed(e) {
		e.Why = append(e.Why, ReasonDamaged)
	}
	e.Trusted = len(e.Why) == 0
	if d.ubxNames(e) {
		return
	}
	d.give(e, emit)
}

// ubxNames tells whether UBX names the instants, so that the sentences' epochs
// are not given out. One that contradicts UBX spoils the next epochs.
func (d *Decoder) ubxNames(e Epoch) bool {
	last := d.ubx.lastEpoch
	if last.IsZero() || e.Received.Sub(last).Abs() > ubxRulesFor || d.ubx.silent > groupsWithoutUBX {
		return false
	}
	if e.Trusted && d.ubx.lastUTC != (timescale.UTC{}) {
		if off := e.UTC.Sub(d.ubx.lastUTC) - e.Received.Sub(last); off.Abs() > contradictionLeast {
			d.conflict = groupsOfConflict
		}
	}
	return true
}

// groupsWithoutUBX is how many groups of sentences may come between two epochs of UBX.
const groupsWithoutUBX = 2

// contradictionLeast is by how much sentences and UBX messages must differ: they may
// name neighbouring seconds, and 23:59:60 may come between them.
const contradictionLeast = 2500 * time.Millisecond

// fixQuality joins what RMC and GGA or GNS say: the worse counts.
func (g *group) fixQuality() quality {
	if !g.rmc {
		return g.quality
	}
	if !g.valid {
		return qualityNone
	}
	q := qualityFix
	if m := modeQuality(g.mode); m != qualityUnknown {
		q = m
	}
	if g.quality != qualityUnknown {
		q = min(q, g.quality)
	}
	return q
}

// instant fills in the epoch's UTC and tells what speaks against it.
func (d *Decoder) instant(e *Epoch, why []Reason) []Reason {
	g := &d.group
	day, ok := g.zdaDate, g.zda
	if g.rmc && g.hasRMCDate {
		day, ok = g.rmcDate, true
	}
	if !ok {
		return append(why, ReasonNoTime)
	}
	u, leap60, ok := instant(day, g.tod)
	if !ok {
		d.counter.Unreadable++
		return append(why, ReasonNoTime)
	}
	e.UTC, e.Leap60 = u, leap60
	switch {
	case u.Sub(d.cfg.Floor) < 0:
		why = append(why, ReasonBeforeFloor)
	case u.Civil().Year > d.floorYear+plausibleYears:
		why = append(why, ReasonImplausible)
	}
	return why
}

// confirmed tells whether damage on the line leaves the epoch believable. One
// damaged sentence in 256 has a right checksum by chance, so after damage a
// time needs a neighbour that agrees.
func (d *Decoder) confirmed(e Epoch) bool {
	damage := d.framer.counter.BadChecksums + d.counter.Unreadable
	tai := tai(d.book.table, e)
	step := tai.Sub(d.candidate)
	near := d.hasCandidate && step > 0 && step <= confirmWithin
	damaged := damage > d.damageBefore
	d.candidate, d.hasCandidate, d.damageBefore = tai, true, damage
	return near || !damaged
}

// tai is the epoch's instant by a table of leap seconds.
func tai(l *timescale.LeapSeconds, e Epoch) timescale.TAI {
	if e.TAI.Known {
		return e.TAI.Value
	}
	if e.Leap60 {
		return l.ToTAILeap(e.UTC)
	}
	return l.ToTAI(e.UTC)
}

// give fills in what is known beside the time and hands the epoch over. An
// instant that another protocol gave out already is not given twice.
func (d *Decoder) give(e Epoch, emit func(Epoch)) {
	if last := &d.epoch; last.Trusted && e.UTC == last.UTC && e.Leap60 == last.Leap60 && e.Talker != last.Talker &&
		(e.Talker == talkerUBX) != (last.Talker == talkerUBX) {
		return
	}
	e.Antenna, e.Jamming, e.Spoofing = d.signs.antennaAt(), d.signs.jammingAt(e.Received), d.signs.spoofingAt(e.Received)
	e.LeapEvent, e.Evidence = d.leapEvent, e.own()
	if e.Talker == talkerUBX && d.ubx.group.told {
		e.QErrPs = d.qErr(d.ubx.group.pulse)
	}
	d.counter.Epochs++
	d.lastEpoch = e.Received
	d.pace.see(e.Received)
	if e.Trusted {
		d.counter.Trusted++
		d.lastTrusted = e.Received
	}
	d.epoch = e
	emit(e)
}

// talkerUBX stands where a sentence has its talker.
const talkerUBX = "UBX"
