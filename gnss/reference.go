package gnss

import (
	"fmt"
	"math"
	"slices"
	"time"

	"bragi/gnss/timescale"
)

// Reference is one receiver with its pulse: all that lies between what it sends
// and a pulse that a clock can be compared with, and all that speaks against it.
//
//	Bytes --> Decoder --> Epoch --> Trust, Pairer
//	Edge  --> Pairer --> Mark --> Sawtooth --> Pulse
//
// Several of them share nothing.
type Reference struct {
	cfg      ReferenceConfig
	book     *LeapBook
	decoder  *Decoder
	pairer   *Pairer
	trust    Trust
	sawtooth Sawtooth
	sense    edgeSense
	line     lineFill
	others   witnesses
	firm     bool          // the label was learned while messages did not wait in the receiver
	length   time.Duration // of the pulse, as the receiver was told; 0: not known

	run       receiverRun
	steady    steadiness
	jump      jump
	belief    belief
	following timescale.Mono // since when a clock that knows another second is to follow; zero: not
	refused   bool           // Witness has refused another second of this receiver, which has not named the old one since
	doubted   bool           // the process before doubted the second, and no pulse has confirmed it since
	waited    timescale.Mono // when a pulse was last withheld because of a cold receiver's leap seconds
	mark      Mark           // the last
}

// ReferenceConfig is what a Reference must know.
type ReferenceConfig struct {
	// Floor is an instant that is surely past: no earlier date is believed.
	Floor timescale.UTC
	// Leap is the table of leap seconds; nil: the built-in one.
	Leap *timescale.LeapSeconds
	// AntennaDelay is how late the pulse comes by the antenna's cable.
	AntennaDelay time.Duration
	// PulseDelay is how late the board's input stamps the pulse.
	PulseDelay time.Duration
	// MessageDelay is how long after its pulse a message comes, where that is not
	// within the second: negative before it. 0: within the second.
	MessageDelay time.Duration
}

// Pulse is a labelled pulse with what is known of its lateness.
type Pulse struct {
	Mark
	// CorrectionNs is to be added to the pulse's offset: the sawtooth that the
	// receiver told, less the antenna's cable and the input's delay.
	CorrectionNs float64
	// Another: this second may be another one than those of the pulses before, and
	// counts: what was known of them was wrong, not what is known of the oscillator.
	Another bool
}

const (
	// timeKept is how long a trusted epoch counts as having time, at one a second.
	timeKept = 2500 * time.Millisecond
	// jumpLimit is by how much the receiver's time may differ from a clock that
	// knows the second, or that clock's bound where it is more, after days on a
	// plain crystal.
	jumpLimit = 300 * time.Millisecond
	// jumpKept is how long a jump is remembered: longer than it takes to label the
	// pulses anew.
	jumpKept = 15 * time.Second
)

// jump is a receiver whose second is another one than the held clock's.
type jump struct {
	since    timescale.Mono // by the same whole seconds
	at       timescale.Mono
	by       time.Duration // positive: the held clock is ahead
	evidence Evidence      // the receiver's
}

func (j jump) holds(now timescale.Mono) bool { return !j.at.IsZero() && now.Sub(j.at) < jumpKept }

// NewReference makes a Reference that has heard nothing yet.
func NewReference(cfg ReferenceConfig) *Reference {
	book := NewLeapBook(cfg.Leap)
	pairing := PairerConfig{Book: book}.withDefaults()
	pairing.MaxAge += max(0, cfg.messageShift())
	pairing.Told = cfg.MessageDelay != 0
	pairer := NewPairer(pairing)
	return &Reference{
		cfg: cfg, book: book, pairer: pairer,
		decoder: NewDecoder(DecoderConfig{Floor: cfg.Floor, Book: book, NextPulse: func(n NextPulse) {
			n.Received = n.Received.Add(-cfg.messageShift())
			pairer.NextPulse(n)
		}}),
	}
}

// messageShift is by how much later than the middle of the second after its pulse a
// message comes.
func (c ReferenceConfig) messageShift() time.Duration {
	if c.MessageDelay == 0 {
		return 0
	}
	d := PairerConfig{}.withDefaults()
	return c.MessageDelay - (d.MinDelay+d.MaxDelay)/2
}

// Bytes takes what the receiver sent, which was read at received.
func (r *Reference) Bytes(received timescale.Mono, b []byte) {
	r.line.feed(received, len(b))
	r.decoder.Feed(received, b, r.Epoch)
}

// Line takes the serial line's rate in bits a second; 0: it has none.
func (r *Reference) Line(baud int) { r.line.set(baud) }

// Epoch takes a second as the receiver named it: what Bytes makes of bytes, and
// what a simulation, which has none, says itself.
func (r *Reference) Epoch(e Epoch) {
	e.Evidence = r.run.epoch(&e, r.decoder.sky.sees(e.Received))
	if e.Trusted {
		r.steady.see(e)
	}
	place, survey := r.decoder.Place()
	r.trust.Epoch(e, place, survey)
	e.Late = r.others.late(e)
	e.Received = e.Received.Add(-r.cfg.messageShift())
	r.pairer.Epoch(e)
	if e.Trusted {
		r.reconsider(e.Received, e.UTC)
	}
}

// Edge takes a pulse at now; ok is false when it has no label, or none that is to
// be believed. heldNs bounds the error of a served clock that knows the second
// without this Reference, because it was locked and runs on its oscillator; +Inf:
// it does not. Such a clock knows the second better than a receiver that comes
// back with another one: that label is thrown away, so that a receiver that finds
// the time again is heard.
func (r *Reference) Edge(now timescale.Mono, e timescale.Edge, heldNs float64) (p Pulse, ok bool) {
	if !r.sense.takes(e, r.pairer.labelled, r.length) {
		return Pulse{}, false
	}
	mark, labelled := r.pairer.Edge(e)
	if !labelled {
		r.firm = r.firm && r.pairer.labelled
		return Pulse{}, false
	}
	if !r.firm && r.line.unsure(e.Mono) {
		if _, known := r.line.share(e.Mono); known {
			r.pairer.Reset(now) // learned on a full line: it is worth nothing
		}
		return Pulse{}, false
	}
	r.firm = true
	r.others.labelled(mark)
	r.mark = mark
	if r.waits(now, heldNs) {
		r.waited = now
		return Pulse{}, false
	}
	by := time.Duration(mark.Local.OffsetNs(mark.Second))
	another := r.follows(now)
	switch {
	case by.Abs() < jumpLimit:
		r.jump, r.following, r.refused = jump{}, timescale.Mono{}, false
	case another || math.IsInf(heldNs, 1):
	case float64(by.Abs()) < heldNs:
		r.jump, r.belief = jump{}, belief{} // the clock did not know
	default:
		r.jump = r.jump.again(now, by, r.pairer.evidence)
		r.pairer.Reset(now)
		return Pulse{}, false
	}
	r.doubted = false
	r.belief = belief{r.belief.Evidence.With(r.pairer.evidence), r.pairer.lastConfirm}
	return Pulse{mark, r.sawtooth.Correction(mark) - float64(r.cfg.AntennaDelay+r.cfg.PulseDelay), another}, true
}

// ExpectPulse takes how long the receiver was told to make its pulse; 0: not known.
func (r *Reference) ExpectPulse(length time.Duration) { r.length = length }

// again is the jump when it is seen once more.
func (j jump) again(now timescale.Mono, by time.Duration, evidence Evidence) jump {
	if !j.holds(now) || (by-j.by).Abs() > 500*time.Millisecond {
		j.since = now
	}
	return jump{j.since, now, by, evidence}
}

// waiting tells whether pulses are withheld because of a cold receiver's leap
// seconds.
func (r *Reference) waiting(now timescale.Mono) bool {
	return !r.waited.IsZero() && now.Sub(r.waited) < pulseSilence
}

// HasTime tells whether a trusted epoch came lately, and the receiver's time runs on.
func (r *Reference) HasTime(now timescale.Mono) bool {
	return !r.steady.lost() && !r.run.Trusted.IsZero() && now.Sub(r.run.Trusted) < r.pairer.pace.slowed(timeKept)
}

// SaysNoTime tells whether the receiver's latest epoch has no trusted time: it says so
// itself. One that is silent says nothing.
func (r *Reference) SaysNoTime() bool { return r.run.Trusted.Before(r.run.Last) }

// Opinion takes what another source says of the time.
func (r *Reference) Opinion(o Opinion) { r.others.hear(o, r.book.Table()) }

// contradicted tells whether other sources make the second of the pulses doubtful.
func (r *Reference) contradicted(now timescale.Mono) bool {
	return Doubtful(r.others.claims(now, r.book.Table()))
}

// Distrust is the reason not to believe the pulses at now; ok is false when there
// is none.
func (r *Reference) Distrust(now timescale.Mono) (why Reason, ok bool) {
	switch signs, distrusted := r.trust.Reasons(); {
	case r.pairer.fault:
		return ReasonPulseDisagrees, true
	case r.jump.holds(now):
		return ReasonTimeJump, true
	case r.contradicted(now):
		return ReasonSecondOpinion, true
	case distrusted > 0:
		return signs[0].Reason, true
	}
	return 0, false
}

// Troubles is all that is wrong with receiver and pulse at now.
func (r *Reference) Troubles(now timescale.Mono) []Trouble {
	list := append(r.decoder.Reasons(now), r.pairer.Reasons(now)...)
	if r.pairer.pace.seldom(now) { // it is silent in between
		list = slices.DeleteFunc(list, func(t Trouble) bool { return t.Reason == ReasonNoData || t.Reason == ReasonNoSentence })
	}
	list = append(list, r.steady.troubles()...)
	signs, _ := r.trust.Reasons()
	list = append(list, signs...)
	if r.jump.holds(now) {
		list = append(list, Trouble{ReasonTimeJump, fmt.Sprintf(
			"the held clock is %v ahead of what the receiver says", r.jump.by.Round(time.Millisecond))})
	}
	if d, ok := r.dispute(now); ok {
		for i := range list {
			if list[i].Reason == ReasonPulseDisagrees || list[i].Reason == ReasonTimeJump {
				list[i].Detail += "; " + d.String()
			}
		}
	}
	if r.waiting(now) {
		list = append(list, Trouble{ReasonLeapUnproven, "the receiver started cold and does not vouch for its count; its pulses are used in " +
			seconds(countTold-now.Sub(r.run.Since))})
	}
	if r.sense.untold(now) { // pulses do come
		list = slices.DeleteFunc(list, func(t Trouble) bool { return t.Reason == ReasonNoPulse })
	}
	list = append(list, r.sense.troubles(now, r.length)...)
	list = append(list, r.line.troubles(now)...)
	list = append(list, r.others.troubles(now, r.book.Table())...)
	if wrong, without, with := r.sawtooth.Wrong(); wrong {
		list = append(list, Trouble{ReasonSawtooth, fmt.Sprintf(
			"pulse to pulse %.1f ns without it, %.1f ns with it; it is left out", without, with)})
	}
	return list
}

// LeapTable is the table of leap seconds, with what was learned since.
func (r *Reference) LeapTable() *timescale.LeapSeconds { return r.book.Table() }

// RefusesLeapTable says what speaks against another table: the receiver has vouched for another
// count, or a table that was complete then had another one when the label was made. A file never
// outweighs that. nil: nothing does.
func (r *Reference) RefusesLeapTable(table *timescale.LeapSeconds) error {
	k := r.counted()
	if u := timescale.UTCFromNs(k.AtUTCNs); k.AtUTCNs != 0 && leapS(table, u) != k.LeapS && !(k.Vouched && plausible(table, u, k.LeapS)) {
		by := "the table that is in use"
		if k.Vouched {
			by = "the receiver, which vouches for it,"
		}
		return fmt.Errorf("TAI - UTC is %d s in it at %v, and %s says %d s", leapS(table, u)+gpsToTAI, u, by, k.LeapS+gpsToTAI)
	}
	return nil
}

// counted is what is known of the count of leap seconds while pulses have a label.
func (r *Reference) counted() counted {
	if _, labelled := r.pairer.Label(); !labelled {
		return r.book.counted
	}
	return r.book.known(r.steady.utc)
}

// SetLeapTable takes another given table at now, such as a newer file. Where the label
// was made with the old one's count of today, and that was another one, the receiver is
// followed: the second of the label was wrong.
func (r *Reference) SetLeapTable(now timescale.Mono, table *timescale.LeapSeconds) {
	u := r.steady.utc // of the last trusted epoch
	before := r.book.LeapS(u)
	r.book.replace(table)
	if _, labelled := r.pairer.Label(); labelled && r.book.LeapS(u) != before && r.belief.Evidence.With(r.pairer.evidence) < Vouched {
		r.follow(now)
	}
}

// LeapVouched tells whether the receiver stands by its leap count at now.
func (r *Reference) LeapVouched(now timescale.Mono) bool { return r.decoder.LeapVouched(now) }

// ReferenceStatus is a Reference as the operator wants to see it.
type ReferenceStatus struct {
	DecoderStatus
	Pairing      PairerStatus
	HasTime      bool          // a trusted epoch came lately
	Evidence     Evidence      // for the label at work; NoEvidence: there is none
	AntennaDelay time.Duration // taken off each pulse
	PulseDelay   time.Duration // likewise
	Edge         EdgeStatus
	LineFill     Maybe[float64] // 0 to 1
	Opinions     []Claim        // of other sources, held against the label
	Sawtooth     SawtoothStatus
	Troubles     []Trouble
}

// SawtoothStatus is what the receiver tells of its pulses' grain, and what that is
// worth.
type SawtoothStatus struct {
	Told              bool    // with the last labelled pulse
	LeftOut           bool    // it makes the pulses worse
	WithoutNs, WithNs float64 // standard deviation from pulse to pulse; 0: not known yet
}

// Evidence is what the second of the pulses rests on; NoEvidence: they have none.
func (r *Reference) Evidence() Evidence {
	if _, ok := r.pairer.Label(); !ok {
		return NoEvidence
	}
	return r.belief.Evidence.With(r.pairer.evidence)
}

// Status returns a copy.
func (r *Reference) Status(now timescale.Mono) ReferenceStatus {
	s := ReferenceStatus{
		DecoderStatus: r.decoder.Status(now), Pairing: r.pairer.Status(now), HasTime: r.HasTime(now), AntennaDelay: r.cfg.AntennaDelay, PulseDelay: r.cfg.PulseDelay, Edge: r.sense.status(), Opinions: r.others.claims(now, r.book.Table()),
		Sawtooth: SawtoothStatus{Told: r.mark.QErrPs.Known}, Troubles: r.Troubles(now),
	}
	s.Evidence = r.Evidence()
	s.LineFill.Value, s.LineFill.Known = r.line.share(now)
	if s.Pairing.Delay != 0 {
		s.Pairing.Delay += r.cfg.messageShift()
	}
	s.Sawtooth.LeftOut, s.Sawtooth.WithoutNs, s.Sawtooth.WithNs = r.sawtooth.Wrong()
	return s
}
