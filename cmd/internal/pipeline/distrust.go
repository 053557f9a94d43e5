package pipeline

import (
	"fmt"
	"time"

	"bragi/gnss"
	"bragi/gnss/timescale"
	"bragi/holdover"
	"bragi/holdover/quality"
)

// distrusts says what the clock is told of a sign that the pulses are not to be
// believed.
var distrusts = map[gnss.Reason]holdover.Reason{
	gnss.ReasonAntennaOpen:  holdover.ReasonAntenna,
	gnss.ReasonAntennaShort: holdover.ReasonAntenna,
	gnss.ReasonSpoofing:     holdover.ReasonSpoofing,
	gnss.ReasonJamming:      holdover.ReasonJamming,
	gnss.ReasonMoved:        holdover.ReasonMoved,
}

const (
	// jumpLimit is by how much the receiver's time may differ from the held clock,
	// or its error bound where that is more, after days on a plain crystal.
	jumpLimit = 300 * time.Millisecond
	// jumpKept is how long a jump is remembered: longer than it takes to label the
	// pulses anew.
	jumpKept = 15 * time.Second
)

// jump is a receiver whose second is another one than the held clock's.
type jump struct {
	at timescale.Mono
	by time.Duration // positive: the held clock is ahead
}

func (j jump) holds(now timescale.Mono) bool { return !j.at.IsZero() && now.Sub(j.at) < jumpKept }

func (j jump) String() string {
	return fmt.Sprintf("the held clock is %v ahead of what the receiver says", j.by.Round(time.Millisecond))
}

// jumped compares a labelled pulse with a clock that was locked and runs on its
// oscillator: it knows the second better than a receiver that comes back. The
// label is thrown away, so that a receiver that finds the time again is heard.
func (p *Pipeline) jumped(now timescale.Mono, m gnss.Mark) bool {
	report := p.servo.Report(now)
	switch report.State {
	case quality.HoldoverSpec, quality.HoldoverNoSpec, quality.Relocking:
	default:
		return false
	}
	by := time.Duration(m.Local.OffsetNs(m.Second))
	if by.Abs() < jumpLimit || float64(by.Abs()) < report.BoundNs {
		p.jump = jump{}
		return false
	}
	p.jump = jump{now, by}
	p.pairer.Reset()
	return true
}

// distrust is the reason not to believe the pulses at now.
func (p *Pipeline) distrust(now timescale.Mono) holdover.Reason {
	if p.disagrees(now) || p.jump.holds(now) {
		return holdover.ReasonTimeFault
	}
	if list, n := p.trust.Reasons(); n > 0 {
		return distrusts[list[0].Reason]
	}
	return holdover.ReasonNone
}

// correction is what is added to a pulse's offset, in ns: the sawtooth that the
// receiver told, and the antenna's cable.
func (p *Pipeline) correction(m gnss.Mark) float64 {
	return p.sawtooth.Correction(m) - float64(p.cfg.AntennaDelay)
}

// gnssTroubles is all that is wrong with receiver and pulse.
func (p *Pipeline) gnssTroubles(now timescale.Mono) []gnss.Trouble {
	list := append(p.decoder.Reasons(now), p.pairer.Reasons(now)...)
	signs, _ := p.trust.Reasons()
	list = append(list, signs...)
	if p.jump.holds(now) {
		list = append(list, gnss.Trouble{Reason: gnss.ReasonTimeJump, Detail: p.jump.String()})
	}
	if wrong, without, with := p.sawtooth.Wrong(); wrong {
		list = append(list, gnss.Trouble{Reason: gnss.ReasonSawtooth, Detail: fmt.Sprintf(
			"pulse to pulse %.1f ns without it, %.1f ns with it; it is left out", without, with)})
	}
	return list
}

// receiver is what is known of the receiver and its pulse at now.
func (p *Pipeline) receiver(now timescale.Mono) Receiver {
	r := Receiver{
		DecoderStatus: p.decoder.Status(), Pairing: p.pairer.Status(), HasTime: p.hasTime(now), AntennaDelay: p.cfg.AntennaDelay,
		Troubles: p.gnssTroubles(now),
	}
	r.Sawtooth.Told = p.mark.QErrPs.Known
	r.Sawtooth.LeftOut, r.Sawtooth.WithoutNs, r.Sawtooth.WithNs = p.sawtooth.Wrong()
	return r
}
