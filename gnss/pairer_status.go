package gnss

import (
	"fmt"
	"time"

	"bragi/gnss/timescale"
)

// PairState is how far the Pairer got.
type PairState uint8

// The states of the Pairer.
const (
	PairNoPulse  PairState = iota // no pulse ever
	PairLearning                  // pulse and message do not agree often enough yet
	PairLabelled                  // pulses are labelled by counting
	PairSilent                    // pulses came, and have stopped
	PairFault                     // count and messages differ by whole seconds; no marks
)

// String is the state in words.
func (s PairState) String() string {
	switch s {
	case PairNoPulse:
		return "no pulse"
	case PairLearning:
		return "learning"
	case PairLabelled:
		return "labelled"
	case PairSilent:
		return "none now"
	case PairFault:
		return "fault"
	}
	return "unknown"
}

// MarshalText makes a PairState a word in JSON.
func (s PairState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// PairerStatus is the pairing as the operator wants to see it.
type PairerStatus struct {
	State         PairState
	Agree, Needed int           // epochs that agree in a row, and how many it takes
	Delay         time.Duration // median from the instant that is named to the message; 0: not known
	// OffBySeconds, in PairFault, is by how many seconds the count is ahead of
	// the receiver's messages.
	OffBySeconds int64
	NextPulse    bool // the receiver names its next pulses, and they agree with the count
	Counters     PairerCounters
}

// Status is the pairing at now.
func (p *Pairer) Status(now timescale.Mono) PairerStatus {
	st := PairerStatus{Agree: max(p.run.length, p.next.run.length), Needed: p.need, Counters: p.counter}
	st.NextPulse = p.labelled && !p.train.silent(now) && !p.next.confirmed.IsZero() && p.train.last.Sub(p.next.confirmed) < nextPulseHolds
	st.Counters.LeapsObserved = p.book.observed
	st.Counters.Missed += p.train.missed(now)
	if p.delays.n > 0 {
		st.Delay = p.delays.median(p.cfg)
	}
	switch {
	case p.fault:
		st.State, st.OffBySeconds = PairFault, p.off
	case p.train.silent(now):
		st.State = PairSilent
	case p.labelled:
		st.State, st.Agree = PairLabelled, p.need
	case p.train.alive:
		st.State = PairLearning
	}
	return st
}

// Reasons tells why there are no marks at now, or what is amiss with the
// pulses; empty when pulses are labelled and clean.
func (p *Pairer) Reasons(now timescale.Mono) []Trouble {
	var list []Trouble
	pulses := p.train.alive && !p.train.silent(now)
	epochs := !p.lastTrusted.IsZero() && now.Sub(p.lastTrusted) <= p.maxAge()
	switch {
	case !p.train.alive:
		list = append(list, Trouble{ReasonNoPulse, "none yet"})
	case !pulses:
		list = append(list, Trouble{ReasonNoPulse, "none for " + seconds(now.Sub(p.train.last))})
	}
	switch {
	case p.lastTrusted.IsZero():
		list = append(list, Trouble{ReasonNoEpoch, "none yet"})
	case p.fractions(now):
		list = append(list, Trouble{ReasonFraction, fmt.Sprintf(
			"they name %.3f s after one and come %.2f s after a pulse: is it the pulse of that second, or of the next one?", p.fractionBy.Seconds(), p.fractionOn.Seconds())})
	case p.pace.seldom(now):
		list = append(list, Trouble{ReasonSeldom, seconds(p.pace.rareBy) + " apart"})
	case !epochs:
		list = append(list, Trouble{ReasonNoEpoch, "none for " + seconds(now.Sub(p.lastTrusted))})
	}
	switch {
	case p.fault:
		list = append(list, Trouble{ReasonPulseDisagrees, fmt.Sprintf(
			"the count of pulses is %+d s from what the receiver says", p.off)})
	case !p.labelled && !p.ambiguousAt.IsZero() && now.Sub(p.ambiguousAt) < glitchShown:
		list = append(list, Trouble{ReasonAmbiguous, fmt.Sprintf("the message came %v after a pulse, %v to %v is clear",
			p.ambiguousBy.Round(time.Millisecond), p.cfg.MinDelay, p.cfg.MaxDelay)})
	case !p.labelled && pulses && epochs && !p.fractions(now) && !p.pace.seldom(now):
		list = append(list, Trouble{ReasonLearning, fmt.Sprintf("%d of %d epochs agree", max(p.run.length, p.next.run.length), p.need)})
	case !p.lateAt.IsZero() && now.Sub(p.lateAt) < glitchShown:
		list = append(list, Trouble{ReasonLateMessages, fmt.Sprintf(
			"%v after their pulse; the receiver's next-pulse messages label instead", p.lateBy.Round(time.Millisecond))})
	}
	switch {
	case p.rival.length >= pulsesToAdopt && now.Sub(p.rival.last) <= pulseSilence:
		list = append(list, Trouble{ReasonPulsesPerSecond, fmt.Sprintf(
			"another train is %v away: both edges of the pulse?", p.glitchBy.Round(time.Millisecond))})
	case !p.glitchAt.IsZero() && now.Sub(p.glitchAt) < glitchShown:
		list = append(list, Trouble{ReasonGlitch, fmt.Sprintf("%v off the second, %d so far",
			p.glitchBy.Round(time.Millisecond), p.counter.Glitches)})
	}
	return list
}

// fractions tells that messages come which name fractions of a second, and that the
// pulse of none can be told.
func (p *Pairer) fractions(now timescale.Mono) bool {
	return !p.labelled && !p.fractionAt.IsZero() && now.Sub(p.fractionAt) <= p.maxAge()
}
