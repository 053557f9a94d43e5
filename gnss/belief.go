package gnss

import (
	"fmt"
	"math"
	"slices"
	"time"

	"bragi/gnss/timescale"
)

// What a Reference believes of its second, and when it changes its mind.
//
//	belief     what the second of the pulses given out rests on
//	dispute    the receiver names another second: against the count of pulses (the Pairer's fault), or against a held clock
//	reconsider a dispute that has lasted for steadyFor is decided: for the receiver where its evidence outweighs the
//	           belief. Then everything is learned anew, and the clock is told to follow. Else the dispute stays as it is
//	Witness    where another receiver and the clock have the believed second, the receiver is refused for as long as the
//	           dispute stays: it has somebody else to be asked, and time does not decide for it
//
// A leap second that was learned goes before a second does: TAI stays.

// belief is what the second of the pulses rests on.
type belief struct {
	Evidence  Evidence       `json:"evidence"`
	Confirmed timescale.Mono `json:"confirmed_ns"` // when the receiver last named it
}

// receiverRun is a receiver's time without a loss of its memory.
type receiverRun struct {
	Last      timescale.Mono `json:"last_ns"`      // epoch of any kind
	Searching timescale.Mono `json:"searching_ns"` // satellites received, but not the time, since then; zero: else
	Blind     bool           `json:"blind"`        // it does not tell of satellites: it may receive some
	Since     timescale.Mono `json:"since_ns"`     // the time since then, but for pauses
	Trusted   timescale.Mono `json:"trusted_ns"`   // the last of them
	Cold      bool           `json:"cold"`         // its first search was long
}

// epoch takes an epoch of the receiver, which receives satellites or not, and returns
// what speaks for its second. One that does not tell may receive some.
func (r *receiverRun) epoch(e *Epoch, sees sight) Evidence {
	now := e.Received
	silent := now.Sub(r.Last) > receiverSilence+slowest*time.Second
	r.Last = now
	if !e.Trusted {
		switch {
		case sees == sightNone:
			r.Searching = timescale.Mono{}
		case r.Searching.IsZero() || silent || r.Blind && sees == sightSome:
			r.Searching = now
		}
		r.Blind = sees == sightUntold
		return NoEvidence
	}
	if r.Trusted.IsZero() {
		r.Cold = !r.Searching.IsZero() && now.Sub(r.Searching) >= coldSearch
	}
	if r.Trusted.IsZero() || now.Sub(r.Trusted) > coldSearch {
		r.Since = now
	}
	r.Trusted, r.Searching = now, timescale.Mono{}
	evidence := e.Evidence.With(e.own())
	if now.Sub(r.Since) >= provenAfter {
		evidence = evidence.With(Proven)
	}
	return evidence
}

// dispute is a receiver that names another second than is believed.
type dispute struct {
	off    int64 // whole s by which the belief is ahead
	lasted time.Duration
	theirs Evidence
	ours   Evidence
	// corrected: the receiver has named the believed second in this run.
	corrected bool
	// late: its messages come at another time after the pulse than before.
	late bool
	// refused: another receiver and the clock have the believed second, or had it in this dispute.
	refused bool
}

// followed tells that the receiver is right once it has lasted.
func (d dispute) followed() bool {
	return !d.late && !d.refused && d.theirs.outweighs(d.ours, d.corrected)
}

// String names both sides and what will come of it.
func (d dispute) String() string {
	text := fmt.Sprintf("what is held rests on %v, what the receiver says now on %v", d.ours, d.theirs)
	switch left := steadyFor - d.lasted; {
	case d.late:
		return text + ", but its messages come at another time after the pulse than before: it is late, and refused (fix: a higher baud rate or fewer messages)"
	case d.refused:
		return text + "; another receiver and the clock contradict it: it is refused (fix: bragi clock accept receiver, if it is right)"
	case !d.followed():
		return text + "; the receiver is refused (fix: bragi clock accept receiver, if it is right)"
	case left > 0:
		return text + "; the receiver is followed if it stays for " + seconds(left) + " more"
	}
	return text + "; the receiver is followed"
}

// dispute is the one at now; ok is false while there is none.
func (r *Reference) dispute(now timescale.Mono) (d dispute, ok bool) {
	ours := r.belief
	switch {
	case r.pairer.fault:
		s := r.pairer.contradiction()
		d = dispute{off: s.off, lasted: s.lasted(), theirs: s.evidence, late: s.late}
		ours.Evidence = ours.Evidence.With(r.pairer.evidence)
		if ours.Confirmed.Before(r.pairer.lastConfirm) {
			ours.Confirmed = r.pairer.lastConfirm
		}
	case r.jump.holds(now):
		d = dispute{off: int64(r.jump.by.Round(time.Second) / time.Second), lasted: r.jump.at.Sub(r.jump.since), theirs: r.jump.evidence}
	default:
		return d, false
	}
	d.ours, d.refused = ours.Evidence, r.refused
	d.corrected = !ours.Confirmed.IsZero() && !ours.Confirmed.Before(r.run.Since)
	return d, true
}

// reconsider decides a dispute that has lasted; u is what the receiver says.
func (r *Reference) reconsider(now timescale.Mono, u timescale.UTC) {
	d, ok := r.dispute(now)
	switch {
	case !ok || d.lasted < steadyFor:
	case !d.late && r.book.undo(u, d.off):
		r.jump = jump{}
	case d.followed():
		r.follow(now)
	}
}

// follow forgets which pulse was which second, whatever it rests on, and lets the
// next label tell the clock.
func (r *Reference) follow(now timescale.Mono) {
	r.pairer.Reset(now)
	r.jump, r.belief, r.following, r.refused = jump{}, belief{}, now, false
}

// Witness takes the second of a pulse of another receiver, at, that nothing speaks against
// and that the served clock has, too. It refuses this receiver where that names another second
// than it did before; where it names the second of the witness now, that ends the refusal, and a
// count of pulses that says otherwise is made anew.
// It returns by how many seconds a receiver that is refused is ahead; 0: it is not.
func (r *Reference) Witness(now, at timescale.Mono, second timescale.TAI) (aheadS int64) {
	d, ok := r.dispute(now)
	if !ok {
		return 0
	}
	off := int64(0) // by which the belief is ahead of the witness
	if r.pairer.fault {
		off = r.pairer.aheadOf(at, second)
	}
	switch off {
	case 0:
		r.refused = true
	case d.off:
		r.refused = false
		if off != 0 && !d.late { // the count alone is wrong: it is from when the receiver was
			r.pairer.Reset(now)
			r.jump, r.belief = jump{}, belief{}
		}
	}
	return r.Refused(now)
}

// Refused is by how many seconds a receiver that Witness refuses is ahead; 0: it is not refused.
func (r *Reference) Refused(now timescale.Mono) (aheadS int64) {
	if d, ok := r.dispute(now); ok && d.refused && !d.late {
		return -d.off
	}
	return 0
}

// followFor is how long a clock that was told to follow is not asked for its own
// opinion: longer than it takes to label pulses and to step.
const followFor = 5 * time.Minute

func (r *Reference) follows(now timescale.Mono) bool {
	return !r.following.IsZero() && now.Sub(r.following) < followFor
}

// SecondDoubted tells whether the second of a clock that follows this Reference may
// be another one: it is disputed and may be given up, or was, or other sources of
// time contradict it.
func (r *Reference) SecondDoubted(now timescale.Mono) bool {
	d, ok := r.dispute(now)
	return ok && !d.refused && (d.ours <= Unproven || d.theirs > d.ours) || r.follows(now) || r.doubted || r.contradicted(now)
}

// waits tells whether a receiver that was cold may still count its firmware's leap
// seconds, and nothing else knows the second.
func (r *Reference) waits(now timescale.Mono, heldNs float64) bool {
	return r.run.Cold && r.belief.Evidence == NoEvidence && r.pairer.evidence <= Unproven && math.IsInf(heldNs, 1) &&
		now.Sub(r.run.Since) < countTold && !r.agreed(now)
}

// agreed tells whether another source of time says the second of the pulses too.
func (r *Reference) agreed(now timescale.Mono) bool {
	return slices.ContainsFunc(r.others.claims(now, r.book.Table()), func(c Claim) bool { return c.Standing() == Agrees })
}

// LeapFault tells whether the receiver vouches for a count of leap seconds that
// cannot be.
func (r *Reference) LeapFault() bool { return slices.Contains(r.decoder.epoch.Why, ReasonLeapFault) }

// Accept takes the operator's word that the receiver is right: what contradicts it is
// forgotten. It returns what that was, and nothing when nothing did.
func (r *Reference) Accept(now timescale.Mono) (forgotten []string) {
	if d, ok := r.dispute(now); ok {
		forgotten = append(forgotten, fmt.Sprintf("the second, which is %+d s from what the receiver says", d.off))
		r.follow(now)
	}
	if r.run.Cold && r.waiting(now) {
		forgotten = append(forgotten, "the doubt about a cold receiver's leap seconds")
		r.run.Cold = false
	}
	if r.trust.moved.Raised {
		forgotten = append(forgotten, fmt.Sprintf("the antenna's place, %.0f m from where it is now", r.trust.distance))
		r.trust.leaveHome()
	}
	if e := r.decoder.epoch; r.LeapFault() && len(r.book.learned) > 0 && plausible(r.book.given, e.UTC, r.decoder.leapInUse()) {
		forgotten = append(forgotten, "the leap seconds that were learned")
		r.book.Forget()
	} else if built := timescale.Builtin(); r.LeapFault() && r.book.given != built && plausible(built, e.UTC, r.decoder.leapInUse()) {
		forgotten = append(forgotten, "the table of gnss.leap_file")
		r.book.Forget()
		r.book.replace(built)
	}
	return append(forgotten, r.others.accept(now, r.book.Table())...)
}
