package gnss

import (
	"fmt"
	"time"

	"bragi/gnss/timescale"
	"bragi/gnss/ubx"
)

// receiverSilence is how long a receiver that names each second may be still before
// that is a trouble.
const receiverSilence = 3 * time.Second

// Position is where the receiver says it is.
type Position struct {
	At                  timescale.Mono // when it came; zero: never
	Latitude, Longitude Maybe[float64] // degrees, north and east positive
	AltitudeM           Maybe[float64] // metres above mean sea level
	AccuracyM           Maybe[float64] // the receiver's estimate, horizontal
}

// DecoderStatus is the receiver as the operator wants to see it. What it said too long
// ago to hold is not in it.
type DecoderStatus struct {
	Epoch        Epoch          // the last one given out; of a receiver that is silent only what it named
	LastEpoch    timescale.Mono // Received of Epoch
	Position     Position
	Version      ubx.Version // of a u-blox that told it
	Survey       Maybe[ubx.Survey]
	JamIndicator Maybe[int] // continuous wave, 0 none to 255
	Satellites   []Satellite
	Counters     DecoderCounters
}

// Status is the receiver at now.
func (d *Decoder) Status(now timescale.Mono) DecoderStatus {
	st := DecoderStatus{
		Epoch: d.epoch, LastEpoch: d.lastEpoch, Position: d.position, Satellites: d.sky.list(now), Counters: d.Counters(),
	}
	st.Version, st.Survey = d.ubx.version, d.ubx.survey.held(now)
	st.JamIndicator = d.signs.indicator.held(now)
	st.Epoch.Why = append([]Reason(nil), d.epoch.Why...)
	if now.Sub(d.lastEpoch) > d.silence() {
		e := d.epoch
		st.Epoch = Epoch{UTC: e.UTC, Leap60: e.Leap60, Received: e.Received, Talker: e.Talker, TAI: e.TAI, Scale: e.Scale, Why: st.Epoch.Why}
	}
	return st
}

// silence is receiverSilence at the receiver's pace.
func (d *Decoder) silence() time.Duration { return d.pace.slowed(receiverSilence) }

// Reasons tells what is wrong with the receiver's messages at now; empty when
// they name trusted seconds.
func (d *Decoder) Reasons(now timescale.Mono) []Trouble {
	c, silence := d.Counters(), d.silence()
	switch {
	case d.lastByte.IsZero():
		return []Trouble{{ReasonNoData, "nothing came yet"}}
	case now.Sub(d.lastByte) > silence:
		return []Trouble{{ReasonNoData, "nothing for " + seconds(now.Sub(d.lastByte))}}
	case d.lastEpoch.IsZero() || now.Sub(d.lastEpoch) > silence:
		return []Trouble{{ReasonNoSentence, fmt.Sprintf(
			"none with date and time among %d sentences, %d UBX frames, %d bad checksums, %d bytes of garbage",
			c.Sentences, c.UBX, c.BadChecksums, c.GarbageBytes)}}
	}
	var list []Trouble
	for _, r := range d.epoch.Why {
		list = append(list, Trouble{r, d.detail(r)})
	}
	return list
}

func (d *Decoder) detail(r Reason) string {
	switch r {
	case ReasonNoFix:
		if n := d.epoch.SatsUsed; n.Known {
			return fmt.Sprintf("%d satellites used", n.Value)
		}
	case ReasonBeforeFloor, ReasonImplausible:
		return fmt.Sprintf("the receiver says %v, the floor is %v", d.epoch.UTC, d.cfg.Floor)
	case ReasonConflict:
		return "two sentences or messages of one second name different ones"
	case ReasonLeapUnknown, ReasonLeapFault:
		return fmt.Sprintf("the receiver counts %d s, the table says %d s", d.leapInUse(), d.book.LeapS(d.epoch.UTC))
	case ReasonTimeAccuracy:
		return fmt.Sprintf("the receiver's own estimate is %v", time.Duration(d.epoch.TAccNs.Value))
	case ReasonDamaged:
		return fmt.Sprintf("%d bad checksums, %d unreadable sentences", d.framer.counter.BadChecksums, d.counter.Unreadable)
	}
	return ""
}

// seconds prints a duration for people.
func seconds(d time.Duration) string { return d.Round(time.Second).String() }

// Place is the latest position and the state of the survey, for Trust.
func (d *Decoder) Place() (Position, Maybe[ubx.Survey]) {
	return d.position, d.ubx.survey.held(d.lastByte)
}

// LeapVouched tells whether the receiver stands by its leap count at now.
func (d *Decoder) LeapVouched(now timescale.Mono) bool {
	return d.ubx.leap.held(now).Known || d.epoch.LeapSource == LeapFromReceiver && now.Sub(d.lastTrusted) <= d.silence()
}

// Protocol is what named the last epoch: NMEA or UBX.
func (s DecoderStatus) Protocol() string {
	if s.Epoch.Talker == talkerUBX {
		return talkerUBX
	}
	return "NMEA"
}
