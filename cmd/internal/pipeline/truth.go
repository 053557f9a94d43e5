package pipeline

import (
	"math"
	"time"

	"bragi/gnss/timescale"
	"bragi/holdover"
	"bragi/holdover/quality"
)

// witness is what the announcement is held against, kept apart from the state that
// it is made of.
type witness struct {
	believed   timescale.Mono // the last pulse that was
	distrusted timescale.Mono // since when a sign of distrust holds; zero: none does
	lies       []quality.Contradiction
}

// distrustSlack is how long the clock may take to leave LOCKED after a sign: it
// hears of it at its next Tick.
const distrustSlack = 2 * time.Second

// Lies is what the last announcement would have claimed against the facts.
func (p *Pipeline) Lies() []quality.Contradiction { return p.witness.lies }

func (w *witness) watch(now timescale.Mono, distrust holdover.Reason) {
	switch {
	case distrust == holdover.ReasonNone:
		w.distrusted = timescale.Mono{}
	case w.distrusted.IsZero():
		w.distrusted = now
	}
}

// facts are those of in at now, but for the bound: that is the clock's own, which the
// announced one may only be wider than.
func (p *Pipeline) facts(now timescale.Mono, in quality.Input, boundNs float64) quality.Facts {
	w := &p.witness
	age := math.Inf(1)
	if !w.believed.IsZero() {
		age = now.Sub(w.believed).Seconds()
	}
	return quality.Facts{Profile: in.Profile, State: in.State, EverLocked: in.EverLocked, PulseAgeS: age,
		Distrusted: !w.distrusted.IsZero() && now.Sub(w.distrusted) > distrustSlack, NoReference: p.lost, ClockFault: p.fault.away != nil,
		BoundNs: boundNs, EgressNs: in.EgressNs, SpecNs: p.specNs(), AnyBound: in.AnyBound, DoubtNs: p.placeNs + p.doubtNs(), UTCOffset: in.UTCOffset, Leap: in.Leap}
}

// specNs is holdover.spec.
func (p *Pipeline) specNs() float64 {
	if p.cfg.Servo.Spec > 0 {
		return float64(p.cfg.Servo.Spec)
	}
	return float64(holdover.DefaultConfig().Spec)
}

// truthful is a, or what can be said in its place where a contradicts the facts: out
// of spec, and where that contradicts them too, nothing.
func (p *Pipeline) truthful(now timescale.Mono, in quality.Input, boundNs float64, a quality.Announcement) quality.Announcement {
	facts := p.facts(now, in, boundNs)
	p.witness.lies = quality.Contradictions(a, facts)
	if p.witness.lies == nil {
		return a
	}
	in.State, in.KeepsSpec = quality.HoldoverNoSpec, false
	a = quality.Announce(in)
	if quality.Contradictions(a, facts) != nil {
		a.Serve = false
	}
	return a
}
