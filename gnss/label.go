package gnss

import (
	"time"

	"bragi/gnss/timescale"
)

// Label is what a Pairer knows of its train: the pulse at At was TAI second
// Second. Pulses come whole seconds apart in raw time, so a label outlives gaps
// of pulses and the process that learned it. At zero: there is none.
type Label struct {
	At     timescale.Mono `json:"at_ns"`      // of the last labelled pulse
	Second int64          `json:"tai_second"` // since 1970-01-01 TAI
	Delay  time.Duration  `json:"delay_ns"`   // usual, from the instant that is named to the message; 0: not known
	Every  int64          `json:"every_s"`    // how often messages come; 0: each second

	Evidence Evidence `json:"evidence"` // for Second
}

// fits tells whether second at the pulse at agrees with the label, and by how
// many seconds it is ahead. Under a fault a label never fades.
func (l Label) fits(at timescale.Mono, second int64, fault bool) (off int64, ok bool) {
	since := at.Sub(l.At)
	if l.At.IsZero() || since > forgetLabel && !fault {
		return 0, true
	}
	ahead := time.Duration(second-l.Second)*time.Second - since
	// A receiver that restarted may have moved its pulse by up to half a second.
	if ahead.Abs() < 750*time.Millisecond {
		return 0, true
	}
	return int64(ahead.Round(time.Second) / time.Second), false
}

// Label is the label at work; ok is false while none is, or under a fault.
func (p *Pairer) Label() (l Label, ok bool) {
	if !p.labelled || p.fault || p.last.At.IsZero() {
		return Label{}, false
	}
	l = p.last
	l.Evidence, l.Every = p.evidence, p.pace.every
	if p.delays.n > 0 {
		l.Delay = p.delays.median(p.cfg)
	}
	return l, true
}

// Resume makes a Pairer that has seen nothing yet count on from l at now. The
// caller vouches for it, knowing that the clock which the label was held by has
// run on undisturbed: the first pulses are marked at once, and messages must
// confirm the count within MaxAge of now.
func (p *Pairer) Resume(now timescale.Mono, l Label) {
	if p.train.alive || l.At.IsZero() || now.Before(l.At) {
		return
	}
	p.train.start(l.At)
	p.labelled, p.base = true, l.Second-p.train.number
	p.last = l
	p.lastConfirm, p.evidence, p.pace.every = now, l.Evidence, min(l.Every, slowest)
	if l.Delay > 0 {
		p.delays.add(l.Delay)
	}
}
