package gnss

import (
	"time"

	"bragi/gnss/timescale"
)

// Label is what a Pairer knows of its train: the pulse at At was TAI second
// Second. Pulses come whole seconds apart in raw time, so a label outlives the
// process that learned it.
type Label struct {
	At     timescale.Mono // of the last labelled pulse
	Second int64          // TAI seconds
	Delay  time.Duration  // usual, from pulse to message; 0: not known
}

// Label is the label at work; ok is false while none is, or under a fault.
func (p *Pairer) Label() (l Label, ok bool) {
	if !p.labelled || p.fault || !p.memory.known {
		return Label{}, false
	}
	l = Label{At: p.memory.at, Second: p.memory.second}
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
	p.memory = memory{true, l.At, l.Second}
	p.lastConfirm = now
	if l.Delay > 0 {
		p.delays.add(l.Delay)
	}
}
