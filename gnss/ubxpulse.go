package gnss

import (
	"time"

	"bragi/gnss/timescale"
	"bragi/gnss/ubx"
)

const (
	// qErrLimitPs is above every sawtooth there is: half a period of the slowest
	// clock that makes a pulse (Antaris 4, 23.1 MHz: 21.7 ns).
	qErrLimitPs = 30_000
	// lockToldSince is the protocol version from which on TIM-TP tells whether the pulse
	// follows the sky.
	lockToldSince = 3200
	// pulseNear is how far from the last epoch the next pulse can be.
	pulseNear = 3500 * time.Millisecond
)

// timePulse takes TIM-TP.
func (d *Decoder) timePulse(v ubx.PulseTime, now timescale.Mono, emit func(Epoch)) {
	u := &d.ubx
	u.pulse.set(v, now)
	g := &u.group
	if g.open {
		switch ahead := d.pulseAhead(); {
		case ahead > 0 && ahead <= 1000:
			u.late = u.late || g.given
			d.tryUBX(emit)
		case ahead > 1000 && ahead <= 2000:
			d.closeUBX(emit) // it belongs to the next epoch: this one is over
		}
	}
	if d.cfg.NextPulse == nil {
		return
	}
	n := NextPulse{Received: now, QErrPs: d.qErr(v)}
	if e := d.epoch; e.Trusted && now.Sub(e.Received) <= ubxRulesFor && d.ubxProtocolLocked(v) {
		n.Second, n.Evidence = d.pulseSecond(v, tai(d.book.table, e)), e.Evidence
		if !v.BaseUTC {
			n.Evidence = Vouched // the sky's own count, whatever the leap seconds
		}
	}
	d.cfg.NextPulse(n)
}

// timeOfSecond takes TIM-TOS, which dates the pulse that went before: it confirms
// the epochs, or spoils the next.
func (d *Decoder) timeOfSecond(v ubx.TimeOfSecond, now timescale.Mono) {
	u, _, ok := ubxCivil(v.Year, v.Month, v.Day, v.Hour, v.Minute, v.Second, 0)
	e := &d.epoch
	if !ok || !v.UTCValid || !e.Trusted || now.Sub(e.Received) > ubxRulesFor {
		return
	}
	if off := u.Sub(e.UTC) - now.Sub(e.Received); off.Abs() > contradictionLeast {
		d.conflict = groupsOfConflict
	}
}

// ubxProtocolLocked is false when the receiver says that its pulse does not
// follow the sky.
func (d *Decoder) ubxProtocolLocked(v ubx.PulseTime) bool {
	p := d.ubx.version.Protocol
	return !v.NotLocked || p != 0 && p < lockToldSince
}

// qErr is the sawtooth, where the receiver says that it is good.
func (d *Decoder) qErr(v ubx.PulseTime) Maybe[int64] {
	if v.QErrInvalid || v.QErrPs > qErrLimitPs || v.QErrPs < -qErrLimitPs || !d.ubxProtocolLocked(v) {
		return Maybe[int64]{}
	}
	return Some(int64(v.QErrPs))
}

// pulseSecond is the TAI second of the next pulse. Time of week is enough, since
// near, a trusted instant, is seconds away; the week's number adds nothing.
func (d *Decoder) pulseSecond(v ubx.PulseTime, near timescale.TAI) Maybe[timescale.TAI] {
	if v.TOWMs >= weekMs {
		return Maybe[timescale.TAI]{}
	}
	var behind int64 // the base's time is so many seconds behind TAI
	switch {
	case v.BaseUTC && v.UTC:
		// Near a leap second the next pulse may be on its other side.
		behind = int64(d.book.table.OffsetAtTAI(near.Add(time.Second)))
		if at := d.book.table.OffsetAtTAI(near); int64(at) != behind {
			return Maybe[timescale.TAI]{}
		}
		if l := d.epoch.LeapS; l.Known {
			behind = int64(l.Value + gpsToTAI)
		}
	case v.BaseUTC:
		return Maybe[timescale.TAI]{}
	case v.Reference == 0 || v.Reference == 3: // GPS; Galileo counts its weeks alike
		behind = gpsToTAI
	case v.Reference == 2: // BeiDou: 14 s behind GPS
		behind = gpsToTAI + 14
	default:
		return Maybe[timescale.TAI]{}
	}
	ms := int64(v.TOWMs)
	if v.TOWSubMs >= 1<<31 {
		ms++
	}
	base := near.Ns()/1e6 - (gpsEpoch+behind)*1000
	at := base - base%weekMs + ms
	switch {
	case at-base > weekMs/2:
		at -= weekMs
	case base-at > weekMs/2:
		at += weekMs
	}
	second := timescale.TAIFromNs((at + (gpsEpoch+behind)*1000) * 1e6)
	if second.Sub(near) < 0 || second.Sub(near) > pulseNear || second.Ns()%nsPerSecond != 0 {
		return Maybe[timescale.TAI]{}
	}
	return Some(second)
}

// notePulse keeps what the last TIM-TP told, if it named the second after the
// group's.
func (d *Decoder) notePulse() {
	g := &d.ubx.group
	if ahead := d.pulseAhead(); !g.told && ahead > 0 && ahead <= 1000 {
		g.told, g.pulse = true, d.ubx.pulse.value
	}
}

// pulseAhead is by how many ms the pulse of the last TIM-TP is after the group's
// epoch. Epochs lie between two pulses or on one: the next is up to 1,000 ms
// ahead. 0: not known.
func (d *Decoder) pulseAhead() int64 {
	p, g := &d.ubx.pulse, &d.ubx.group
	if !p.known || g.received.Sub(p.at).Abs() > ubxRulesFor {
		return 0
	}
	behind := int64(0)
	switch {
	case p.value.BaseUTC:
		behind = int64(d.leapInUse()) * 1000
	case p.value.Reference == 2:
		behind = 14_000
	}
	ahead := (int64(p.value.TOWMs) + behind - int64(g.iTOW)) % weekMs
	switch {
	case ahead > weekMs/2:
		ahead -= weekMs
	case ahead < -weekMs/2:
		ahead += weekMs
	}
	return ahead
}

// leapInUse is the leap count that the receiver makes UTC with, as far as it is
// known.
func (d *Decoder) leapInUse() int {
	g := &d.ubx.group
	if u, leap60, _, ok := g.utcTime(); ok {
		if leap, told := g.impliedLeap(u, leap60); told {
			return leap
		}
	}
	if l := d.ubx.leap.held(g.received); g.open && l.Known {
		return l.Value
	}
	if p := d.pubxLeap; p.known && !g.hasPVT && !g.hasUTC {
		return p.value.seconds
	}
	if d.epoch.LeapS.Known {
		return d.epoch.LeapS.Value
	}
	return d.book.LeapS(d.cfg.Floor)
}
